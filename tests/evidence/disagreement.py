"""Models that do not agree, on a corridor whose goal is not found by chance, and before a television."""

from __future__ import annotations

from collections.abc import Sequence

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.exploring import television, with_and_without

CLAIM = (
    "With Disagreement one-step Q-learning finds the goal of a corridor of 30 cells within 200 episodes of "
    "60 steps, and without a bonus it does not; what noise pays falls to less than half with data."
)
SOURCE = "arXiv 1906.04161"
BUDGET = 1.0
SEEDS = 10


def run(seed: int, *, small: bool = False) -> Row:
    noise = television(rw.Disagreement(every=128, normalise=False), seed, small=small)
    bonus = with_and_without(rw.Disagreement(every=128), seed, small=small)
    return {**bonus, **noise, "half_early": 0.5 * noise["early"]}


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    parts = [higher(rows, "bonus", "none", by=0.2), higher(rows, "half_early", "late")]
    return together(parts), (
        f"share of the last 40 episodes that reach the goal: {mean(rows, 'bonus'):.2f} with the bonus, "
        f"{mean(rows, 'none'):.2f} without; steps past the television are paid {mean(rows, 'late'):.3f} "
        f"late and {mean(rows, 'early'):.3f} early"
    )
