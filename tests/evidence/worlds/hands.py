"""Rock, paper, scissors: the smallest preference that no score can have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from rewardwrap.data import EpisodeStore, Fragments, Preferences

BEATS = np.array([[0.5, 0.0, 1.0], [1.0, 0.5, 0.0], [0.0, 1.0, 0.5]])
"""P(row better than column): paper (1) beats rock (0), scissors (2) paper, rock scissors."""


class Hands(gym.Env[Any, Any]):
    """One move, which pays nothing."""

    observation_space = gym.spaces.Box(0, 1, (1,))
    action_space = gym.spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return np.zeros(1, np.float32), 0.0, True, False, {}


gym.register("tests/Hands-v0", Hands, max_episode_steps=2)


def beats(one: Sequence[Any], other: Sequence[Any]) -> np.ndarray:
    """Who wins, by the first move of each episode."""
    a, b = (np.array([int(e.action[0]) for e in side]) for side in (one, other))
    return BEATS[a[:, None], b[None]]


def logged(count: int, seed: int = 0) -> tuple[EpisodeStore, Preferences]:
    """``count`` single moves, and who wins in eight times as many pairs of different hands."""
    draws = np.random.default_rng(seed)
    hand = draws.permutation(np.arange(count) % 3)
    store = EpisodeStore.from_episodes(
        {
            # the noise tells episodes apart, which a split of equal ones could not
            "obs": draws.random((2, 1)) * 1e-3, "action": [h], "reward": [float(h)],
            "terminated": [True], "truncated": [False],
        } for h in hand
    )  # fmt: skip
    a, b = draws.integers(count, size=(2, 8 * count))
    a, b = (x[hand[a] != hand[b]] for x in (a, b))
    clips = [Fragments(store, x, np.zeros(len(x), int), np.ones(len(x), int)) for x in (a, b)]
    return store, Preferences(clips[0], clips[1], BEATS[hand[b], hand[a]])
