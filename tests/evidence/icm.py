"""Curiosity in features of the agent, on a corridor whose goal is not found by chance."""

from __future__ import annotations

from collections.abc import Sequence

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.exploring import felt, with_and_without

CLAIM = (
    "With ICM one-step Q-learning finds the goal of a corridor of 30 cells within 200 episodes of 60 "
    "steps; without a bonus it does not; its features move at least 1.5 times as far with what actions "
    "move as with noise that no action reaches."
)
SOURCE = "arXiv 1705.05363"
BUDGET = 0.5


def run(seed: int, *, small: bool = False) -> Row:
    moves = felt(rw.ICM(every=128), seed, small=small)
    bonus = with_and_without(rw.ICM(every=128), seed, small=small)
    return {**bonus, **moves, "more_noise": 1.5 * moves["by_noise"]}


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [higher(rows, "bonus", "none", by=0.2), higher(rows, "by_actions", "more_noise")]
    )
    return state, (
        f"share of the last 40 episodes that reach the goal: {mean(rows, 'bonus'):.2f} with the bonus, "
        f"{mean(rows, 'none'):.2f} without; features move {mean(rows, 'by_actions'):.2f} with actions and "
        f"{mean(rows, 'by_noise'):.2f} with noise"
    )
