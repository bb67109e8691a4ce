"""Larger batches for the same number of steps uphill, under two rewards for driving."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.driving import REWARDS, driven, roads

CLAIM = (
    "With 64 times as many drives in a batch a policy gradient drives better under route completion, and "
    "worse under a sum for speed, survival and violations."
)
SOURCE = "Jaeger et al., 2025, arXiv 2504.17838, figure on batch sizes"
BUDGET = 0.5
SEEDS = 10
OBJECT = "rewardwrap.rewards.route_completion:RouteCompletion"
USE = (
    "rewardwrap train rewardwrap/LaneDrive-v0 --algo ppo --reward "
    "'{route_completion: {route: route, hard: [collision, red_light]}}' -params batch_size:1024"
)
BATCHES = (8, 64, 512)


def run(seed: int, *, small: bool = False) -> Row:
    row = {}
    for name in REWARDS:
        table = roads(name, 1 if small else 15)
        for batch in BATCHES:
            rng = np.random.default_rng(seed)
            row[f"{name}_{batch}"] = driven(table, rng, batch, 2 if small else 200)
        row[f"gained_{name}"] = row[f"{name}_{BATCHES[-1]}"] - row[f"{name}_{BATCHES[0]}"]
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    lost = [{"lost": -row["gained_sum"]} for row in rows]
    state = together([higher(rows, "gained_carl", 0.0), higher(lost, "lost", 0.0)])
    told = "; ".join(
        f"{name} " + ", ".join(f"{mean(rows, f'{name}_{b}'):.3f} ({b})" for b in BATCHES)
        for name in REWARDS
    )
    return state, f"driving score, with drives in a batch: {told}"
