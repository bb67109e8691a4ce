"""Pairs that nobody labelled, added to a few that somebody did."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.surf import Surf
from rewardwrap.nets.tables import pairs_table
from rewardwrap.nets.trainer import fit
from tests.evidence.harness.judging import Row, State, higher, mean
from tests.evidence.worlds.swinging import accuracy, asked, fresh, swinging

CLAIM = (
    "With 40 labelled pairs, 400 unlabelled ones and cropped clips raise the accuracy on new pairs."
)
SOURCE = "Park et al., 2022, arXiv 2203.10050"
BUDGET = 0.3
SEEDS = 10


def run(seed: int, *, small: bool = False) -> Row:
    store = swinging(8 if small else 30, seed=seed)
    judged = asked(swinging(4 if small else 15, seed=1000 + seed), 20 if small else 400, seed=seed)
    labelled = asked(store, 10 if small else 40, seed=seed)
    net = fresh(store, seed=seed, bound=1.0)
    labels = pairs_table(net, labelled)
    unlabelled = pairs_table(net, asked(store, 20 if small else 400, seed=7000 + seed))
    ways = {
        "plain": BradleyTerry(),
        "surf": Surf(unlabelled, crop=5, tau=0.95, ratio=4, seed=seed),
    }
    row = {}
    for name, rule in ways.items():
        one = copy.deepcopy(net)
        fit(one, rule, labels, epochs=1 if small else 60, batch=20, lr=2e-3, seed=seed)
        row[name] = accuracy(one, judged)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = higher(rows, "surf", "plain", by=0.005)
    return state, (
        f"new pairs in the true order: {mean(rows, 'surf'):.3f} with unlabelled pairs, "
        f"{mean(rows, 'plain'):.3f} without"
    )
