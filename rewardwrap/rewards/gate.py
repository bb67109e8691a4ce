"""Progress, softened by penalties and stopped by violations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward, require_parts
from rewardwrap.core.transitions import BoolArray, Carry, FloatArray, Transitions
from rewardwrap.rewards.filter import Filter
from rewardwrap.rewards.limits import is_number, require_count, require_number


@register("gate")
class Gate(Filter):
    """``r = progress * p_1 * .. * p_n``; on a hard violation ``-hint``, and 0 from then on.

    Factors ``p_i`` in [0, 1] are soft penalties: no term of progress can leave the interval between
    0 and itself, standing still pays nothing, and with progress that is never negative a violation
    never raises the return. Without violations the return is the sum of progress, exactly. A
    violation is any value but 0. A reward cannot end an episode: end it in the environment, as the
    paper does, or the rest of the episode pays 0 here.

    Args:
        progress: What the lane gained on this step, best never negative: ``rw.Progress(...)``.
        factors: Soft penalties, 1 where nothing is wrong; see `Sticky` for ones that last.
        hard: Signals of hard violations (collision, red light, off the road), 0 where nothing is
            wrong.
        hint: What a hard violation costs, at least 0; 0 for none. One number, or one for each of
            ``hard``, the largest of which is charged where several happen at once.

    Raises:
        ConfigError: A hint is negative or hints and hard differ in number.
        RewardValueError: A factor outside [0, 1].

    Source: Jaeger et al., "CaRL: Learning scalable planning policies with simple rewards", 2025,
        arXiv 2504.17838. Deviation: progress counts from 0 whatever its unit (there, percent of a
        route).

    Example:
        >>> import rewardwrap as rw
        >>> half = rw.Constant(0.5)
        >>> gate = rw.Gate(rw.Constant(2), (half, half), hard=(rw.EnvReward(),))
        >>> log = {"obs": [0] * 4, "action": [0] * 3, "reward": [0, 1, 0],
        ...        "terminated": [0, 0, 1], "truncated": [0, 0, 0]}
        >>> rw.relabel(gate, log)
        array([ 0.5, -1. ,  0. ])
    """

    pays_at_end: ClassVar[bool] = False

    progress: Reward
    factors: tuple[Reward, ...] = ()
    _: KW_ONLY
    hard: tuple[Reward, ...] = ()
    hint: float | tuple[float, ...] = 1.0

    def __post_init__(self) -> None:
        for name in ("factors", "hard"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        require_parts(self, (self.progress, *self.factors, *self.hard))
        if isinstance(self.hint, tuple | list):
            object.__setattr__(self, "hint", tuple(self.hint))
            fits = all(is_number(hint) and hint >= 0.0 for hint in self.hint)
            if len(self.hint) != len(self.hard) or not fits:
                raise ConfigError(
                    f"Gate: hint must be one number of at least 0 for each of {len(self.hard)} "
                    f"hard violations, got {self.hint!r}. Give one number for all of them."
                )
        else:
            require_number(self, "hint", "It is what a violation costs.", low=0.0)

    def start(self, lanes: int) -> Carry:
        return np.zeros(lanes, bool)

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        soft = 1 + len(self.factors)
        paid = values[0]
        for i, factor in enumerate(values[1:soft]):
            _require_unit(factor, i)
            paid = paid * factor
        closed: BoolArray = own & ~batch.first
        paid = np.where(closed, 0.0, paid)
        if not self.hard:
            return closed, paid
        cost = self._cost(values[soft:])
        now = ~np.isnan(cost) & ~closed
        return closed | now, np.where(now, -cost, paid)

    def _cost(self, signals: Sequence[FloatArray]) -> FloatArray:
        """The hint of the worst violation of each lane, NaN where there is none."""
        cost = np.full(signals[0].shape, np.nan)
        for signal, hint in zip(signals, self._hints(), strict=True):
            cost = np.where(signal != 0.0, np.fmax(cost, hint), cost)
        return cost

    def _hints(self) -> tuple[float, ...]:
        return self.hint if isinstance(self.hint, tuple) else (self.hint,) * len(self.hard)

    def write(self, code: LaneCode) -> str:
        closed, refuse = code.carry(False), code.bind(_refuse_factor, "refuse")
        code.at_start(f"{closed} = False")
        paid = code.let(self.progress.write(code), "paid")
        for i, part in enumerate(self.factors):
            factor = code.let(part.write(code), "factor")
            code.line(f"if not 0.0 <= {factor} <= 1.0: {refuse}({factor}, {i})")
            code.line(f"{paid} *= {factor}")
        cost = code.let("-1.0", "cost")
        for part, hint in zip(self.hard, self._hints(), strict=True):
            signal = code.let(part.write(code), "violation")
            code.line(f"if {signal} != 0.0: {cost} = max({cost}, {float(hint)!r})")
        code.line(f"if {closed}: {paid} = 0.0")
        code.line(f"elif {cost} >= 0.0: {closed}, {paid} = True, -{cost}")
        return paid


@register("sticky")
class Sticky(Filter):
    """A soft penalty that lasts: ``factor`` while violated and for ``steps`` steps after, else 1.

    A new violation starts the count anew; an episode starts without one.

    Args:
        violation: Any value but 0 is a violation.
        factor: What progress is multiplied by, in [0, 1].
        steps: How long the penalty outlasts the violation, at least 0.

    Raises:
        ConfigError: A number outside its range.

    Source: time-to-collision and comfort penalties of Jaeger et al., 2025, arXiv 2504.17838 (0.5
        for 500 simulator ticks).

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 6, "action": [0] * 5, "reward": [0, 1, 0, 0, 0],
        ...        "terminated": [0] * 5, "truncated": [0] * 5}
        >>> rw.relabel(rw.Sticky(rw.EnvReward(), steps=2), log)
        array([1. , 0.5, 0.5, 0.5, 1. ])
    """

    pays_at_end: ClassVar[bool] = False

    violation: Reward
    _: KW_ONLY
    factor: float = 0.5
    steps: int = 500

    def __post_init__(self) -> None:
        require_parts(self, (self.violation,))
        require_number(self, "factor", "Use 1 for no penalty.", low=0.0, high=1.0)
        require_count(self, "steps", "Use 0 for a penalty that ends with the violation.", low=0)

    def start(self, lanes: int) -> Carry:
        return np.zeros(lanes, np.int64)

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        violated = values[0] != 0.0
        left = np.where(violated, self.steps + 1, np.where(batch.first, 0, own))
        return np.maximum(left - 1, 0), np.where(left > 0, self.factor, 1.0)

    def write(self, code: LaneCode) -> str:
        left = code.carry(0)
        code.at_start(f"{left} = 0")
        code.line(f"if {self.violation.write(code)} != 0.0: {left} = {self.steps + 1}")
        factor = code.let(f"{float(self.factor)!r} if {left} else 1.0", "sticky")
        code.line(f"if {left}: {left} -= 1")
        return factor


def _require_unit(factor: FloatArray, i: int) -> None:
    wrong = np.flatnonzero(~((factor >= 0.0) & (factor <= 1.0)))
    if wrong.size:
        _refuse_factor(factor[wrong[0]], i, lane=int(wrong[0]))


def _refuse_factor(factor: float, i: int, *, lane: int = 0) -> None:
    raise RewardValueError(
        f"Gate: factor {i} must lie in [0, 1], got {factor} in lane {lane}. "
        "Bound it with .clip(0, 1)."
    )
