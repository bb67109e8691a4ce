"""A reward model that learns along with the policy that climbs it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from rewardwrap.loops.cooper import Contrast, Cooper, certain_pairs
from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.paid import Encoded
from rewardwrap.nets.tables import Table
from rewardwrap.nets.trainer import fit
from rewardwrap.rewards.inputs import Inputs
from tests.evidence.harness.judging import Row, State, higher, mean

CLAIM = (
    "A policy that climbs a fixed reward model ends on what only looked like success in the seed data "
    "more often than one whose model keeps learning from a rule's certain positives."
)
SOURCE = "Hong et al., 2025, arXiv 2508.05613"
BUDGET = 0.2
SEEDS = 40
OBJECT = "rewardwrap.loops.cooper:Cooper"
ARMS, SEEDED, BATCH, RATE, RECALL = 200, 40, 32, 8.0, 0.63


def run(seed: int, *, small: bool = False) -> Row:
    rounds = 3 if small else 120
    return {name: _climbed(seed, rounds, together=name == "cooper") for name in ("fixed", "cooper")}


def _climbed(seed: int, rounds: int, *, together: bool) -> float:
    """True success of the policy in the end."""
    rng = np.random.default_rng(seed)
    success = rng.random(ARMS) < 0.3
    x = np.stack(
        [
            np.where(success, 1.0, -1.0) + 0.5 * rng.normal(size=ARMS),
            2.0 * rng.normal(size=ARMS),
            rng.normal(size=ARMS),
        ],
        axis=1,
    )
    net = RewardNet(Inputs.of_fields(["true", "spurious", "noise"]), hidden=(), seed=seed)
    _seed(net, x, success, rng)
    rows = Encoded(torch.as_tensor(x).float())
    cooper, logits = Cooper(net, lr=0.03, seed=seed), np.zeros(ARMS)
    for _ in range(rounds):
        chance = np.exp(logits - logits.max())
        chance /= chance.sum()
        taken = rng.choice(ARMS, size=BATCH, p=chance)
        with torch.no_grad():
            paid = net(rows)[0].numpy()
        logits += RATE * chance * (paid - chance @ paid)
        if together:
            found = np.where(rng.random(BATCH) < RECALL, 1.0, np.nan)
            told = np.where(success[taken], found, 0.0)
            chosen = [(int(taken[i]), int(taken[j])) for i, j in certain_pairs(told, [0] * BATCH)]
            cooper.update(_pairs(rows, chosen) if chosen else None)
    chance = np.exp(logits - logits.max())
    return float(chance @ success / chance.sum())


def _seed(net: RewardNet, x: np.ndarray, success: np.ndarray, rng: np.random.Generator) -> None:
    """Seed data in which the spurious number tells success and the true one hardly does."""
    first = x[:SEEDED].copy()
    first[:, 0] = 0.3 * first[:, 0] + rng.normal(size=SEEDED)
    first[:, 1] = np.where(success[:SEEDED], 1.5, -1.5)
    good, bad = np.flatnonzero(success[:SEEDED]), np.flatnonzero(~success[:SEEDED])
    chosen = [(int(rng.choice(bad)), int(rng.choice(good))) for _ in range(60)]
    seeded = Encoded(torch.as_tensor(first).float())
    net.normalise(seeded)
    fit(net, Contrast(), _pairs(seeded, chosen), epochs=30, lr=0.05, batch=20)


def _pairs(rows: Encoded, chosen: list[tuple[int, int]]) -> Table:
    steps = torch.tensor(chosen).reshape(-1, 2, 1)
    return Table(rows, {"steps": steps, "weight": torch.ones(len(chosen))})


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = higher(rows, "cooper", "fixed", by=0.05)
    return state, (
        f"true success in the end: {mean(rows, 'cooper'):.2f} with a model that learns along, "
        f"{mean(rows, 'fixed'):.2f} with a fixed one"
    )
