"""Whether episodes of now are as those of before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rewardwrap.evaluate import detect_drift
from tests.evidence.harness.judging import Row, State, higher, mean, together, within

CLAIM = (
    "On streams without a shift there is an alarm in about one of twenty; a shift of one standard "
    "deviation is found within 20 episodes in nearly all."
)
SOURCE = "the function sheet RM_MODULE (drift monitoring)"
BUDGET = 0.3
OBJECT = "rewardwrap.evaluate.models.drift:detect_drift"
USE = "rewardwrap validate MODEL DIR"
REFERENCE, CURRENT, WIDTH, STREAMS = 60, 20, 4, 60


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    streams = 2 if small else STREAMS
    row = {}
    for name, shift in (("same", 0.0), ("shifted", 1.0)):
        alarms = []
        for _ in range(streams):
            before = rng.standard_t(5, size=(REFERENCE, WIDTH))
            now = rng.standard_t(5, size=(CURRENT, WIDTH))
            now[:, 0] += shift * np.sqrt(5 / 3)
            alarms.append(detect_drift(before, now, rng=rng, permutations=299).alarm)
        row[name] = float(np.mean(alarms))
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([within(rows, "same", 0.0, 0.15), higher(rows, "shifted", 0.8)])
    return state, (
        f"alarms: {mean(rows, 'same'):.0%} of streams without a shift, {mean(rows, 'shifted'):.0%} with "
        f"one of a standard deviation in one of {WIDTH} dimensions ({len(rows) * STREAMS} streams each)"
    )
