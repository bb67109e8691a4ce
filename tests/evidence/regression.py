"""A reward network from logged rewards, some of them missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rewardwrap.nets.reward_recipe import fit_regression
from rewardwrap.statistics.ranking import r2
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.swinging import swinging

CLAIM = (
    "With a fifth of the logged rewards missing, a network fitted to the others explains at least 95 % "
    "of the variance in new episodes, and more than one for which the missing ones were filled by 0."
)
SOURCE = "the function sheet RM_MODULE (supervised reward regression, missing values)"
BUDGET = 0.3
SEEDS = 10
MISSING = 0.2


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    store = swinging(6 if small else 40, seed=seed)
    lost = rng.random(len(store.reward)) < MISSING
    holes = replace(store, reward=np.where(lost, np.nan, store.reward))
    filled = replace(store, reward=np.where(lost, 0.0, store.reward))
    unseen = swinging(2 if small else 15, seed=1000 + seed)
    row = {}
    for name, data in (("left_out", holes), ("filled", filled)):
        net = fit_regression(data, seed=seed, epochs=1 if small else 40, hidden=(32, 32)).net
        row[f"r2_{name}"] = r2(net.freeze()(unseen.transitions()), unseen.reward)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [higher(rows, "r2_left_out", 0.95), higher(rows, "r2_left_out", "r2_filled", by=0.01)]
    )
    return state, (
        f"R2 in new Pendulum episodes: {mean(rows, 'r2_left_out'):.3f} with missing rewards left out, "
        f"{mean(rows, 'r2_filled'):.3f} with them filled by 0"
    )
