"""A model that labels what it is sure of and learns from that."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rewardwrap.annotate.teachers import Teacher
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.ser import APART, SelfEvolved, temperature_of
from rewardwrap.nets.tables import pairs_table
from rewardwrap.nets.trainer import fit
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.swinging import accuracy, asked, fresh, swinging

CLAIM = (
    "From 15 % of the labels, rounds of audited self-labelling close at least half of the gap to a model of "
    "all labels, and never end below where they began."
)
SOURCE = "Huang et al., 2024, arXiv 2411.00418"
BUDGET = 0.5
SEEDS = 10
LABELS, SHARE = 400, 0.15


def run(seed: int, *, small: bool = False) -> Row:
    store = swinging(8 if small else 40, seed=seed)
    unseen = swinging(6 if small else 30, seed=1000 + seed)
    judged = asked(unseen, 20 if small else 300, seed=seed)
    count = 80 if small else LABELS
    labels = asked(store, count, seed=seed)
    few = labels.select(np.arange(max(12, int(SHARE * count))))
    settings = {"epochs": 1 if small else 40, "batch": 30, "lr": 2e-3}
    row = {}
    for name, shown in (("few", few), ("all", labels)):
        net = fresh(store, seed=seed, bound=1.0)
        fit(net, BradleyTerry(), pairs_table(net, shown), seed=seed, **settings)
        row[name] = accuracy(net, judged)
    rule, net, draws = (
        SelfEvolved(),
        fresh(store, seed=seed, bound=1.0),
        np.random.default_rng(seed),
    )
    table = pairs_table(net, labels)
    row["untrained_kept"] = float(
        rule.label(net, table, temperature_of(net, pairs_table(net, few)), APART)[0].double().mean()
    )
    _, told = rule.train(
        net, few, ask=lambda a, b: Teacher().answer(a, b, draws), seed=seed, **settings
    )
    row["evolved"] = accuracy(net, judged)
    row["half_way"] = 0.5 * (row["few"] + row["all"])
    stood = [each for each in told["rounds"] if not each["rolled_back"]]
    row["stood"], row["kept"] = len(stood), stood[-1]["kept"] if stood else 0.0
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, "evolved", "half_way"), higher(rows, "evolved", "few")])
    told = ", ".join(f"{name} {mean(rows, name):.3f}" for name in ("few", "evolved", "all"))
    worst = min(row["evolved"] - row["few"] for row in rows)
    return state, (
        f"new pairs in the true order: {told} (few is {SHARE:.0%} of the labels; worst seed {worst:+.3f}); "
        f"an untrained network keeps {mean(rows, 'untrained_kept'):.1%} of the pairs"
    )
