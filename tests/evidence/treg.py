"""Hints about steps beside preferences of clips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from rewardwrap.nets.network import Encoded, RewardNet
from rewardwrap.nets.objectives.treg import TReg
from rewardwrap.nets.tables import Table
from rewardwrap.nets.trainer import fit
from rewardwrap.rewards.inputs import Inputs
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "At equal preferences, noisy hints about steps find the planted faulty step of new clips more "
    "often and put more new pairs in order."
)
SOURCE = "Zhou et al., 2024, arXiv 2412.02685"
BUDGET = 0.2
SEEDS = 10
PAIRS, TEST, STEPS, WIDTH, NOISE = 20, 400, 8, 10, 0.2


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    count = PAIRS + TEST
    x = rng.normal(size=(count, 2, STEPS, WIDTH))
    # one step of every clip is faulty; how faulty decides which clip is better
    faulty = rng.integers(STEPS, size=(count, 2))
    np.put_along_axis(x[..., 0], faulty[..., None], rng.uniform(-4, -2, (count, 2, 1)), axis=-1)
    true = np.tanh(x[..., 0])
    better = (true.sum(-1)[:, 1] > true.sum(-1)[:, 0]).astype(float)
    told = np.where(rng.random(true.shape) < NOISE, -1, 1) * np.sign(
        true - true.mean(-1)[..., None]
    )
    items = {
        "steps": torch.arange(count * 2 * STEPS).reshape(count, 2, STEPS),
        "weight": torch.ones(count),
        "preferred": torch.as_tensor(better).float(),
        "hint": torch.as_tensor(0.5 * told).float(),
    }
    table = Table(Encoded(torch.as_tensor(x.reshape(-1, WIDTH)).float()), items)
    row = {}
    for name, alpha in (("plain", 0.0), ("hinted", 0.5)):
        names = [str(i) for i in range(WIDTH)]
        net = RewardNet(Inputs.of_fields(names), hidden=(16,), seed=seed, bound=1.0)
        shown = table.take(torch.arange(PAIRS))
        fit(net, TReg(alpha), shown, epochs=1 if small else 80, lr=5e-3, batch=20, seed=seed)
        with torch.no_grad():
            paid = net(table.rows)[0].reshape(count, 2, STEPS).numpy()[PAIRS:]
        row[f"found_{name}"] = float((paid.argmin(-1) == faulty[PAIRS:]).mean())
        says = paid.sum(-1)[:, 1] > paid.sum(-1)[:, 0]
        row[f"pairs_{name}"] = float((says == better[PAIRS:]).mean())
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "found_hinted", "found_plain", by=0.02),
            higher(rows, "pairs_hinted", "pairs_plain", by=0.01),
        ]
    )
    found, pairs = (
        f"{mean(rows, f'{what}_hinted'):.2f} against {mean(rows, f'{what}_plain'):.2f}"
        for what in ("found", "pairs")
    )
    return state, (
        f"faulty step found {found} of preferences alone, new pairs in order {pairs} "
        f"({NOISE:.0%} of the hints wrong)"
    )
