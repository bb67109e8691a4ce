"""A chain of six states whose steps are a mixture of three known kernels: slow, fair and fast."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

STATES, SPEEDS, THETA = 6, (0.1, 0.5, 0.9), np.array([0.6, 0.3, 0.1])


def kernels() -> np.ndarray:
    """``(3, S, 2, S)``: a step back or forth, which comes about with each speed's chance."""
    found = np.zeros((len(SPEEDS), STATES, 2, STATES))
    for kernel, speed in zip(found, SPEEDS, strict=True):
        for s in range(STATES):
            for action, to in enumerate((max(s - 1, 0), min(s + 1, STATES - 1))):
                kernel[s, action, to] += speed
                kernel[s, action, s] += 1.0 - speed
    return found


class MixtureChain(gym.Env[Any, Any]):
    """From state 0, without an end and without a reward."""

    observation_space = gym.spaces.Discrete(STATES)
    action_space = gym.spaces.Discrete(2)

    def __init__(self) -> None:
        self.chances = np.tensordot(THETA, kernels(), axes=1)
        self.state = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.state = 0
        return 0, {}

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self.state = int(self.np_random.choice(STATES, p=self.chances[self.state, action]))
        return self.state, 0.0, False, False, {}
