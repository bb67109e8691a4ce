"""Labels of steps against labels of episodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.objectives.outcome import Outcome, Process
from rewardwrap.nets.paid import Encoded
from rewardwrap.nets.tables import Table
from rewardwrap.nets.trainer import fit
from rewardwrap.rewards.inputs import Inputs
from tests.evidence.harness.judging import Row, State, higher, mean

CLAIM = (
    "Where an episode succeeds only if every step is good, a model of step labels ranks new episodes "
    "better than one of outcome labels of the same episodes."
)
SOURCE = "Lightman et al., 2023, arXiv 2305.20050"
BUDGET = 0.2
SEEDS = 10
STEPS, WIDTH, TRAIN, TEST = 10, 6, 100, 300


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    count = TRAIN + TEST
    x = rng.normal(size=(count, STEPS, WIDTH))
    good = x[..., 0] + 0.5 * x[..., 1] > -2.0
    success = good.all(axis=1)
    rows = Encoded(torch.as_tensor(x.reshape(-1, WIDTH)).float())
    place = torch.arange(count * STEPS).reshape(count, 1, STEPS)
    labels = {
        "process": {
            "row": torch.arange(TRAIN * STEPS),
            "target": torch.as_tensor(good[:TRAIN].ravel()).float(),
        },
        "outcome": {
            "steps": place[:TRAIN],
            "success": torch.as_tensor(success[:TRAIN]).float(),
        },
    }
    row = {}
    for name, rule in (("process", Process()), ("outcome", Outcome())):
        net = RewardNet(Inputs.of_fields([str(i) for i in range(WIDTH)]), hidden=(16,), seed=seed)
        items = labels[name]
        weight = torch.ones(len(next(iter(items.values()))))
        table = Table(rows, {**items, "weight": weight})
        fit(net, rule, table, epochs=1 if small else 60, lr=5e-3, batch=50, seed=seed)
        with torch.no_grad():
            said = net(rows)[0].reshape(count, STEPS).numpy()[TRAIN:]
        score = said.min(axis=1) if name == "process" else said.mean(axis=1)
        row[name] = _auc(score, success[TRAIN:])
    return row


def _auc(score: np.ndarray, label: np.ndarray) -> float:
    gap = score[label][:, None] - score[~label][None]
    return float(((gap > 0) + 0.5 * (gap == 0)).mean())


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = higher(rows, "process", "outcome", by=0.01)
    return state, (
        f"AUC of success in new episodes: {mean(rows, 'process'):.3f} from step labels (weakest step), "
        f"{mean(rows, 'outcome'):.3f} from outcomes"
    )
