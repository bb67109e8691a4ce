"""Episodes to fit, and a network that pays what it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import nn

from rewardwrap.data import EpisodeStore
from rewardwrap.nets.paid import Encoded
from rewardwrap.nets.tables import Table


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def pendulum(
    episodes: int = 40, *, seed: int = 0, missing: float = 0.0, steps: int = 100
) -> EpisodeStore:
    """Pendulum-v1 under random torques that are held for ten steps."""
    env = gym.make("Pendulum-v1", max_episode_steps=steps)
    draws = np.random.default_rng(seed)
    recorded = []
    for number in range(episodes):
        obs, _ = env.reset(seed=1000 * seed + number)
        rows: dict[str, list[Any]] = {"obs": [obs], "action": [], "reward": []}
        for t in range(steps):
            if t % 10 == 0:
                action = draws.uniform(-2, 2, 1).astype(np.float32)
            obs, reward, _, _, _ = env.step(action)
            for name, value in (("obs", obs), ("action", action), ("reward", float(reward))):
                rows[name].append(value)
        paid = np.array(rows["reward"])
        paid[draws.random(steps) < missing] = np.nan
        last = np.arange(steps) == steps - 1
        recorded.append(
            {
                "obs": np.array(rows["obs"]),
                "action": np.array(rows["action"]),
                "reward": paid,
                "terminated": np.zeros(steps, bool),
                "truncated": last,
                "id": f"e{number}",
            }
        )
    return EpisodeStore.from_episodes(
        recorded, observation_space=env.observation_space, action_space=env.action_space
    )


@pytest.fixture(scope="session")
def swinging() -> EpisodeStore:
    """40 episodes of 100 steps with every reward."""
    return pendulum()


@pytest.fixture(scope="session")
def record() -> Callable[..., EpisodeStore]:
    """``record(episodes, seed=, missing=, steps=)``."""
    return pendulum


class Paying(nn.Module):
    """Pays ``weight * x[0]`` for a row: a network whose returns are known."""

    def __init__(self, weight: float = 1.0, bound: float | None = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([weight], dtype=torch.float64))
        self.members, self.bound = 1, bound

    def forward(self, rows: Encoded) -> torch.Tensor:
        return self.weight.view(1, *([1] * (rows.x.dim() - 1))) * rows.x[..., 0][None]


@pytest.fixture
def paying() -> type[Paying]:
    return Paying


def clips(paid: Any, **items: Any) -> Table:
    """Items of k clips from the rewards of their steps, ``(n, k, L)``."""
    rewards = torch.as_tensor(np.asarray(paid, np.float64))
    rows = Encoded(rewards.reshape(-1, 1))
    columns = {k: torch.as_tensor(np.asarray(v, np.float64)) for k, v in items.items()}
    return Table(
        rows,
        {
            "steps": torch.arange(rewards.numel()).reshape(rewards.shape),
            "weight": torch.ones(len(rewards), dtype=torch.float64),
            **columns,
        },
    )


@pytest.fixture
def table() -> Callable[..., Table]:
    """``table(rewards (n, k, L), preferred=[...])``."""
    return clips


@pytest.fixture
def line() -> Callable[..., EpisodeStore]:
    """``line(episodes, steps, seed)``: random vectors whose reward is ``2 x_0 - x_1``."""

    def make(episodes: int = 30, steps: int = 20, seed: int = 0, width: int = 4) -> EpisodeStore:
        draws = np.random.default_rng(seed)
        made = []
        for number in range(episodes):
            obs = draws.normal(size=(steps + 1, width))
            made.append(
                {
                    "obs": obs,
                    "action": draws.integers(3, size=steps),
                    "reward": 2 * obs[:-1, 0] - obs[:-1, 1],
                    "terminated": np.arange(steps) == steps - 1,
                    "truncated": np.zeros(steps, bool),
                    "id": f"line{number}",
                }
            )
        return EpisodeStore.from_episodes(made)

    return make
