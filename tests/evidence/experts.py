"""A verifier of several tasks: a mixture of experts against plain networks, with balance and without.

Nothing was changed after a first look at two other seeds, which said the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from rewardwrap.nets.experts import BALANCE, ExpertsNet
from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.objectives.outcome import Outcome
from rewardwrap.nets.paid import Encoded
from rewardwrap.nets.tables import Table
from rewardwrap.nets.trainer import fit
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.statistics.ranking import auc
from tests.evidence.harness.judging import Row, State, higher, mean

CLAIM = (
    "Of episodes of four tasks that an input tells apart, an outcome model of four experts, each step sent "
    "to one, ranks new episodes by success better than a plain network with as many weights."
)
SOURCE = "Fedus et al., 2021, arXiv 2101.03961 (the layer); SWE-RM, 2025, arXiv 2512.21919 (as a verifier)"
BUDGET = 0.5
SEEDS = 10
OBJECT = "rewardwrap.nets.experts:ExpertsNet"
USE = "rewardwrap fit outcome DIR --label info:is_success --experts 4 --top 1 --out MODEL"
TASKS, STEPS, WIDTH, TRAIN, TEST, HIDDEN, AS_MANY = 4, 10, 8, 200, 400, 8, 36
"""``AS_MANY`` hidden units of a plain network have 505 weights; four experts of ``HIDDEN`` and a gate 504."""


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    count = TRAIN + TEST
    task = rng.integers(TASKS, size=count)
    wanted = rng.normal(size=(TASKS, WIDTH))
    x = rng.normal(size=(count, STEPS, WIDTH))
    success = np.einsum("ntw,nw->n", x, wanted[task]) > 0
    told = np.broadcast_to(np.eye(TASKS)[task][:, None], (count, STEPS, TASKS))
    rows = Encoded(
        torch.as_tensor(np.concatenate([told, x], axis=2).reshape(count * STEPS, -1)).float()
    )
    steps = torch.arange(count * STEPS).reshape(count, 1, STEPS)[:TRAIN]
    label = torch.as_tensor(success[:TRAIN]).float()
    table = Table(rows, {"steps": steps, "success": label, "weight": torch.ones(TRAIN)})
    inputs = Inputs.of_fields([str(i) for i in range(TASKS + WIDTH)])
    nets = {
        "experts": ExpertsNet(inputs, experts=TASKS, hidden=(HIDDEN,), seed=seed),
        "unbalanced": ExpertsNet(inputs, experts=TASKS, hidden=(HIDDEN,), seed=seed, balance=0.0),
        "plain": RewardNet(inputs, hidden=(HIDDEN,), seed=seed),
        "as_many": RewardNet(inputs, hidden=(AS_MANY,), seed=seed),
    }
    row = {}
    for name, net in nets.items():
        fit(
            net,
            Outcome(),
            table,
            epochs=1 if small else 60,
            lr=5e-3,
            batch=50,
            weight_decay=0.1,
            seed=seed,
        )
        with torch.no_grad():
            said = net(rows)[0].reshape(count, STEPS).mean(1).numpy()[TRAIN:]
            if isinstance(net, ExpertsNet):
                sent = net.sent(net.chances(rows))[0].double().mean(0)
                row[f"least_used_{name}"] = float(sent.min())
        row[name] = float(auc(said, success[TRAIN:].astype(float)))
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = higher(rows, "experts", "as_many", by=0.01)
    told = ", ".join(
        f"{mean(rows, name):.3f} {words}"
        for name, words in (
            ("experts", f"four experts of {HIDDEN} units"),
            ("as_many", f"a plain network with as many weights ({AS_MANY} units)"),
            ("plain", f"one of {HIDDEN} units"),
            ("unbalanced", f"experts without the balance of {BALANCE:g}"),
        )
    )
    used = ", ".join(
        f"{mean(rows, f'least_used_{name}'):.3f} {words}"
        for name, words in (("experts", "with"), ("unbalanced", "without"))
    )
    return state, (
        f"AUC of success in new episodes of four tasks: {told}. Steps that the least used expert gets: {used}"
    )
