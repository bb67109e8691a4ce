"""Toy environments with known answers: a walk of at most four steps, in every observation layout.

The walk starts at 0, 0.25 or 0.5 (in turn, episode after episode), moves by the action, and pays
a tenth of its new position. It terminates at 4 and is truncated at its fourth step, so that random
actions end episodes in all three ways: terminated, truncated, and both on one step. ``info`` has the
same keys in ``reset`` and in every ``step``.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

GOAL = 4.0
LIMIT = 4


class Chain(gym.Env[Any, Any]):
    """Observation: ``(position, clock, position * clock / 10)``; action 0, 1 or 2 is the move."""

    observation_space: gym.Space[Any] = gym.spaces.Box(0.0, 16.0, (3,), np.float32)
    action_space: gym.Space[Any] = gym.spaces.Discrete(3)

    def __init__(self) -> None:
        self.position = 0.0
        self.clock = 0
        self.episode = -1

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.episode = 0 if seed is not None else self.episode + 1
        self.position, self.clock = 0.25 * (self.episode % 3), 0
        return self.observe(), self.report(0.0)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        moved = self.move(action)
        self.position = min(self.position + moved, 10.0)
        self.clock += 1
        terminated, truncated = self.position >= GOAL, self.clock >= LIMIT
        return self.observe(), self.pay(), terminated, truncated, self.report(moved)

    def move(self, action: Any) -> float:
        """How far an action goes."""
        return float(action)

    def observe(self) -> Any:
        """What the agent sees."""
        return np.array([self.position, self.clock, self.position * self.clock / 10], np.float32)

    def pay(self) -> Any:
        """The environment's own reward."""
        return 0.1 * self.position

    def report(self, moved: float) -> dict[str, Any]:
        """The info of reset and of every step."""
        return {
            "position": self.position,
            "reward_progress": moved,
            "place": np.array([self.position, -self.position]),
        }


class DictChain(Chain):
    """Observation: ``{"place": (position, position / 2), "clock": (clock,)}``."""

    observation_space = gym.spaces.Dict(
        {
            "place": gym.spaces.Box(0.0, 16.0, (2,), np.float32),
            "clock": gym.spaces.Box(0.0, 16.0, (1,), np.float32),
        }
    )

    def observe(self) -> Any:
        return {
            "place": np.array([self.position, self.position / 2], np.float32),
            "clock": np.array([self.clock], np.float32),
        }


class TupleChain(Chain):
    """Observation: ``((position,), clock)``, a tuple with a Discrete part."""

    observation_space = gym.spaces.Tuple(
        (gym.spaces.Box(0.0, 16.0, (1,), np.float32), gym.spaces.Discrete(8))
    )

    def observe(self) -> Any:
        return np.array([self.position], np.float32), np.int64(self.clock)


class ImageChain(Chain):
    """Observation: an image ``(36, 36, 1)`` uint8, its brightness the position; two Discrete actions."""

    observation_space = gym.spaces.Box(0, 255, (36, 36, 1), np.uint8)
    action_space = gym.spaces.MultiDiscrete([3, 2])

    def move(self, action: Any) -> float:
        return float(action[0] + 0.5 * action[1])

    def observe(self) -> Any:
        return np.full((36, 36, 1), int(self.position * 20), np.uint8)


class DigitChain(Chain):
    """Observation: Discrete, ``8 * whole steps walked + clock``: digits of the bases (8, 8)."""

    observation_space = gym.spaces.Discrete(64)

    def observe(self) -> Any:
        return np.int64(8 * min(int(self.position), 7) + self.clock)


class BoxActionChain(Chain):
    """Actions: ``(2,)`` in [-1, 1]; it moves by one plus their mean."""

    action_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def move(self, action: Any) -> float:
        return 1.0 + float(np.mean(action))


class ReusingChain(Chain):
    """Writes every observation into one buffer, as environments in C do."""

    def __init__(self, *, fresh_at_reset: bool = False) -> None:
        super().__init__()
        self.fresh_at_reset = fresh_at_reset
        self._buffer = np.zeros(3, np.float32)

    def observe(self) -> Any:
        self._buffer[:] = super().observe()
        return self._buffer.copy() if self.fresh_at_reset and self.clock == 0 else self._buffer


class OddChain(Chain):
    """Pays ``odd`` from step ``at`` of every episode on: NaN, an array, a tensor ..."""

    def __init__(self, odd: Any, *, at: int = 2) -> None:
        super().__init__()
        self.odd = odd
        self.at = at

    def pay(self) -> Any:
        return self.odd if self.clock >= self.at else super().pay()


class Ten(gym.Env[Any, Any]):
    """Never ends: pays 0.1 for action 1. Under a time limit of ten no return exceeds 1.

    Observation: the clock over ten, so that a limit can be foreseen.
    """

    observation_space: gym.Space[Any] = gym.spaces.Box(0.0, np.inf, (1,), np.float32)
    action_space: gym.Space[Any] = gym.spaces.Discrete(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.clock = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        self.clock += 1
        return np.array([self.clock / 10], np.float32), 0.1 * int(action == 1), False, False, {}
