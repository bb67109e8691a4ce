"""The set of judged steps: who tells the better of two steps of Pendulum from one state.

Looked at before: seed 0 with 20 pairs (pay .10, height .80, energy .70), from which the claim was taken; then
three seeds with 24 pairs whose returns differ by 5 (principles .96, .96, .88; pay .12 each), of which a
fourth found 15 only. Since then they differ by 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.evaluate.models.benchmarks import best_of_benchmark
from rewardwrap.evaluate.models.judged_steps import step_items
from rewardwrap_envs import recipe
from rewardwrap_policies import controller
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "On pairs of single steps of Pendulum, told apart by what follows them, a judge of progress by two "
    "principles is right more often than guessing, and than what the step itself was paid."
)
SOURCE = (
    "Xu et al. (PPR), 2025, arXiv 2509.25598; Wang et al. (Math-Shepherd), 2023, arXiv 2312.08935"
)
BUDGET = 0.3
SEEDS = 10
OBJECT = "rewardwrap.evaluate.models.judged_steps:step_items"
USE = "rewardwrap benchmark ENV SCORER --suite steps"
ITEMS, STEPS, LEAST = 24, 120, 1.0
"""Pairs, steps of what follows, and by how much true return that must differ."""


def run(seed: int, *, small: bool = False) -> Row:
    env = recipe("Pendulum-v1").build()
    pairs = step_items(
        env, controller("Pendulum-v1"), items=4 if small else ITEMS, steps=30 if small else STEPS,
        least=0.5 if small else LEAST, rng=np.random.default_rng(seed),
    )  # fmt: skip
    env.close()
    return {name: best_of_benchmark(_of(judge), pairs).accuracy for name, judge in JUDGES.items()}


def _of(judge: Callable[[Episode], float]) -> Any:
    return lambda episodes: np.array([judge(e) for e in episodes])


def _risen(e: Episode) -> float:
    return float(e.obs[-1][0] - e.obs[-2][0])


def _nearer(e: Episode) -> float:
    """How much nearer the energy came to that of standing upright."""
    off = [abs(float(o[2]) ** 2 / 6 + 5 * (float(o[0]) - 1)) for o in e.obs[-2:]]
    return off[0] - off[1]


JUDGES: dict[str, Callable[[Episode], float]] = {
    "paid": lambda e: float(e.reward[-1]),
    "risen": _risen,
    "nearer": _nearer,
    # low down the energy decides, near the top the height
    "principled": lambda e: _risen(e) if float(e.obs[-2][0]) > 0.85 else _nearer(e),
}


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, "principled", 0.55), higher(rows, "principled", "paid")])
    told = ", ".join(f"{name} {mean(rows, name):.2f}" for name in JUDGES)
    return state, f"right among {ITEMS} pairs, guessing 0.50: {told}"
