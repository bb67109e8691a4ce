"""Advice from any reward: what it saves when it is right, and what it spoils when it is wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.tabular import Corridor, learn, play

CLAIM = (
    "Right advice by DPBA saves Q-learning half of the steps until a near-shortest episode of a corridor; "
    "wrong advice keeps it from the goal, and does not where it fades."
)
SOURCE = "Harutyunyan et al., AAAI 2015; Behboudian et al., 2020, arXiv 2011.01297"
BUDGET = 1.0
SEEDS = 10
CELLS, ACTIONS, GAMMA, RIGHT, WRONG, STEPS = 8, 3, 0.95, 1, 0, 6_000


def run(seed: int, *, small: bool = False) -> Row:
    steps = 500 if small else STEPS
    rewards = {
        "none": rw.EnvReward(),
        "right": rw.EnvReward() + rw.DPBA(_advice(RIGHT)),
        "plain": rw.EnvReward() + _advice(RIGHT),
        "wrong": rw.EnvReward() + rw.DPBA(_advice(WRONG)),
        "fading": rw.EnvReward() + rw.Schedule(rw.DPBA(_advice(WRONG)), over=steps // 4),
    }
    row = {}
    for name, reward in rewards.items():
        env = rw.wrap(Corridor(CELLS, ACTIONS, 500), reward, gamma=GAMMA)
        rng = np.random.default_rng(seed)
        found = learn(env, rng, steps=steps, gamma=GAMMA, alpha=0.1, epsilon=0.3)
        row[f"log10_steps_{name}"] = math.log10(found.steps_until(CELLS + 4))
        row[f"reached_{name}"] = play(Corridor(CELLS, ACTIONS, 500), found.q).returns
    return row


def _advice(wanted: int) -> rw.Reward:
    """What every other action costs."""
    return rw.function(lambda action: -0.5 * (action != wanted), each="batch")


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "log10_steps_none", "log10_steps_right", by=0.3),
            higher(rows, "reached_fading", "reached_wrong", by=0.5),
        ]
    )
    steps = {n: 10 ** mean(rows, f"log10_steps_{n}") for n in ("none", "right", "plain")}
    return state, (
        f"until a near-shortest episode {steps['none']:.0f} steps without advice, {steps['right']:.0f} with "
        f"right advice, {steps['plain']:.0f} where it is paid as it is; the goal is reached in "
        f"{mean(rows, 'reached_wrong'):.0%} with wrong advice, "
        f"{mean(rows, 'reached_fading'):.0%} where it fades"
    )
