"""Rewards that get lost at times."""

from __future__ import annotations

from collections.abc import Sequence

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.questions import CHANCE, answered

CLAIM = (
    "Losing half of the rewards at random leaves a policy gradient nearly as good, losing 98 % of them "
    "does not."
)
SOURCE = "common practice"
BUDGET = 0.3
LOSSES = (0.0, 0.5, 0.98)


def run(seed: int, *, small: bool = False) -> Row:
    return {
        f"p{loss:g}": answered(
            rw.Dropout(rw.EnvReward(), loss, seed=seed),
            seed,
            updates=3 if small else 150,
            normalised=False,
        )
        for loss in LOSSES
    }


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, "p0.5", 0.85), higher(rows, "p0.5", "p0.98", by=0.2)])
    told = ", ".join(f"{mean(rows, f'p{loss:g}'):.2f} at {loss:.0%}" for loss in LOSSES)
    return state, f"right answers (chance {CHANCE:.2f}) by share of rewards lost: {told}"
