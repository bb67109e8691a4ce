"""Paid once for coming to know a state, on a corridor whose goal is not found by chance."""

from __future__ import annotations

from collections.abc import Sequence

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean
from tests.evidence.worlds.exploring import CELLS, with_and_without

CLAIM = (
    "With Knowledge of counts one-step Q-learning finds the goal of a corridor of 30 cells within 200 "
    "episodes of 60 steps; without a bonus it does not."
)
SOURCE = "Lidayan, Dennis, Russell, 2024, arXiv 2409.05358"
BUDGET = 0.2


def run(seed: int, *, small: bool = False) -> Row:
    return with_and_without(rw.Knowledge(rw.Counts(), scale=1.0 / CELLS), seed, small=small)


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    return higher(rows, "bonus", "none", by=0.2), (
        f"share of the last 40 episodes that reach the goal: {mean(rows, 'bonus'):.2f} with the bonus, "
        f"{mean(rows, 'none'):.2f} without"
    )
