"""Additive noise: the mean is kept, so learning is slower and not wrong."""

from __future__ import annotations

from collections.abc import Sequence

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.questions import CHANCE, answered

CLAIM = (
    "Gaussian noise as large as the reward itself leaves a policy gradient well above chance, and "
    "costs more of what it learns the larger it is."
)
SOURCE = "common practice; the study of Lv et al., 2025, arXiv 2505.22653, with another noise"
BUDGET = 0.5
SIGMAS = (0.0, 1.0, 3.0)


def run(seed: int, *, small: bool = False) -> Row:
    return {
        f"sigma{sigma:g}": answered(
            rw.Gaussian(rw.EnvReward(), sigma, seed=seed), seed, updates=3 if small else 300
        )
        for sigma in SIGMAS
    }


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "sigma1", CHANCE + 0.4),
            higher(rows, "sigma0", "sigma1"),
            higher(rows, "sigma1", "sigma3"),
        ]
    )
    told = ", ".join(f"{mean(rows, f'sigma{s:g}'):.2f} at sigma {s:g}" for s in SIGMAS)
    return state, f"right answers (chance {CHANCE:.2f}): {told}"
