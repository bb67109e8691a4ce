"""The protocols of reward-model benchmarks in Pendulum: the tables of docs/results/reward_models.md.

``python -m tests.bench.reward_models``
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from rewardwrap import evaluate as ev
from rewardwrap_policies import controller

NOISE = np.random.default_rng(3)
SCORERS: dict[str, Any] = {
    "true return": lambda e: float(e["reward"].sum()),
    "cosine of the angle": lambda e: float(e["obs"][1:, 0].sum()),
    "cosine + half the sine": lambda e: float((e["obs"][1:, 0] + 0.5 * e["obs"][1:, 1]).sum()),
    "slow": lambda e: -float(np.abs(e["obs"][1:, 2]).sum()),
    "little torque": lambda e: -float(np.square(e["action"]).sum()),
    "constant": lambda e: 0.0,
    "random numbers": lambda e: float(NOISE.normal()),
}


def main() -> None:
    """Make the items, print every protocol for every scorer."""
    env, policy = gym.make("Pendulum-v1"), controller("Pendulum-v1")
    four, ten = (
        ev.best_of_items(
            env,
            policy,
            items=200,
            wrong=wrong,
            steps=60,
            margin=20,
            rng=np.random.default_rng(seed),
        )
        for seed, wrong in ((0, 3), (1, 9))
    )
    tied, single = ev.ties_items(
        env, policy, items=60, right=3, wrong=3, steps=60, spread=15, margin=30,
        rng=np.random.default_rng(2),
    )  # fmt: skip
    print("scorer", "best of 4", "1 vs 9", "MRR", "ties", "mirrored", "agree", sep="\t")
    for name, scorer in SCORERS.items():
        against = ev.best_of_benchmark(scorer, ten)
        told = ev.rendering_benchmark(scorer, four, {"mirrored": ev.mirrored_pendulum})
        ties = ev.ties_benchmark(scorer, tied, single).score
        numbers = (
            told.accuracy["as played"], against.accuracy, against.reciprocal_rank, ties,
            told.accuracy["mirrored"], told.consistency,
        )  # fmt: skip
        print(name, *(f"{number:.3f}" for number in numbers), sep="\t")
    _verified(env, policy)


def _verified(env: gym.Env[Any, Any], policy: Any) -> None:
    episodes, upright = ev.verified_items(
        env, policy, lambda e: bool((e["obs"][-20:, 0] > 0.95).all()),
        each=100, steps=150, rng=np.random.default_rng(4),
    )  # fmt: skip
    fitted = np.arange(len(episodes)) % 2 == 0
    for name, scorer in SCORERS.items():
        values = np.array([scorer(episode) for episode in episodes])

        def balanced(cut: float, rows: np.ndarray, values: np.ndarray = values) -> float:
            return ev.verified_accuracy(values[rows] >= cut, upright[rows]).balanced

        best = max(np.unique(values[fitted]), key=lambda cut, ask=balanced: ask(cut, fitted))
        print(name, "verified, balanced:", f"{balanced(best, ~fitted):.2f}")


if __name__ == "__main__":
    main()
