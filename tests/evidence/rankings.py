"""Rankings of four clips against single pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rewardwrap.data import sample_fragments
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.rankings import ListWise, rankings_table
from rewardwrap.nets.tables import pairs_table
from rewardwrap.nets.trainer import fit
from tests.evidence.harness.judging import Row, State, higher, mean
from tests.evidence.worlds.swinging import LENGTH, accuracy, asked, fresh, swinging

CLAIM = "Forty rankings of four clips teach a reward network more than forty pairs do."
SOURCE = "Ouyang et al., 2022, arXiv 2203.02155"
BUDGET = 0.3
SEEDS = 10
COUNT, WIDTH = 40, 4


def run(seed: int, *, small: bool = False) -> Row:
    count = 5 if small else COUNT
    store = swinging(8 if small else 30, seed=seed)
    judged = asked(swinging(4 if small else 15, seed=1000 + seed), 20 if small else 400, seed=seed)
    options = {"epochs": 1 if small else 60, "lr": 2e-3, "batch": 20, "seed": seed}
    clips = sample_fragments(store, WIDTH * count, LENGTH, seed=seed)
    better_first = clips.returns().reshape(count, WIDTH).argsort(1)[:, ::-1]
    place = (better_first.argsort(1) + 1).ravel()
    ranked = fresh(store, seed=seed)
    groups = np.repeat(np.arange(count), WIDTH)
    fit(ranked, ListWise(), rankings_table(ranked, clips, place, groups), **options)
    paired = fresh(store, seed=seed)
    labels = asked(store, count, seed=seed)
    fit(paired, BradleyTerry(), pairs_table(paired, labels), **options)
    return {"rankings": accuracy(ranked, judged), "pairs": accuracy(paired, judged)}


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = higher(rows, "rankings", "pairs", by=0.01)
    return state, (
        f"new pairs in the true order: {mean(rows, 'rankings'):.3f} from rankings, "
        f"{mean(rows, 'pairs'):.3f} from pairs"
    )
