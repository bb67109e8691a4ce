"""Distillation on a corridor whose goal is not found by chance, and before a television."""

from __future__ import annotations

from collections.abc import Sequence

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.exploring import television, with_and_without

CLAIM = (
    "With RND one-step Q-learning finds the goal of a corridor of 30 cells within 200 episodes of 60 "
    "steps, and without a bonus it does not; after 4000 steps past a television its noise is still paid "
    "more than twice what the same walk is paid where the television is dark."
)
SOURCE = "arXiv 1810.12894; the television is of arXiv 1808.04355"
BUDGET = 0.5


def run(seed: int, *, small: bool = False) -> Row:
    lit, dark = (
        television(rw.RND(every=128, normalise=False), seed, on=on, small=small)["late"]
        for on in (True, False)
    )
    bonus = with_and_without(rw.RND(every=128), seed, small=small)
    return {**bonus, "lit": lit, "dark": dark, "twice_dark": 2 * dark}


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, "bonus", "none", by=0.2), higher(rows, "lit", "twice_dark")])
    return state, (
        f"share of the last 40 episodes that reach the goal: {mean(rows, 'bonus'):.2f} with the bonus, "
        f"{mean(rows, 'none'):.2f} without; late steps are paid {mean(rows, 'lit'):.3f} past the "
        f"television and {mean(rows, 'dark'):.3f} in the dark"
    )
