"""Clip + Delta: a heavy process reward beside an outcome that stays whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.step_chain import SCORE, SHORTEST, taught

CLAIM = (
    "A process score as heavy as the outcome makes the agent idle until the time limit; clipped at a "
    "good step and paid as differences it answers rightly, within one step of the shortest episode."
)
SOURCE = "Gao et al., 2024, arXiv 2410.15115"
BUDGET = 0.2
SEEDS = 10


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    rewards = {
        "outcome": rw.EnvReward(),
        "plain": rw.EnvReward() + SCORE,
        "refined": rw.refine(SCORE, eta=0.85, alpha=1.0),
    }
    row = {}
    for name, reward in rewards.items():
        row[f"success_{name}"], row[f"length_{name}"] = taught(reward, rng, small=small)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "length_plain", "length_refined", by=5),
            within(rows, "success_refined", 1.0, 1.0),
            within(rows, "length_refined", SHORTEST, SHORTEST + 1),
        ]
    )
    told = ", ".join(
        f"{name} {mean(rows, f'success_{name}'):.2f} in {mean(rows, f'length_{name}'):.1f} steps"
        for name in ("outcome", "plain", "refined")
    )
    return state, f"success of greedy play: {told} (shortest {SHORTEST})"
