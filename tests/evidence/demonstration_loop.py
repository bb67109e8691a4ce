"""Five demonstrations and no reward: PPO on CartPole, with and without the state of being over."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from rewardwrap_policies.scripted import cart_pole
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "Five demonstrations teach PPO to keep CartPole up for 450 of 500 steps within 20,480 steps, and a "
    "discriminator that leaves out the state of being over does not."
)
SOURCE = (
    "Ho and Ermon (GAIL), 2016, arXiv 1606.03476; Kostrikov et al. (DAC), 2018, arXiv 1809.02925"
)
BUDGET = 5.0
OBJECT = "rewardwrap.loops.demonstrations:DemonstrationLoop"
USE = "rewardwrap train CartPole-v1 --demos demos/"
STEPS, TRIALS, LIMIT, REACHED = 20_480, 10, 500, 0.9


def run(seed: int, *, small: bool = False) -> Row:
    demos = _demonstrations(2 if small else 5, 30 if small else LIMIT)
    return {
        "demonstrator": float(demos.returns().mean()) / LIMIT,
        "over is a state": _trained(demos, seed, absorbing=True, small=small),
        "it is none": _trained(demos, seed, absorbing=False, small=small),
    }


def _demonstrations(episodes: int, limit: int) -> rw.EpisodeStore:
    env = gym.make("CartPole-v1", max_episode_steps=limit)
    made = []
    for number in range(episodes):
        obs, _ = env.reset(seed=number)
        seen, rows = [obs], []
        while not rows or not (rows[-1][2] or rows[-1][3]):
            action = cart_pole(obs)
            obs, *rest = env.step(action)
            seen.append(obs)
            rows.append((action, *rest[:3]))
        names = ("action", "reward", "terminated", "truncated")
        columns = map(np.array, zip(*rows, strict=True))
        made.append({"obs": np.stack(seen), **dict(zip(names, columns, strict=True))})
    return rw.EpisodeStore.from_episodes(
        made, observation_space=env.observation_space, action_space=env.action_space
    )


def _trained(demos: rw.EpisodeStore, seed: int, *, absorbing: bool, small: bool) -> float:
    from stable_baselines3 import PPO

    with tempfile.TemporaryDirectory() as folder:
        loop = rw.DemonstrationLoop(f"{folder}/loop", demos=demos, absorbing=absorbing, seed=seed)
        venv = rw.make("CartPole-v1", loop.reward, n_envs=8, seed=seed)
        options: dict[str, Any] = {"gamma": 0.98, "gae_lambda": 0.9, "learning_rate": 1e-3}
        size = {"n_steps": 8, "n_epochs": 1} if small else {"n_steps": 64, "n_epochs": 10}
        model = PPO(
            "MlpPolicy",
            venv,
            batch_size=64 if small else 128,
            seed=seed,
            device="cpu",
            **options,
            **size,
        )
        model.learn(64 if small else STEPS, callback=loop)
    return _return(model, 1 if small else TRIALS)


def _return(model: Any, trials: int) -> float:
    """Mean true return of deterministic play, as a share of the longest episode."""
    env, total = gym.make("CartPole-v1"), 0.0
    for trial in range(trials):
        obs, _ = env.reset(seed=1000 + trial)
        over = False
        while not over:
            action = int(model.predict(obs, deterministic=True)[0])
            obs, reward, terminated, truncated, _ = env.step(action)
            total, over = total + float(reward), terminated or truncated
    return total / trials / LIMIT


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [higher(rows, "over is a state", REACHED), higher(rows, "over is a state", "it is none")]
    )
    least = min(row["over is a state"] for row in rows)
    told = ", ".join(f"{mean(rows, name):.0%} {name}" for name in rows[0])
    return (
        state,
        f"share of 500 steps kept up after {STEPS} steps of PPO: {told}; least seed {least:.0%}",
    )
