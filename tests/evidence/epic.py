"""EPIC distances: rewards up to shaping and scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rewardwrap.evaluate import tabular_distance
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.tasks import GAMMA, disguised, follows, pair

CLAIM = (
    "The distance is 0 between a reward and its shaped and scaled copies, and it ranks pairs of "
    "rewards by the regret they lead to better than the L2 distance of normalised rewards."
)
SOURCE = "Gleave et al., 2021, arXiv 2006.13900"
BUDGET = 0.2
OBJECT = "rewardwrap.evaluate.distance.tabular:tabular_distance"
USE = "rewardwrap distance ENV ONE.yml OTHER.yml --metric epic"


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    dynamics, one, _ = pair(rng)
    zero = max(tabular_distance(one, disguised(rng, one), dynamics, gamma=GAMMA) for _ in range(10))
    found = follows(rng, ("epic",), pairs=10 if small else 200)
    return {"zero": zero, **{f"follows_{name}": value for name, value in found.items()}}


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            within(rows, "zero", 0.0, 1e-6),
            higher(rows, "follows_epic", "follows_l2", by=0.05),
            higher(rows, "follows_epic", 0.5),
        ]
    )
    told = ", ".join(f"{name} {mean(rows, f'follows_{name}'):.2f}" for name in ("epic", "l2"))
    return state, f"rank correlation with the regret: {told}"
