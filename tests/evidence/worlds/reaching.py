"""Demonstrations of reaching the middle of a plane, good ones and others."""

from __future__ import annotations

import numpy as np

import rewardwrap as rw
from tests.evidence.preference_loop import Reach


def demonstrations(episodes: int, seed: int, *, noise: float = 0.0) -> rw.EpisodeStore:
    """Straight to the middle, and staying there; noise 1: a random walk."""
    env, made, draws = Reach(), [], np.random.default_rng(seed)
    for number in range(episodes):
        obs, _ = env.reset(seed=5000 + 100 * seed + number)
        seen, rows = [obs], []
        while not rows or not rows[-1][3]:
            aim = (1 - noise) * np.clip(-10.0 * obs, -1, 1) + noise * draws.normal(size=2)
            action = np.clip(aim, -1, 1).astype(np.float32)
            obs, *rest = env.step(action)
            seen.append(obs)
            rows.append((action, *rest[:3]))
        names = ("action", "reward", "terminated", "truncated")
        columns = map(np.array, zip(*rows, strict=True))
        made.append({"obs": np.stack(seen), **dict(zip(names, columns, strict=True))})
    return rw.EpisodeStore.from_episodes(
        made, observation_space=env.observation_space, action_space=env.action_space
    )
