"""Rare huge rewards, bent by the logarithm."""

from __future__ import annotations

from collections.abc import Sequence

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.outliers import RATE, SIZE, compared

CLAIM = (
    "Rare huge rewards that say nothing about the answer ruin a policy gradient; bent by the logarithm "
    "they leave it more than half of what it learns without them."
)
SOURCE = "Hafner et al., 2023, arXiv 2301.04104"
BUDGET = 0.3


def run(seed: int, *, small: bool = False) -> Row:
    return compared(rw.Symlog, seed, small=small)


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    half = [{"ahead": row["bent"] - 0.5 * row["clean"]} for row in rows]
    state = together([higher(rows, "bent", "wild", by=0.1), higher(half, "ahead", 0.0)])
    told = ", ".join(f"{mean(rows, name):.2f} {name}" for name in ("clean", "wild", "bent"))
    return state, f"right answers with {SIZE:g} added to {RATE:.0%} of the rewards: {told}"
