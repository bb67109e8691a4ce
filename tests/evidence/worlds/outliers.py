"""A policy gradient whose rewards hold rare huge numbers that say nothing about the answer."""

from __future__ import annotations

from collections.abc import Callable

import rewardwrap as rw
from tests.evidence.worlds.questions import answered

SIZE, RATE = 1000.0, 0.01


def compared(bend: Callable[[rw.Reward], rw.Reward], seed: int, *, small: bool) -> dict[str, float]:
    """Right answers in the end: without outliers, with them, and with them bent."""
    rare = rw.Flip(rw.Constant(0.0), (RATE, 0.0), scope="step", seed=seed)
    wild = rw.EnvReward() + SIZE * rare
    ways = {"clean": rw.EnvReward(), "wild": wild, "bent": bend(wild)}
    updates = 3 if small else 150
    return {
        name: answered(reward, seed, updates=updates, normalised=False)
        for name, reward in ways.items()
    }
