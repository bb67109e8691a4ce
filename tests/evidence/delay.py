"""Rewards that come every fifth step: the same sum, harder to learn from."""

from __future__ import annotations

from collections.abc import Sequence

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.late import log10_steps, sum_error

CLAIM = (
    "Paid every fifth step an episode sums to the same, and one-step Q-learning needs more steps."
)
SOURCE = "common practice; the episodic tasks of Arjona-Medina et al., 2018, arXiv 1806.07857"
BUDGET = 0.2


def run(seed: int, *, small: bool = False) -> Row:
    late = rw.Delay(rw.EnvReward(), 5)
    return {
        "sum_error": sum_error(late, seed),
        "log10_dense": log10_steps(rw.EnvReward(), seed, small=small),
        "log10_late": log10_steps(late, seed, small=small),
    }


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            within(rows, "sum_error", 0.0, 1e-9),
            higher(rows, "log10_late", "log10_dense", by=0.1),
        ]
    )
    dense, late = (10 ** mean(rows, f"log10_{name}") for name in ("dense", "late"))
    return (
        state,
        f"steps until near-shortest episodes: {dense:.0f} paid at once, {late:.0f} paid late",
    )
