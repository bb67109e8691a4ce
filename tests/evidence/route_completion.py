"""Route completion against a sum of driving terms: which drive is best, and which is learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.driving import REWARDS, best_score, driven, roads

CLAIM = (
    "From every start of LaneDrive the drive that value iteration finds best under route completion has the "
    "best driving score, and the best one under a sum for speed, survival and violations has not; learned "
    "drives differ alike."
)
SOURCE = "Jaeger et al., 2025, arXiv 2504.17838"
BUDGET = 0.5
SEEDS = 10


def run(seed: int, *, small: bool = False) -> Row:
    row = {}
    for name in REWARDS:
        table = roads(name, 1 if small else 15)
        row[f"best_{name}"] = best_score(table)
        rng = np.random.default_rng(seed)
        row[f"learned_{name}"] = driven(table, rng, batch=64, updates=2 if small else 200)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            within(rows, "best_carl", 1.0 - 1e-9, 1.0 + 1e-9),
            higher(rows, "best_carl", "best_sum", by=0.05),
            higher(rows, "learned_carl", "learned_sum", by=0.05),
        ]
    )
    told = ", ".join(
        f"{name} {mean(rows, f'best_{name}'):.2f} at best and {mean(rows, f'learned_{name}'):.2f} learned"
        for name in REWARDS
    )
    return state, f"driving score: {told}"
