"""Advice that fades: wrong advice is forgotten, right advice has helped by then."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.tabular import Corridor, learn, play

CLAIM = (
    "Wrong advice at a constant weight keeps Q-learning from the goal of a corridor, the same advice that "
    "fades does not; right advice that fades saves half of the steps until a near-shortest episode."
)
SOURCE = "Behboudian et al., 2020, arXiv 2011.01297"
BUDGET = 0.3
SEEDS = 10
CELLS, ACTIONS, GAMMA, RIGHT, WRONG, STEPS = 10, 3, 0.95, 1, 0, 40_000


def run(seed: int, *, small: bool = False) -> Row:
    steps = 500 if small else STEPS
    row = {}
    for name, advised, fades in (
        ("none", None, False),
        ("wrong", WRONG, False),
        ("wrong_fading", WRONG, True),
        ("right_fading", RIGHT, True),
    ):
        reward: rw.Reward = rw.EnvReward()
        if advised is not None:
            advice = rw.function(
                lambda action, advised=advised: 0.5 * (action == advised), each="batch"
            )
            reward = reward + (rw.Schedule(advice, over=steps // 4) if fades else advice)
        env = rw.wrap(Corridor(CELLS, ACTIONS, 500), reward)
        rng = np.random.default_rng(seed)
        found = learn(env, rng, steps=steps, gamma=GAMMA, alpha=0.1, epsilon=0.3)
        row[f"log10_steps_{name}"] = math.log10(found.steps_until(CELLS + 4))
        row[f"reached_{name}"] = play(Corridor(CELLS, ACTIONS, 500), found.q).returns
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "reached_wrong_fading", "reached_wrong", by=0.5),
            higher(rows, "log10_steps_none", "log10_steps_right_fading", by=0.3),
        ]
    )
    return state, (
        f"the goal is reached in {mean(rows, 'reached_none'):.0%} without advice, "
        f"{mean(rows, 'reached_wrong'):.0%} with wrong advice, "
        f"{mean(rows, 'reached_wrong_fading'):.0%} where it fades; until a near-shortest episode "
        f"{10 ** mean(rows, 'log10_steps_none'):.0f} steps without, "
        f"{10 ** mean(rows, 'log10_steps_right_fading'):.0f} with right advice that fades"
    )
