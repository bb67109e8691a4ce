"""A model that labels what it is sure of and learns from that."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.ser import SelfEvolved
from rewardwrap.nets.tables import Table, pairs_table
from rewardwrap.nets.trainer import fit
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.swinging import accuracy, asked, fresh, swinging

CLAIM = (
    "From 15 % of the labels, rounds of self-labelling close at least half of the gap to a model of "
    "all labels, and never end below where they began."
)
SOURCE = "Huang et al., 2024, arXiv 2411.00418"
BUDGET = 0.5
SEEDS = 10
OBJECT = "rewardwrap.nets.objectives.ser:SelfEvolved"
LABELS, SHARE = 400, 0.15


def run(seed: int, *, small: bool = False) -> Row:
    store = swinging(8 if small else 40, seed=seed)
    unseen = swinging(6 if small else 30, seed=1000 + seed)
    judged, guard = (asked(unseen, 20 if small else 300, seed=seed + k) for k in (0, 500))
    count = 40 if small else LABELS
    labels = asked(store, count, seed=seed)
    few = int(SHARE * count)
    epochs = 1 if small else 40

    def trained(table_of: slice) -> torch.nn.Module:
        net = fresh(store, seed=seed, bound=1.0)
        table = pairs_table(net, labels.select(table_of))
        fit(net, BradleyTerry(), table, epochs=epochs, batch=30, lr=2e-3, seed=seed)
        return net

    net, full = trained(slice(0, few)), trained(slice(0, count))
    human = pairs_table(net, labels.select(slice(0, few)))

    def retrain(model: torch.nn.Module, own: Table) -> None:
        # human pairs last, so that they have the last word
        fit(model, BradleyTerry(), own, epochs=3, batch=30, lr=1e-3, seed=seed)
        fit(model, BradleyTerry(), human, epochs=5, batch=15, lr=1e-3, seed=seed)

    row = {"few": accuracy(net, judged), "all": accuracy(full, judged)}
    unlabelled = pairs_table(net, labels.select(slice(few, count)))
    SelfEvolved(rounds=2 if small else 3).run(net, unlabelled, pairs_table(net, guard), retrain)
    row["evolved"] = accuracy(net, judged)
    row["half_way"] = 0.5 * (row["few"] + row["all"])
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, "evolved", "half_way"), higher(rows, "evolved", "few")])
    told = ", ".join(f"{name} {mean(rows, name):.3f}" for name in ("few", "evolved", "all"))
    return state, f"new pairs in the true order: {told} (few is {SHARE:.0%} of the labels)"
