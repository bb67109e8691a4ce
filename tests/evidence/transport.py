"""A log of mixed play, scored by what it costs to move each episode onto three demonstrations."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

import numpy as np

import rewardwrap as rw
from rewardwrap.nets.demonstration_recipe import fit_matched
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.reaching import demonstrations

CLAIM = (
    "Of a log of mixed play the tenth that is moved most cheaply onto three demonstrations (Sinkhorn) has at "
    "least 90 % of what the truly best tenth gains over the mean; where three random walks are the "
    "demonstrations it has less."
)
SOURCE = "Luo et al. (OTR), 2023, arXiv 2303.13971; there the labels train an offline learner"
BUDGET = 1.0
SEEDS = 10
OBJECT = "rewardwrap.scores.transport:Transport"
USE = "rewardwrap fit demonstrations demos/ --method sinkhorn --out model/, then rw.Transport('model/')"
LOG, SHOWN = 10, 3


def run(seed: int, *, small: bool = False) -> Row:
    log = [
        episode
        for i, noise in enumerate(np.linspace(0.5, 1.0, 2 if small else 10))
        for episode in demonstrations(LOG, 100 + 10 * seed + i, noise=float(noise))
    ]
    true = np.array([episode.reward.sum() for episode in log])
    row = {}
    for name, noise, epsilon in (
        ("sinkhorn", 0.0, 0.05), ("exact", 0.0, 0.0), ("random", 1.0, 0.05)
    ):  # fmt: skip
        demos = demonstrations(SHOWN, 900 + seed, noise=noise)
        with tempfile.TemporaryDirectory() as folder:
            fit_matched(demos, method="ot", reads=("obs", "next_obs")).save(f"{folder}/model")
            score = rw.Transport(f"{folder}/model", epsilon=epsilon, cost="euclidean")
            row[name] = _gain(score(log), true)
    return row


def _gain(score: np.ndarray, true: np.ndarray) -> float:
    """True return of the best tenth by a score over the mean, as a share of the truly best tenth's."""
    count = len(true) // 10
    best = true[np.argsort(-score, kind="stable")[:count]].mean()
    return float((best - true.mean()) / (np.sort(true)[-count:].mean() - true.mean()))


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, "sinkhorn", 0.9), higher(rows, "sinkhorn", "random")])
    told = ", ".join(f"{mean(rows, name):.0%} {name}" for name in rows[0])
    return state, f"gain of the best tenth of 100 episodes, of the most there is: {told}"
