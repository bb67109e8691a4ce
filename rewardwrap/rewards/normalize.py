"""Rewards divided by the running deviation of the discounted return."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward, require_parts
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.filter import Filter
from rewardwrap.rewards.limits import require_count, require_number


@register("normalize")
class Normalize(Filter):
    """``clip(r / sqrt(var(R) + epsilon), -bound, bound)``, where ``R <- gamma * R + r``.

    The running return ``R`` of a lane starts at 0 in every episode. Its variance (over all steps of
    all lanes so far, this one included) is knowledge: shared by the lanes, saved with the reward,
    frozen where ``training`` is False. No mean is removed, since that would pay or charge for the
    length of an episode. Use it outermost: a scale that moves is no constant, so shaping that is
    added inside it does not telescope exactly, and none may be added outside.

    A reward that is not finite never enters the statistics; it is handed on, for the host to
    refuse.

    Args:
        base: The reward.
        gamma: Discount of ``R``, in [0, 1]: the agent's, or near it. It only sets the time scale;
            it is no potential's gamma and nothing is refused if it differs from the agent's.
        epsilon: Added to the variance, in squared units of the reward.
        bound: Bound of the result in both directions; None for none.
        warmup: Returns to count, at least 2, before rewards are divided; till then they are only
            clipped.

    Raises:
        ConfigError: A number outside its range.

    Source: return scaling as in SB3's VecNormalize and gymnasium's NormalizeReward. Deviations:
        they begin with a variance of 1 counted 1e-4 times, which pays up to ``bound`` on the first
        step; here no prior, and ``warmup``. gymnasium also forgets nothing at a truncation; here R
        always starts anew. Lanes that step together are counted together and divided alike, as in
        VecNormalize; stepped one by one, later ones are divided by what earlier ones taught. After
        the first steps that is a difference of order 1 / steps.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 4, "action": [0] * 3, "reward": [2, 2, 2], "terminated": [0, 0, 1],
        ...        "truncated": [0, 0, 0]}
        >>> rw.relabel(rw.Normalize(rw.EnvReward(), gamma=1), log, training=True).round(3).tolist()
        [2.0, 2.0, 1.225]
    """

    learns: ClassVar[bool] = True
    pays_at_end: ClassVar[bool] = False

    base: Reward
    _: KW_ONLY
    gamma: float = 0.99
    epsilon: float = 1e-8
    bound: float | None = 10.0
    warmup: int = 2

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        require_number(self, "gamma", "Use the discount of the agent.", low=0.0, high=1.0)
        require_number(self, "epsilon", "Use 1e-8.", low=0.0, above=True)
        if self.bound is not None:
            require_number(self, "bound", "Use None for no bound.", low=0.0, above=True)
        require_count(self, "warmup", "One return has no deviation.", low=2)
        # how many returns, their mean, the sum of their squared distances from it
        object.__setattr__(self, "_moments", [0.0, 0.0, 0.0])

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        return {"moments": np.array(self._learned)}

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        moments = np.asarray(arrays["moments"], np.float64)
        if moments.shape != (3,) or not np.isfinite(moments).all() or moments[[0, 2]].min() < 0:
            raise ConfigError(
                "Normalize: moments must be a count, a mean and a sum of squares, "
                f"got {moments.tolist()}. Load what this reward saved."
            )
        # in place, because running lanes hold this list
        self._learned[:] = moments.tolist()

    @property
    def _learned(self) -> list[float]:
        moments: list[float] = self._moments  # type: ignore[attr-defined]
        return moments

    def parts(self) -> tuple[Reward, ...]:
        return (self.base,)

    def start(self, lanes: int) -> Carry:
        return np.zeros(lanes)

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        (base,), own = carry
        base, reward = self.base.step(base, batch)
        own, value = self.follow(own, (reward,), batch)
        return ((base,), own), value

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        reward = values[0]
        total: FloatArray = own * self.gamma
        if batch.starts:
            total[batch.first] = 0.0
        square = float(reward.dot(reward))
        if math.isfinite(square):
            total += reward
            if batch.training:
                self._learn(total)
            return total, self._scaled(reward, square)
        good = np.isfinite(reward)
        total[good] += reward[good]
        if batch.training:
            self._learn(total[good])
        return total, np.where(good, self._scaled(reward, np.inf), reward)

    def over_time(self, batch: Transitions) -> FloatArray:
        if batch.training:
            return super().over_time(batch)
        reward = self.base.over_time(batch)
        return np.where(np.isfinite(reward), self._scaled(reward, np.inf), reward)

    def _learn(self, totals: FloatArray) -> None:
        moments = self._learned
        count, mean, squares = moments
        if not count and len(totals):
            mean = float(totals.mean())
        away = totals - mean
        count += len(totals)
        shift = float(np.add.reduce(away))
        squares += float(away.dot(away)) - shift * shift / max(count, 1.0)
        if math.isfinite(squares):
            moments[:] = count, mean + shift / max(count, 1.0), max(squares, 0.0)

    def _scale(self) -> float:
        count, _, squares = self._learned
        if count < self.warmup:
            return 1.0
        return 1.0 / math.sqrt(squares / count + self.epsilon)

    def _scaled(self, reward: FloatArray, square: float) -> FloatArray:
        """Rewards divided and bounded; ``square``, their sum of squares, may rule out the latter."""
        scale = self._scale()
        value = reward * scale
        if self.bound is not None and square * scale * scale > self.bound * self.bound:
            np.maximum(value, -self.bound, out=value)
            np.minimum(value, self.bound, out=value)
        return value

    def write(self, code: LaneCode) -> str:
        code.use("training")
        total, reward = code.carry(0.0), code.let(self.base.write(code), "reward")
        learn, scale = code.bind(self._learn_one, "learn"), code.bind(self._scale, "scale")
        gamma = float(self.gamma)
        code.at_start(f"{total} = 0.0")
        code.line(f"if {reward} - {reward} == 0.0:")
        code.line(f"    {total} = {gamma!r} * {total} + {reward}")
        code.line(f"    {reward} *= {learn}({total}) if training else {scale}()")
        if self.bound is not None:
            high = float(self.bound)
            code.line(f"    if {reward} > {high!r}: {reward} = {high!r}")
            code.line(f"    elif {reward} < {-high!r}: {reward} = {-high!r}")
        code.line(f"else: {total} *= {gamma!r}")
        return reward

    def _learn_one(self, total: float) -> float:
        """Count one return and give the scale: Welford, one pass and no cancellation."""
        moments = self._learned
        count, mean, squares = moments
        count += 1.0
        away = total - mean
        mean += away / count
        squares += away * (total - mean)
        if math.isfinite(squares):
            moments[:] = count, mean, squares
        return self._scale()
