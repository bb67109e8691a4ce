"""Preferences between clips, a fifth of them the wrong way round."""

from __future__ import annotations

from collections.abc import Sequence

from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.tables import pairs_table
from rewardwrap.nets.trainer import fit
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.swinging import accuracy, asked, fresh, swinging

CLAIM = (
    "A reward network fitted to 200 preferences orders new clips rightly in more than 80 %; with a "
    "fifth of the labels flipped the loss that knows the rate keeps more of it than the one that does "
    "not."
)
SOURCE = "Christiano et al., 2017, arXiv 1706.03741"
BUDGET = 0.3
SEEDS = 10
FLIPS = 0.2


def run(seed: int, *, small: bool = False) -> Row:
    store = swinging(8 if small else 40, seed=seed)
    judged = asked(swinging(4 if small else 15, seed=1000 + seed), 20 if small else 400, seed=seed)
    ways = {"clean": (0.0, 0.0), "unaware": (FLIPS, 0.0), "aware": (FLIPS, FLIPS)}
    row = {}
    for name, (mistake, flips) in ways.items():
        labels = asked(store, 20 if small else 200, seed=seed, mistake=mistake)
        net = fresh(store, seed=seed)
        epochs = 1 if small else 60
        rule = BradleyTerry(flips=flips)
        fit(net, rule, pairs_table(net, labels), epochs=epochs, lr=2e-3, batch=50, seed=seed)
        row[name] = accuracy(net, judged)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, "clean", 0.8), higher(rows, "aware", "unaware", by=0.005)])
    told = ", ".join(f"{name} {mean(rows, name):.3f}" for name in ("clean", "unaware", "aware"))
    return state, f"new pairs in the true order: {told}"
