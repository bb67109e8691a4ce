"""Fixed actions, and blocks of steps that play them: the same episodes in every variant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv
from stable_baselines3.common.vec_env import VecEnv

from tests.bench.timing import Block


def tape(space: gym.Space[Any], steps: int, lanes: int | None = None) -> list[Any]:
    """Random actions, the same for everyone: one per step, or one array of ``lanes`` per step."""
    space.seed(0)
    if lanes is None:
        return [space.sample() for _ in range(steps)]
    return [np.stack([space.sample() for _ in range(lanes)]) for _ in range(steps)]


def play_env(env: gym.Env[Any, Any], actions: list[Any]) -> Block:
    """A block of steps of one environment, its resets among them."""
    env.reset(seed=0)

    def block() -> None:
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    return block


def play_venv(venv: VecEnv, actions: list[Any]) -> Block:
    """A block of steps of an SB3 vector environment."""
    venv.seed(0)
    venv.reset()

    def block() -> None:
        for action in actions:
            venv.step(action)

    return block


def play_vector(env: VectorEnv[Any, Any, Any], actions: list[Any]) -> Block:
    """A block of steps of a gymnasium vector environment."""
    env.reset(seed=0)

    def block() -> None:
        for action in actions:
            env.step(action)

    return block


def require_same_rewards(envs: Mapping[str, Any], actions: list[Any], *, batched: bool) -> None:
    """Refuse to compare variants that do not pay the same.

    Raises:
        ValueError: Rewards differ by more than float32 can explain.
    """
    paid = {name: _paid(env, actions, batched=batched) for name, env in envs.items()}
    names = list(paid)
    for name in names[1:]:
        if not np.allclose(paid[name], paid[names[0]], rtol=1e-3, atol=1e-4):
            away = np.abs(paid[name] - paid[names[0]]).max()
            raise ValueError(
                f'variant "{name}" must pay what "{names[0]}" pays, got {away:.2g} apart. '
                "Give both the same potential."
            )


def _paid(env: Any, actions: list[Any], *, batched: bool) -> np.ndarray[Any, Any]:
    if batched:
        env.seed(0)
        env.reset()
        return np.array([env.step(action)[1] for action in actions])
    env.reset(seed=0)
    rewards = []
    for action in actions:
        _, reward, terminated, truncated, _ = env.step(action)
        rewards.append(float(reward))
        if terminated or truncated:
            env.reset()
    return np.array(rewards)
