"""Rewards that come later or less often: the same sum, harder to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward, require_parts
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.filter import Filter
from rewardwrap.rewards.limits import require_count, require_number
from rewardwrap.rewards.truncation import (
    OnTruncation,
    ended,
    ended_text,
    require_on_truncation,
)


@register("delay")
class Delay(Filter):
    """The sum of the last ``steps`` rewards on every ``steps``-th step of an episode, else 0.

    What is still held back is paid on the episode's last step, so the undiscounted sum of an
    episode stays what it was; a log that is cut keeps its rest. ``steps=1`` is the identity.
    Discounted returns shrink, so this is not policy-invariant. A testbed: how well does a learner
    assign credit?

    Args:
        base: The reward.
        steps: How many steps are paid at once, at least 1.
        on_truncation: ``"terminal"`` (or ``"end"``): a time limit is a last step and pays. SB3's
            learners then add ``gamma V(s_T)``, which holds the same pay: use it with
            ``rw.make(limit="end")`` or a learner that does not bootstrap; `rw.check` says so.
            ``"bootstrap"``: a cut pays nothing of what is held back; ``V(s_T)`` is worth it.

    Raises:
        ConfigError: steps is no whole number of at least 1.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 4, "action": [0] * 3, "reward": [1, 2, 3], "terminated": [0, 0, 1],
        ...        "truncated": [0, 0, 0]}
        >>> rw.relabel(rw.Delay(rw.EnvReward(), steps=2), log)
        array([0., 3., 3.])
    """

    base: Reward
    steps: int
    _: KW_ONLY
    on_truncation: OnTruncation = "terminal"

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        require_on_truncation(self)
        require_count(self, "steps", "Use 1 for no delay.")

    def parts(self) -> tuple[Reward, ...]:
        return (self.base,)

    def start(self, lanes: int) -> Carry:
        return np.zeros(lanes), np.zeros(lanes, np.int64)

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        held = np.where(batch.first, 0.0, own[0]) + values[0]
        steps = np.where(batch.first, 0, own[1]) + 1
        due = ended(self, batch) | (steps == self.steps)
        return (np.where(due, 0.0, held), np.where(due, 0, steps)), np.where(due, held, 0.0)

    def write(self, code: LaneCode) -> str:
        held, left = code.carry(0.0), code.carry(self.steps)
        code.at_start(f"{held}, {left} = 0.0, {self.steps}")
        code.line(f"{held} += {self.base.write(code)}")
        code.line(f"{left} -= 1")
        paid = code.let("0.0", "delayed")
        code.line(f"if {ended_text(self)} or not {left}:")
        code.line(f"    {paid}, {held}, {left} = {held}, 0.0, {self.steps}")
        return paid


@register("episode_sum")
class EpisodeSum(Filter):
    """The sum of an episode's rewards on its last step; 0 on all others.

    The sum of an episode stays what it was; a log that is cut pays nothing. It is 0 on
    the other steps, so what is built on it, such as a squash of whole episodes, may need
    ``Sparsify(.., last=True)`` around it.

    Args:
        base: The reward.
        on_truncation: ``"terminal"`` (or ``"end"``): a time limit is a last step and pays. SB3's
            learners then add ``gamma V(s_T)``, which holds the same pay: use it with
            ``rw.make(limit="end")`` or a learner that does not bootstrap; `rw.check` says so.
            ``"bootstrap"``: a cut pays nothing of what is held back; ``V(s_T)`` is worth it.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 4, "action": [0] * 3, "reward": [1, 2, 3], "terminated": [0, 0, 1],
        ...        "truncated": [0, 0, 0]}
        >>> rw.relabel(rw.EpisodeSum(rw.EnvReward()), log)
        array([0., 0., 6.])
    """

    clock: ClassVar[str] = "episode"

    base: Reward
    _: KW_ONLY
    on_truncation: OnTruncation = "terminal"

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        require_on_truncation(self)

    def parts(self) -> tuple[Reward, ...]:
        return (self.base,)

    def start(self, lanes: int) -> Carry:
        return np.zeros(lanes)

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        held = np.where(batch.first, 0.0, own) + values[0]
        return held, np.where(ended(self, batch), held, 0.0)

    def write(self, code: LaneCode) -> str:
        held = code.carry(0.0)
        code.at_start(f"{held} = 0.0")
        code.line(f"{held} += {self.base.write(code)}")
        return code.let(f"{held} if {ended_text(self)} else 0.0", "episode_sum")


@register("sparsify")
class Sparsify(Reward):
    """``r`` where it reaches the threshold (and, on request, the episode ends), else 0.

    What is cut away is lost, unlike with `Delay`. Not policy-invariant.

    Args:
        base: The reward.
        threshold: Smallest value that is kept, or None to keep all.
        last: Whether to keep nothing but an episode's last step.
        on_truncation: ``"terminal"`` (or ``"end"``): a time limit is a last step. SB3's
            learners then add ``gamma V(s_T)``, which holds the same pay: use it with
            ``rw.make(limit="end")`` or a learner that does not bootstrap; `rw.check` says so.
            ``"bootstrap"``: a cut is no last step and pays nothing.

    Raises:
        ConfigError: threshold is no finite number, or there is nothing to cut away.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 4, "action": [0] * 3, "reward": [1, 2, 3], "terminated": [0, 0, 1],
        ...        "truncated": [0, 0, 0]}
        >>> rw.relabel(rw.Sparsify(rw.EnvReward(), 2), log)
        array([0., 2., 3.])
    """

    reads_obs: ClassVar[bool] = False
    shaping: ClassVar[bool] = False

    base: Reward
    threshold: float | None = None
    _: KW_ONLY
    last: bool = False
    on_truncation: OnTruncation = "terminal"

    def __post_init__(self) -> None:
        object.__setattr__(self, "pays_at_end", self.last)
        require_parts(self, (self.base,))
        require_on_truncation(self)
        if self.threshold is not None:
            require_number(self, "threshold", "Use the smallest reward worth keeping.")
        elif not self.last:
            raise ConfigError(
                "Sparsify: threshold must be set where last is False, got None. "
                "Give the smallest reward worth keeping, or last=True."
            )

    def parts(self) -> tuple[Reward, ...]:
        return (self.base,)

    def init(self, lanes: int) -> Carry:
        return self.base.init(lanes)

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        carry, value = self.base.step(carry, batch)
        return carry, self._kept(value, batch)

    def __call__(self, batch: Transitions) -> FloatArray:
        return self._kept(self.base(batch), batch)

    def over_time(self, batch: Transitions) -> FloatArray:
        return self._kept(self.base.over_time(batch), batch)

    def _kept(self, value: FloatArray, batch: Transitions) -> FloatArray:
        if self.threshold is not None:
            # asked this way round, NaN is kept, for the host to refuse
            value = np.where(value < self.threshold, 0.0, value)
        return np.where(ended(self, batch), value, 0.0) if self.last else value
