"""A running scale: one learning rate for rewards of any unit."""

from __future__ import annotations

from collections.abc import Sequence

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.questions import answered

CLAIM = (
    "With one learning rate a plain policy gradient learns from rewards of size 1 and not from the "
    "same rewards of size 0.001; divided by their running deviation both are learned."
)
SOURCE = "return scaling as in SB3's VecNormalize"
BUDGET = 0.5
SCALES = (1.0, 0.001)


def run(seed: int, *, small: bool = False) -> Row:
    row = {}
    for scale in SCALES:
        for name, make in (("plain", rw.EnvReward), ("normalised", _normalised)):
            row[f"{name}_{scale:g}"] = answered(
                make(), seed, updates=3 if small else 300, scale=scale, normalised=False
            )
    return row


def _normalised() -> rw.Reward:
    return rw.Normalize(rw.EnvReward(), gamma=0.0, epsilon=1e-12)


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "plain_1", "plain_0.001", by=0.3),
            higher(rows, "normalised_0.001", "plain_0.001", by=0.3),
            higher(rows, "normalised_0.001", 0.8),
        ]
    )
    told = "; ".join(
        f"{mean(rows, f'plain_{s:g}'):.2f} plain, {mean(rows, f'normalised_{s:g}'):.2f} normalised at "
        f"size {s:g}"
        for s in SCALES
    )
    return state, f"right answers: {told}"
