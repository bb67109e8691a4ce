"""A corridor whose goal nobody finds by chance, and a walk past a television."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row
from tests.evidence.worlds.tabular import learn

CELLS, LIMIT, EPISODES, GAMMA = 30, 60, 200, 0.95
LATE = 40


class Corridor(gym.Env[Any, Any]):
    """Left or right, from cell 0; 1 in the last cell, which ends the episode."""

    def __init__(self, cells: int = CELLS) -> None:
        self.cells, self.at = cells, 0
        self.observation_space = gym.spaces.Discrete(cells)
        self.action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.at = 0
        return 0, {}

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self.at = max(self.at + (1 if action else -1), 0)
        reached = self.at == self.cells - 1
        return self.at, float(reached), reached, False, {}


def found(bonus: rw.Reward | None, seed: int, *, small: bool = False) -> float:
    """The share of the last 40 of 200 episodes in which one-step Q-learning reaches the goal."""
    reward = rw.EnvReward() if bonus is None else rw.EnvReward() + bonus
    limit, episodes = (10, 5) if small else (LIMIT, EPISODES)
    env = rw.wrap(gym.wrappers.TimeLimit(Corridor(), limit), reward, gamma=GAMMA)
    run = learn(
        env,
        np.random.default_rng(seed),
        steps=limit * episodes,
        gamma=GAMMA,
        alpha=1.0,
        stop=lambda run: len(run.lengths) >= episodes,
    )
    return float(np.mean(np.array(run.lengths[-LATE:]) < limit))


def with_and_without(bonus: rw.Reward, seed: int, *, small: bool = False) -> Row:
    """Both on one seed."""
    return {"none": found(None, seed, small=small), "bonus": found(bonus, seed, small=small)}


def television(bonus: rw.Reward, seed: int, *, on: bool = True, small: bool = False) -> Row:
    """Mean bonus of a random walk past the television, in its first and last eighth; on, or dark."""
    env = gym.make("rewardwrap/NoisyTV-v0")
    if not on:
        space = env.observation_space
        env = gym.wrappers.TransformObservation(env, lambda obs: obs * np.eye(5)[0], space)
    paid, rng, steps = [], np.random.default_rng(seed), 40 if small else 4000
    env = rw.wrap(env, bonus)
    env.reset(seed=seed)
    for _ in range(steps):
        _, value, terminated, truncated, _ = env.step(int(rng.integers(3)))
        paid.append(value)
        if terminated or truncated:
            env.reset()
    return {
        "early": float(np.mean(paid[: steps // 8])),
        "late": float(np.mean(paid[-steps // 8 :])),
    }


def felt(bonus: rw.ICM, seed: int, *, small: bool = False) -> Row:
    """How far its features move with what actions move, and with noise that none reaches."""
    rng = np.random.default_rng(seed)
    none, carry = np.zeros(8, bool), bonus.init(8)
    for _ in range(10 if small else 600):
        action, obs = rng.normal(size=(8, 1)), rng.normal(size=(8, 2))
        after = np.concatenate((obs[:, :1] + action, rng.normal(size=(8, 1))), axis=1)
        step = rw.Transitions(obs, action, after, np.zeros(8), none, none, ~none)
        carry, _ = bonus.step(carry, step)
    phi, here = bonus.mind.nets["phi"], np.zeros((200, 2))
    moved, noisy = here.copy(), here.copy()
    moved[:, 0] = noisy[:, 1] = rng.normal(size=200)
    return {
        "by_actions": float(phi(moved).std(0).mean()),
        "by_noise": float(phi(noisy).std(0).mean()),
    }
