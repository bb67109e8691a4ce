"""ReNorm: a process score beside an outcome that it cannot pay against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.step_chain import SCORE, taught

CLAIM = (
    "A process score alone makes the agent collect steps until the time limit and never answer; normalised "
    "by the outcome, every seed answers rightly."
)
SOURCE = "Xu et al., 2025, arXiv 2509.25598"
BUDGET = 0.2
SEEDS = 10


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    rewards = {
        "outcome": rw.EnvReward(),
        "process": 1.0 * SCORE,
        "renorm": rw.ReNorm(SCORE),
        "once": rw.ReNorm(SCORE, per_step=False),
    }
    row = {}
    for name, reward in rewards.items():
        row[f"success_{name}"], row[f"length_{name}"] = taught(reward, rng, small=small)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "success_renorm", "success_process", by=0.5),
            higher(rows, "success_renorm", 0.95),
        ]
    )
    told = ", ".join(
        f"{name} {mean(rows, f'success_{name}'):.2f} in {mean(rows, f'length_{name}'):.1f} steps"
        for name in ("outcome", "process", "renorm", "once")
    )
    return state, f"success of greedy play: {told}"
