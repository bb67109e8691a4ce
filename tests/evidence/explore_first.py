"""Exploring a continuous task without its reward, and learning any reward from what was stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import SAC
from stable_baselines3.common.logger import configure

import rewardwrap as rw
from rewardwrap.loops.relabelling import relabel
from tests.evidence.harness.judging import Row, State, higher, mean

CLAIM = (
    "On a line whose ends random play does not see, SAC that was never in the environment learns to stay "
    "at either end from the buffer of an agent that was paid for disagreement alone, and not from as "
    "many steps of random play."
)
SOURCE = "Pathak, Gandhi, Gupta, 2019, arXiv 1906.04161; the two phases of arXiv 2303.10165"
BUDGET = 0.5
SEEDS = 10
EXAMPLE = """curious = SAC("MlpPolicy", rw.make(ENV, rw.Disagreement())).learn(10_000)
relabel(curious.replay_buffer, reward)
agent = SAC("MlpPolicy", rw.make(ENV, reward))
agent.replay_buffer = curious.replay_buffer
agent.set_logger(configure())
agent.train(gradient_steps=10_000, batch_size=256)"""
STEPS, UPDATES, LIMIT, PACE, FAR = 1200, 250, 50, 0.06, 0.7
NET = {"net_arch": [32]}
SIDES = {"left": -1.0, "right": 1.0}


class Line(gym.Env[Any, Any]):
    """A place in [-1, 1], from 0; a step moves it by at most .06. It pays nothing."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
    action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.at = np.zeros(1, np.float32)
        return self.at.copy(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.at = np.clip(self.at + PACE * np.asarray(action, np.float32), -1.0, 1.0)
        return self.at.copy(), 0.0, False, False, {}


def _line(reward: rw.Reward) -> Any:
    return rw.wrap(gym.wrappers.TimeLimit(Line(), LIMIT), reward, gamma=0.95)


def _learner(reward: rw.Reward, seed: int, starts: int) -> SAC:
    return SAC(
        "MlpPolicy", _line(reward), gamma=0.95, learning_rate=3e-3, batch_size=64, tau=0.02,
        train_freq=4, learning_starts=starts, ent_coef=0.02, policy_kwargs=NET, seed=seed, device="cpu",
    )  # fmt: skip


def _end(side: float) -> rw.Reward:
    """1 at one end of the line."""
    return rw.function(lambda next_obs: next_obs[:, 0] * side > FAR, each="batch")


def run(seed: int, *, small: bool = False) -> Row:
    torch.set_num_threads(1)
    steps, updates = (60, 2) if small else (STEPS, UPDATES)
    row = {}
    # random play: an agent whose learning never starts
    for name, starts in (("curious", 50), ("random", steps)):
        curious = rw.Disagreement(hidden=16, every=50, rate=3e-3)
        played = _learner(curious, seed, starts).learn(steps).replay_buffer
        places = played.next_observations[: played.size()]
        row[f"seen_{name}"] = float(np.mean(np.abs(places) > FAR))
        row[name] = min(_later(played, side, seed, updates) for side in SIDES.values())
    return row


def _later(played: Any, side: float, seed: int, updates: int) -> float:
    """Share of an episode at the end that is paid, after learning from what was stored alone."""
    reward = _end(side)
    relabel(played, reward)
    agent = _learner(reward, seed, 0)
    agent.replay_buffer = played
    agent.set_logger(configure(None, []))
    agent.train(updates, 64)
    env, paid = _line(reward), []
    obs, _ = env.reset(seed=seed)
    for _ in range(LIMIT):
        obs, value, *_ = env.step(agent.predict(obs, deterministic=True)[0])
        paid.append(value)
    return float(np.mean(paid))


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    return higher(rows, "curious", "random", by=0.2), (
        f"share of an episode at the worse of both ends: {mean(rows, 'curious'):.2f} after steps for "
        f"disagreement, {mean(rows, 'random'):.2f} after random steps; of what was stored "
        f"{mean(rows, 'seen_curious'):.2f} and {mean(rows, 'seen_random'):.2f} lie at an end"
    )
