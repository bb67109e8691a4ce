"""A corridor that pays for every step towards its end, and what paying later costs a learner."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import rewardwrap as rw
from tests.evidence.worlds.tabular import Corridor, learn

CELLS, LIMIT = 9, 2000
GAMMA = 0.98


class Paved(Corridor):
    """0.1 for a step towards the end, -0.1 for one away."""

    def __init__(self) -> None:
        super().__init__(CELLS, 3, LIMIT)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        before = self.cell
        obs, _, terminated, truncated, info = super().step(action)
        return obs, 0.1 * (self.cell - before), terminated, truncated, info


def log10_steps(reward: rw.Reward, seed: int, *, small: bool) -> float:
    """Steps of Q-learning until the last ten episodes were near-shortest on average."""
    env = rw.wrap(Paved(), reward)
    found = learn(
        env,
        np.random.default_rng(seed),
        steps=300 if small else 40_000,
        gamma=GAMMA,
        stop=lambda run: len(run.lengths) >= 10 and np.mean(run.lengths[-10:]) <= CELLS + 4,
    )
    return math.log10(sum(found.lengths) or 1)


def sum_error(reward: rw.Reward, seed: int) -> float:
    """How far the sum of random episodes is from that of the environment's own rewards."""
    rng, worst = np.random.default_rng(seed), 0.0
    for _ in range(20):
        steps = int(rng.integers(1, 30))
        paid, end = rng.normal(size=steps), np.arange(steps) == steps - 1
        log = {"obs": np.zeros(steps + 1), "action": np.zeros(steps), "reward": paid}
        log |= {"terminated": end, "truncated": np.zeros(steps, bool)}
        worst = max(worst, abs(float(rw.relabel(reward, log).sum() - paid.sum())))
    return worst
