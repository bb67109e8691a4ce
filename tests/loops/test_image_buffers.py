"""A loop over images: SB3 stores them channels first, and they are paid again all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3 import DQN

import rewardwrap as rw
from rewardwrap.loops.preferences import PreferenceLoop


class Stripe(gym.Env[Any, Any]):
    """A stripe that walks over 36 x 40 pixels; its place is the reward."""

    observation_space = gym.spaces.Box(0, 255, (36, 40, 1), np.uint8)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.at = self.steps = 0
        return self.seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.at = int(np.clip(self.at + (1 if action else -1), 0, 39))
        self.steps += 1
        return self.seen(), float(self.at), False, self.steps >= 20, {}

    def seen(self) -> Any:
        image = np.zeros((36, 40, 1), np.uint8)
        image[:, self.at] = 255
        return image


def test_stored_images_are_relabelled_under_a_cnn_policy(tmp_path: Path) -> None:
    fit = {"members": 1, "epochs": 1, "updates": 2}
    loop = PreferenceLoop(
        tmp_path / "loop", teacher="oracle", queries=12, every=64, length=5, fit=fit
    )
    env = rw.make(Stripe, loop.reward, n_envs=2)
    model = DQN("CnnPolicy", env, buffer_size=200, learning_starts=100, train_freq=32, seed=0)
    model.learn(100, callback=loop)
    assert loop.reward.ready
    buffer = model.replay_buffer
    assert buffer is not None
    stored = buffer.rewards[: buffer.size()]
    # what was stored before the first model was paid 0; it is paid anew
    assert np.count_nonzero(stored) > 0.9 * stored.size
