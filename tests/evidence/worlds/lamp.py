"""A line to walk along and a lamp that looked like success in the data, and is not."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from rewardwrap.data import EpisodeStore

STEPS, GOAL, END = 16, 6, 8
LEFT, RIGHT, FLASH = 0, 1, 2


class Line(gym.Env[np.ndarray, int]):
    """Left, right or flash the lamp; being beyond 6 when the time is over is success."""

    observation_space = spaces.Box(-2.0, 2.0, (2,), np.float32)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self._x, self._lamp, self._t = int(self.np_random.integers(-2, 3)), 0.0, 0
        return self._seen(), {}

    def step(self, action: int):
        self._lamp = float(action == FLASH)
        if action != FLASH:
            self._x = int(np.clip(self._x + (1 if action == RIGHT else -1), -END, END))
        self._t += 1
        return self._seen(), float(self._x >= GOAL) / STEPS, self._t >= STEPS, False, {}

    def _seen(self) -> np.ndarray:
        return np.array([self._x / END, self._lamp], np.float32)


def succeeded(obs: np.ndarray) -> bool:
    """Whether an episode with these observations ended beyond the goal."""
    return bool(round(float(obs[-1][0]) * END) >= GOAL)


def played(policy: Any, count: int, rng: np.random.Generator, name: str) -> EpisodeStore:
    """Episodes of a policy ``(obs, rng) -> action``; ``info["success"]`` is what really happened."""
    env, recorded = Line(), []
    for number in range(count):
        obs, _ = env.reset(seed=int(rng.integers(2**31)))
        seen, actions, rewards, over = [obs], [], [], False
        while not over:
            actions.append(int(policy(obs, rng)))
            obs, reward, over, _, _ = env.step(actions[-1])
            seen.append(obs)
            rewards.append(reward)
        ends = np.arange(STEPS) == STEPS - 1
        won = np.full(STEPS, float(succeeded(np.array(seen))))
        recorded.append(
            {"obs": np.array(seen), "action": np.array(actions), "reward": np.array(rewards),
             "terminated": ends, "truncated": np.zeros(STEPS, bool), "info": {"success": won},
             "id": f"{name}{number}"}
        )  # fmt: skip
    return EpisodeStore.from_episodes(
        recorded, observation_space=Line.observation_space, action_space=Line.action_space
    )


def misleading(rng: np.random.Generator, count: int = 40) -> EpisodeStore:
    """Successes that flash the lamp now and then, and failures that never do."""
    good = played(lambda _, draws: FLASH if draws.random() < 0.4 else RIGHT, count, rng, "good")
    bad = played(lambda _, draws: int(draws.random() < 0.55), count, rng, "bad")
    return EpisodeStore.concat([good, bad])
