"""Rewards cut away below a threshold: not the same sum, and not the same task."""

from __future__ import annotations

from collections.abc import Sequence

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.late import log10_steps, sum_error

CLAIM = (
    "With all but the last step's reward cut away, what an episode sums to changes and one-step "
    "Q-learning needs more steps."
)
SOURCE = "common practice: sparse versions of dense tasks"
BUDGET = 0.2


def run(seed: int, *, small: bool = False) -> Row:
    sparse = rw.Sparsify(rw.EnvReward(), last=True)
    return {
        "lost": sum_error(sparse, seed),
        "log10_dense": log10_steps(rw.EnvReward(), seed, small=small),
        "log10_sparse": log10_steps(sparse, seed, small=small),
    }


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [higher(rows, "lost", 0.1), higher(rows, "log10_sparse", "log10_dense", by=0.1)]
    )
    dense, sparse = (10 ** mean(rows, f"log10_{name}") for name in ("dense", "sparse"))
    return state, f"steps until near-shortest episodes: {dense:.0f} dense, {sparse:.0f} sparse"
