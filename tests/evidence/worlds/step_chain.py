"""StepChain under a tabular learner: how long the greedy agent takes, and whether it succeeds."""

from __future__ import annotations

import gymnasium as gym
import numpy as np

import rewardwrap as rw
import rewardwrap_envs  # noqa: F401  registers StepChain
from tests.evidence.worlds.tabular import learn, play

SCORE = rw.Native("process_score")
SHORTEST, CAP = 4, 20


def taught(reward: rw.Reward, rng: np.random.Generator, *, small: bool) -> tuple[float, float]:
    """Success and length of greedy play after Q-learning on a reward."""
    env = rw.wrap(gym.make("rewardwrap/StepChain-v0"), reward)
    found = learn(env, rng, steps=300 if small else 40_000, gamma=0.99, epsilon=0.3)
    seen = play(gym.make("rewardwrap/StepChain-v0"), found.q)
    return float(seen.returns), seen.length
