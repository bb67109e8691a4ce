"""A geometric mean with a sign against the sum of the same parts: pushing a ball to a goal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean

CLAIM = (
    "With a potential of alignment, speed and nearness combined by KRC, PPO pushes the ball into the "
    "goal more often after the same steps than with a potential of their mean."
)
SOURCE = "Moschopoulos et al., 2023, arXiv 2305.15801"
BUDGET = 1.0
GOAL, LIMIT, TRIALS, GAMMA = np.array([1.0, 0.0]), 60, 40, 0.98
PARTS = ("align", "speed", "near")


class PushBall(gym.Env[Any, Any]):
    """A point with momentum, a ball that it pushes by touching, and a goal."""

    def __init__(self) -> None:
        self.observation_space = gym.spaces.Box(-3, 3, (6,), np.float32)
        self.action_space = gym.spaces.Box(-1, 1, (2,), np.float32)
        self.place = self.speed = self.ball = np.zeros(2)
        self.clock = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.place = self.np_random.uniform(-1, 1, 2)
        self.ball = self.np_random.uniform(-0.5, 0.5, 2)
        self.speed, self.clock = np.zeros(2), 0
        return self._obs(), self._info()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.speed = 0.8 * self.speed + 0.06 * np.asarray(action, np.float64)
        self.place = np.clip(self.place + self.speed, -1.5, 1.5)
        away = self.ball - self.place
        if (far := float(np.linalg.norm(away))) < 0.2:
            self.ball = np.clip(self.place + away / (far + 1e-6) * 0.2, -1.4, 1.4)
        self.clock += 1
        scored = bool(np.linalg.norm(self.ball - GOAL) < 0.25)
        return self._obs(), float(scored), scored, self.clock >= LIMIT, self._info()

    def _obs(self) -> Any:
        return np.concatenate([self.place, self.speed, self.ball]).astype(np.float32)

    def _info(self) -> dict[str, Any]:
        away, left = self.ball - self.place, GOAL - self.ball
        to_ball = away / (np.linalg.norm(away) + 1e-6)
        to_goal = left / (np.linalg.norm(left) + 1e-6)
        return {
            "align": float(to_ball @ to_goal),
            "speed": float(np.clip(self.speed @ to_ball / 0.15, -1, 1)),
            "near": float(np.exp(-0.5 * np.linalg.norm(away) / 0.5)),
        }


def run(seed: int, *, small: bool = False) -> Row:
    combined = {"krc": rw.KRC([rw.Native(name) for name in PARTS]).combine, "sum": _mean}
    return {
        name: _scored(10.0 * rw.EnvReward() + _potential(combine), seed, small=small)
        for name, combine in combined.items()
    }


def _mean(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.mean(parts, axis=0)


def _potential(combine: Callable[[Sequence[np.ndarray]], np.ndarray]) -> rw.Reward:
    """Phi from 0 to 2, since a constant that is missing would pay for the end of an episode."""
    return rw.Potential(
        lambda obs, info: 1.0 + combine([info[name] for name in PARTS]), gamma=GAMMA
    )


def _scored(reward: rw.Reward, seed: int, *, small: bool) -> float:
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import DummyVecEnv

    venv = rw.wrap(DummyVecEnv([PushBall] * (2 if small else 8)), reward)
    venv.seed(seed)
    options = {"learning_rate": 1e-3, "gamma": GAMMA, "n_epochs": 1 if small else 5, "seed": seed}
    size = {"n_steps": 8, "batch_size": 16} if small else {"n_steps": 128, "batch_size": 256}
    model = PPO("MlpPolicy", venv, **options, **size)
    model.learn(16 if small else 40_000)
    env, scored = PushBall(), 0
    for trial in range(1 if small else TRIALS):
        obs, _ = env.reset(seed=1000 + trial)
        over = False
        while not over:
            obs, _, terminated, truncated, _ = env.step(model.predict(obs, deterministic=True)[0])
            over, scored = terminated or truncated, scored + terminated
    return scored / TRIALS


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = higher(rows, "krc", "sum", by=0.05)
    return state, (
        f"goals in {TRIALS} trials after 40 000 steps of PPO: {mean(rows, 'krc'):.2f} with KRC, "
        f"{mean(rows, 'sum'):.2f} with the mean"
    )
