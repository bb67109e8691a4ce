"""Regressing differences of rewards, beside the sign of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from gymnasium import spaces

from rewardwrap.data import EpisodeStore, Fragments
from rewardwrap.nets.implicit import ImplicitReward
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.prdp import Differences
from rewardwrap.nets.tables import clips_table
from rewardwrap.nets.trainer import fit
from tests.evidence.harness.judging import Row, State, higher, mean, together, within

CLAIM = (
    "Regressing log-ratio differences on reward differences ends at the KL-regularised optimum of a "
    "bandit, and the same pairs as hard preferences (DPO) do not."
)
SOURCE = "Deng et al., 2024, arXiv 2402.08714"
BUDGET = 0.2
SEEDS = 10
ARMS, BETA = 5, 1.0


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    reference, reward = rng.dirichlet(np.full(ARMS, 2.0)), rng.normal(size=ARMS)
    store = _bandit(reward)
    optimum = reference * np.exp(reward / BETA)
    optimum /= optimum.sum()
    one, other = (i.ravel() for i in np.indices((ARMS, ARMS)))
    zero = np.zeros(len(one), int)
    clips = tuple(Fragments(store, i, zero, zero + 1) for i in (one, other))
    gap = torch.as_tensor(reward[other] - reward[one])
    row = {"reference": _distance(reference, optimum)}
    hard = (0.5 + 0.5 * torch.sign(gap)).double()
    for name, rule, labels in (
        ("prdp", Differences(BETA), {"gap": gap}),
        ("clipped", Differences(BETA, clip=1.0), {"gap": gap}),
        ("dpo_hard", BradleyTerry(), {"preferred": hard}),
    ):
        net = _policy(store, reference)
        table = clips_table(net, store, clips).having(**labels)
        for _ in range(1 if small else 6):
            if name == "clipped":
                table = rule.snapshot(net, table)
            fit(net, rule, table, epochs=2 if small else 100, lr=0.05)
        row[name] = _distance(_chances(net, store), optimum)
    return row


def _bandit(reward: np.ndarray) -> EpisodeStore:
    return EpisodeStore.from_episodes(
        [
            {
                "obs": np.zeros((2, 1)),
                "action": np.array([arm]),
                "reward": reward[[arm]],
                "terminated": [True],
                "truncated": [False],
                "id": str(arm),
            }
            for arm in range(ARMS)
        ],
        action_space=spaces.Discrete(ARMS),
    )


def _policy(store: EpisodeStore, reference: np.ndarray) -> ImplicitReward:
    net = ImplicitReward.of(store, beta=1.0, hidden=(), dtype="float64")
    net.normalise(net.encode(store.transitions()))
    with torch.no_grad():
        net.actor.weights[0].zero_()
        net.actor.biases[0].copy_(torch.log(torch.as_tensor(reference)))
    net.keep_reference()
    return net


def _chances(net: ImplicitReward, store: EpisodeStore) -> np.ndarray:
    with torch.no_grad():
        said = net.log_prob(net.prepare(net.encode(store.transitions())))
    return np.exp(said[0].numpy())


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Total variation."""
    return float(0.5 * np.abs(one - other).sum())


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            within(rows, "prdp", 0.0, 0.01),
            within(rows, "clipped", 0.0, 0.02),
            higher(rows, "dpo_hard", "prdp", by=0.05),
        ]
    )
    told = ", ".join(
        f"{name.replace('_', ' ')} {mean(rows, name):.3f}"
        for name in ("reference", "prdp", "clipped", "dpo_hard")
    )
    return state, f"total variation from the optimum: {told}"
