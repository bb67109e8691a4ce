"""A reward learned from answers about clips, while the agent learns from it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean

CLAIM = (
    "With 100 answers about its own clips PPO gains at least 80 % of what it gains from the true reward "
    "in the same steps."
)
SOURCE = "Lee et al. (PEBBLE), 2021, arXiv 2106.05091; Christiano et al., 2017, arXiv 1706.03741"
BUDGET = 1.0
OBJECT = "rewardwrap.loops.preferences:PreferenceLoop"
USE = 'rewardwrap label FOLDER, while a run with rw.PreferenceLoop(FOLDER, teacher="people") learns'
LIMIT, STEPS, TRIALS = 30, 12_000, 30


class Reach(gym.Env[Any, Any]):
    """A point in the plane that should come to the middle: minus the distance, 30 steps."""

    def __init__(self) -> None:
        self.observation_space = gym.spaces.Box(-2, 2, (2,), np.float32)
        self.action_space = gym.spaces.Box(-1, 1, (2,), np.float32)
        self.place, self.clock = np.zeros(2), 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.place, self.clock = self.np_random.uniform(-1, 1, 2), 0
        return self.place.astype(np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.place = np.clip(self.place + 0.1 * np.asarray(action, np.float64), -2, 2)
        self.clock += 1
        paid = -float(np.linalg.norm(self.place))
        return self.place.astype(np.float32), paid, False, self.clock >= LIMIT, {}


def run(seed: int, *, small: bool = False) -> Row:
    row = {"untrained": _return(_model(rw.EnvReward(), seed, small=small), small=small)}
    true = _model(rw.EnvReward(), seed, small=small)
    true.learn(16 if small else STEPS)
    row["true"] = _return(true, small=small)
    with tempfile.TemporaryDirectory() as folder:
        loop = rw.PreferenceLoop(
            f"{folder}/loop", teacher="oracle", queries=100, every=1500, length=10, seed=seed
        )
        answered = _model(loop.reward, seed, small=small)
        answered.learn(16 if small else STEPS, callback=loop)
        row["answers"] = _return(answered, small=small)
    row["share"] = (row["answers"] - row["untrained"]) / max(row["true"] - row["untrained"], 1e-6)
    return row


def _model(reward: rw.Reward, seed: int, *, small: bool) -> Any:
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import DummyVecEnv

    venv = rw.wrap(DummyVecEnv([Reach] * 2 if small else [Reach] * 8), reward)
    venv.seed(seed)
    options = {"learning_rate": 1e-3, "gamma": 0.95, "n_epochs": 1 if small else 5, "seed": seed}
    size = {"n_steps": 8, "batch_size": 16} if small else {"n_steps": 64, "batch_size": 128}
    return PPO("MlpPolicy", venv, **options, **size)


def _return(model: Any, *, small: bool) -> float:
    """Mean true return of deterministic play."""
    env, total = Reach(), 0.0
    trials = 1 if small else TRIALS
    for trial in range(trials):
        obs, _ = env.reset(seed=1000 + trial)
        truncated = False
        while not truncated:
            obs, paid, _, truncated, _ = env.step(model.predict(obs, deterministic=True)[0])
            total += paid
    return total / trials


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = higher(rows, "share", 0.8)
    told = ", ".join(f"{mean(rows, name):.1f} {name}" for name in ("untrained", "true", "answers"))
    return (
        state,
        f"true return after {STEPS} steps of PPO: {told} ({mean(rows, 'share'):.0%} of the gain)",
    )
