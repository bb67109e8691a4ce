"""Episodes from bare numbers, and an environment that plays them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw

Episode = dict[str, Any]


class Player(gym.Env[Any, Any]):
    """Plays logged episodes one after the other, whatever the action."""

    def __init__(self, episodes: Sequence[Episode]) -> None:
        self.episodes = episodes
        width = np.shape(episodes[0]["obs"])[1:]
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, width, np.float64)
        self.action_space = gym.spaces.Discrete(2)
        self.number, self.now = -1, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.number, self.now = self.number + 1, 0
        self.episode = self.episodes[self.number % len(self.episodes)]
        return np.array(self.episode["obs"][0]), self._info(0)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        t, self.now = self.now, self.now + 1
        ends = bool(self.episode["terminated"][t]), bool(self.episode["truncated"][t])
        return (
            np.array(self.episode["obs"][t + 1]),
            self.episode["reward"][t],
            *ends,
            self._info(t + 1),
        )

    def _info(self, t: int) -> dict[str, Any]:
        return {key: column[t] for key, column in self.episode["info"].items()}


def _log(
    reward: Sequence[float],
    *,
    obs: Any = None,
    action: Any = None,
    terminated: bool = True,
    truncated: bool = False,
    **info: Sequence[float],
) -> Episode:
    steps = len(reward)
    last = np.arange(steps) == steps - 1
    after = {
        key: np.concatenate(([0.0], np.asarray(column, float))) for key, column in info.items()
    }
    return {
        "obs": np.arange(steps + 1.0)[:, None] if obs is None else np.asarray(obs, float),
        "action": np.zeros(steps, int) if action is None else np.asarray(action),
        "reward": np.asarray(reward, float),
        "terminated": last & terminated,
        "truncated": last & truncated,
        "info": {key: column[-steps - 1 :] for key, column in after.items()},
    }


def _play(
    reward: Any, episodes: Sequence[Episode] | Episode, *, training: bool = True, **options: Any
) -> list[np.ndarray]:
    episodes = [episodes] if isinstance(episodes, dict) else list(episodes)
    env = rw.wrap(Player(episodes), reward, training=training, **options)
    paid = []
    for episode in episodes:
        env.reset()
        paid.append(np.array([env.step(action)[1] for action in episode["action"]]))
    return paid


@pytest.fixture(scope="session")
def log() -> Callable[..., Episode]:
    """``log([r, ...], terminated=True, truncated=False, <info key>=[...])``: one episode."""
    return _log


@pytest.fixture(scope="session")
def play() -> Callable[..., list[np.ndarray]]:
    """``play(reward, episodes)``: what a wrapped environment pays, one array for each episode."""
    return _play


@pytest.fixture(scope="session")
def player() -> type[Player]:
    """The environment that plays logged episodes."""
    return Player
