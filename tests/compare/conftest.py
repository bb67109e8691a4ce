"""A made-up comparison with a known story, like the default plan's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rewardwrap.compare.results import Comparison, Failure, Run

POINTS = np.arange(0, 40_001, 4_000)


def _run(strategy: str, seed: int) -> Run:
    rng = np.random.default_rng([seed, len(strategy)])
    when = np.arange(POINTS.size)
    true, length = np.zeros(POINTS.size), np.full(POINTS.size, 100.0)
    extra = np.zeros(POINTS.size)
    if strategy == "env" and seed % 10 in (1, 4, 7):
        true[6:] = 1.0
    if strategy == "potential":
        true[1 + seed % 3 :] = 1.0
        extra = np.where(true == 1, -0.1, rng.uniform(-0.5, -0.3, POINTS.size))
    if strategy == "process":
        extra = 0.6 + 7.0 * (1 - np.exp(-when / 2)) + rng.normal(0, 0.1, POINTS.size)
    if strategy == "refined":
        extra = rng.normal(-0.5, 0.1, POINTS.size)
    length[true == 1] = 14.0
    terms = {"env": true} if strategy == "env" else {"env": true, "extra": extra}
    return Run(
        strategy, seed, POINTS, true, true + extra, length, terms,
        cpu_seconds=8.0, wall_seconds=9.0, env_steps=40_448,
    )  # fmt: skip


@pytest.fixture(scope="session")
def lake() -> Callable[..., Comparison]:
    """Factory: ``lake(seeds=10, strategies=(...), failed={(strategy, seed)}, **fields)``."""

    def make(
        seeds: int = 10,
        strategies: tuple[str, ...] = ("env", "potential", "process", "refined"),
        failed: frozenset[tuple[str, int]] = frozenset(),
        **fields: object,
    ) -> Comparison:
        every = [(s, seed) for s in strategies for seed in range(seeds)]
        given = {
            "env": "FrozenLake-8x8",
            "algo": "ppo",
            "steps": 40_000,
            "threshold": 1.0,
            "strategies": strategies,
            "runs": tuple(_run(*pair) for pair in every if pair not in failed),
            "failures": tuple(Failure(*pair, "Traceback\nValueError: nan") for pair in failed),
            "rewards": {s: {"reward": s} for s in strategies},
            "hyperparameters": {"gamma": 0.99},
            "versions": {"numpy": "2"},
            "command": "rewardwrap compare FrozenLake-8x8 --seeds 10",
            "created": "2030-01-02T03:04:05",
            "hashes": {"plan": "abc"},
            "eval_episodes": 5,
        }
        return Comparison(**{**given, **fields})  # type: ignore[arg-type]

    return make
