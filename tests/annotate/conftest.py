"""Episodes to look at: a pendulum pushed at random."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from rewardwrap.data import EpisodeStore

EPISODES, STEPS = 16, 40


@pytest.fixture(scope="session")
def swings() -> EpisodeStore:
    """16 episodes of 40 steps of Pendulum-v1, each with its own push."""
    env = gym.make("Pendulum-v1")
    rng = np.random.default_rng(0)
    episodes = []
    for seed in range(EPISODES):
        obs, _ = env.reset(seed=seed)
        push = rng.uniform(-2, 2, size=1).astype(np.float32)
        seen, paid = [obs], []
        for _ in range(STEPS):
            obs, reward, *_ = env.step(push)
            seen.append(obs)
            paid.append(float(reward))
        flags = np.zeros(STEPS, bool)
        episodes.append(
            {
                "obs": np.array(seen), "action": np.repeat(push[None], STEPS, 0), "reward": paid,
                "terminated": flags, "truncated": flags, "info": {"secret": np.array(paid)},
            }
        )  # fmt: skip
    env.close()
    return EpisodeStore.from_episodes(
        episodes,
        source="Pendulum-v1",
        observation_space=env.observation_space,
        action_space=env.action_space,
    )
