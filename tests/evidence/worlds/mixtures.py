"""A chain of six states of which a mixture of three known kernels says which way an action goes."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

STATES, THETA = 6, np.array([0.5, 0.2, 0.3])
ROLLS = THETA.cumsum()


def kernels() -> np.ndarray:
    """``(3, S, 2, S)``: actions go back and forth, forth and back, or nowhere."""
    found = np.zeros((3, STATES, 2, STATES))
    for s in range(STATES):
        ways = max(s - 1, 0), min(s + 1, STATES - 1)
        for action in range(2):
            for kernel, to in zip(found, (ways[action], ways[1 - action], s), strict=True):
                kernel[s, action, to] += 1.0
    return found


class MixtureChain(gym.Env[Any, Any]):
    """From state 0, without an end and without a reward."""

    observation_space = gym.spaces.Discrete(STATES)
    action_space = gym.spaces.Discrete(2)

    def __init__(self) -> None:
        self.state = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.state = 0
        return 0, {}

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        chosen = int(np.searchsorted(ROLLS, self.np_random.random(), side="right"))
        way = (2 * int(action) - 1, 1 - 2 * int(action), 0)[chosen]
        self.state = min(max(self.state + way, 0), STATES - 1)
        return self.state, 0.0, False, False, {}
