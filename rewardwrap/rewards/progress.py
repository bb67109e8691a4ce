"""How far a lane came on this step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import ClassVar

import numpy as np

from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward, require_parts
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.filter import Filter
from rewardwrap.rewards.limits import require_number


@register("progress")
class Progress(Filter):
    """``RC_t - max_{s<t} RC_s``, if above 0: what this step adds to the furthest point so far.

    The base says how far the lane is after each step (route completion, distance). The sum over an
    episode is the furthest point minus ``start_at``; standing still and going back pay 0, and so
    does covering the same ground again. That is why this is not ``max(0, RC_t - RC_{t-1})``, which
    pays for going to and fro. ``record=False`` is the plain difference ``RC_t - RC_{t-1}``,
    negative on the way back; it sums to the last point minus ``start_at``. For an RC that never
    falls the two agree.

    Args:
        base: Position along the way after the step, e.g. ``rw.Native("route_completion")``.
        start_at: Position at reset, in units of the base.
        record: Whether only new ground pays.

    Raises:
        ConfigError: start_at is no finite number.

    Source: route completion in Jaeger et al., "CaRL: Learning scalable planning policies with
        simple rewards", 2025, arXiv 2504.17838. Deviation: the record, for positions that can fall.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 5, "action": [0] * 4, "reward": [2, 1, 2, 5],
        ...        "terminated": [0, 0, 0, 1], "truncated": [0] * 4}
        >>> rw.relabel(rw.Progress(rw.EnvReward()), log)
        array([2., 0., 0., 3.])
    """

    pays_at_end: ClassVar[bool] = False

    base: Reward
    _: KW_ONLY
    start_at: float = 0.0
    record: bool = True

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        require_number(self, "start_at", "Use the position at reset.")

    def parts(self) -> tuple[Reward, ...]:
        return (self.base,)

    def start(self, lanes: int) -> Carry:
        return np.full(lanes, float(self.start_at))

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        before = np.where(batch.first, self.start_at, own)
        after = np.maximum(before, values[0]) if self.record else values[0]
        return after, after - before

    def write(self, code: LaneCode) -> str:
        before = code.carry(0.0)
        code.at_start(f"{before} = {float(self.start_at)!r}")
        after = code.let(self.base.write(code), "place")
        gain = code.let(f"{after} - {before}", "gain")
        if self.record:
            code.line(f"if {gain} < 0.0: {gain}, {after} = 0.0, {before}")
        code.line(f"{before} = {after}")
        return gain
