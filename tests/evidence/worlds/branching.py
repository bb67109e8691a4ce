"""Leaves of trees and of chains: in the authors' own model of them, and of Pendulum."""

from __future__ import annotations

from typing import Any

import numpy as np

from rewardwrap.adapters.build import make
from rewardwrap.data import EpisodeStore
from rewardwrap.training.recording import Player
from rewardwrap.training.trees import leaves

HOLD = 0.85


def covariance(depth: int, ways: int, *, tree: bool) -> np.ndarray:
    """``(n, n)`` of the values of ``ways ** depth`` leaves, each a sum of ``depth`` parts of variance 1.

    In a tree, leaves share the parts of the branches that they grew from; chains share none.
    """
    number = np.arange(ways**depth)
    if not tree:
        return depth * np.eye(len(number))
    found = np.zeros((len(number), len(number)))
    for level in range(1, depth + 1):
        branch = number // ways ** (depth - level)
        found += branch[:, None] == branch[None]
    return found


def left_over(
    prior: np.ndarray, asked: np.ndarray, judged: np.ndarray, *, noise: float = 1.0
) -> float:
    """Share of the variance of differences that answers leave: mean over pairs after, by that before.

    An answer is the difference of two values with noise of this variance; the posterior is exact.
    """
    rows = np.arange(len(asked))
    ask = np.zeros((len(asked), len(prior)))
    ask[rows, asked[:, 0]], ask[rows, asked[:, 1]] = -1.0, 1.0
    told = ask @ prior
    after = prior - told.T @ np.linalg.solve(told @ ask.T + noise * np.eye(len(asked)), told)

    def spread(of: np.ndarray) -> float:
        a, b = judged.T
        return float((of[a, a] + of[b, b] - 2 * of[a, b]).mean())

    return spread(after) / spread(prior)


def pairs_of_leaves(
    count: int, depth: int, ways: int, rng: np.random.Generator, *, by_depth: bool
) -> np.ndarray:
    """``(count, 2)`` different leaves; ``by_depth``: each depth of parting with the same chance."""
    number = ways**depth
    a = rng.integers(number, size=count)
    if not by_depth:
        return np.stack([a, (a + rng.integers(1, number, size=count)) % number], axis=1)
    size = ways ** (depth - rng.integers(depth, size=count))
    part = size // ways
    child = (a % size // part + rng.integers(1, ways, size=count)) % ways
    b = a // size * size + child * part + rng.integers(part)
    return np.stack([a, b], axis=1)


def swung(depth: int, ways: int, steps: int, starts: int, *, seed: int) -> EpisodeStore:
    """Trees on Pendulum, under torques that are held for some steps."""
    venv = make("Pendulum-v1", "env", training=False, seed=seed)
    rng, held = np.random.default_rng(seed), dict[str, Any]()

    def act(_: Any) -> Any:
        if "torque" not in held or rng.random() > HOLD:
            held["torque"] = rng.uniform(-2, 2, 1).astype(np.float32)
        return [held["torque"]]

    who = Player("held", venv, act, held.clear)
    observed, acted = who.spaces
    grown = list(leaves(who, depth, ways, steps, starts, seed=seed))
    who.close()
    return EpisodeStore.from_episodes(grown, observation_space=observed, action_space=acted)
