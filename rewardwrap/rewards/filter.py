"""Rewards with a memory that is fed by the values of other rewards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from rewardwrap.core.reward import Reward
from rewardwrap.core.transitions import Carry, FloatArray, Transitions, take


class Filter(Reward):
    """What its parts pay goes in, step by step; something else comes out, later or smaller.

    A method writes `start`, its own memory, and `follow`, one step of it. The carry of the parts,
    logged episodes and parts that need later steps are dealt with here. Where `over_time` has a
    closed form, a method may replace it.
    """

    reads_obs: ClassVar[bool] = False
    shaping: ClassVar[bool] = False

    def start(self, lanes: int) -> Carry:
        """The memory of ``lanes`` fresh lanes: nested tuples of arrays, leading size ``lanes``."""
        raise NotImplementedError

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        """The next memory and the reward of every lane.

        Args:
            own: What `start` or the step before returned; to be copied, not written to.
            values: What each part pays, ``(B,)`` float64 each; to be copied, not written to.
            batch: The step, for ``first``, ``terminated``, ``truncated`` and ``training``.
        """
        raise NotImplementedError

    def init(self, lanes: int) -> Carry:
        return tuple(part.init(lanes) for part in self.parts()), self.start(lanes)

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        carries, own = carry
        after, values = [], []
        for part, before in zip(self.parts(), carries, strict=True):
            kept, value = part.step(before, batch)
            after.append(kept)
            values.append(value)
        own, paid = self.follow(own, values, batch)
        return (tuple(after), own), paid

    def over_time(self, batch: Transitions) -> FloatArray:
        values = [part.over_time(batch) for part in self.parts()]
        own = self.start(1)
        paid = np.empty(batch.lanes)
        for t in range(batch.lanes):
            now = slice(t, t + 1)
            own, value = self.follow(own, [v[now] for v in values], take(batch, now))
            paid[t] = value[0]
        return paid
