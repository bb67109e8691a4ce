"""Medical images: mark a lesion, judged as a whole and cell by cell, without a label.

python examples/applications/medical_images.py [STEPS]

A bright cell with a bright neighbour is likely ill, a single one is a speck: a judge by that rule grades
every mark; the whole is graded by how much of what it takes for ill is marked. `rw.SelfReward` multiplies
both. What was marked is compared with the truth (Dice) at the end alone.
"""

import sys

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO

import rewardwrap as rw

# small networks: more threads only wait for each other
torch.set_num_threads(1)

STEPS = int(sys.argv[1]) if sys.argv[1:] else 40_000


def looks_ill(episode) -> np.ndarray:
    """Of each cell, from its neighbourhood in the observation."""
    near = np.asarray(episode.obs)[:-1, 1:].reshape(-1, 3, 3) > 0.5
    return near[:, 1, 1] & near[:, [0, 1, 1, 2], [1, 0, 2, 1]].any(axis=1)


def whole(episodes: list) -> list[float]:
    """Agreement of marks and looks, as Dice's coefficient in [-1, 1]."""
    pairs = [(np.asarray(e.action, bool), looks_ill(e)) for e in episodes]
    return [4 * (marks & ill).sum() / max(1, marks.sum() + ill.sum()) - 1 for marks, ill in pairs]


def parts(episodes: list) -> list[np.ndarray]:
    """Whether each cell was rightly marked, or rightly left."""
    return [2.0 * (np.asarray(e.action, bool) == looks_ill(e)) - 1 for e in episodes]


score = rw.SelfReward(whole, parts)
env = rw.make_grouped("rewardwrap/Lesion-v0", score, group=8, n_envs=16, seed=0)
model = PPO(
    "MlpPolicy", env, n_steps=72, batch_size=288, gamma=1.0, gae_lambda=1.0, learning_rate=1e-3, seed=0
)  # fmt: skip


def dice(images: int = 20) -> float:
    """Mean coefficient against the truth."""
    env, total = gym.make("rewardwrap/Lesion-v0"), 0.0
    for seed in range(images):
        obs, _ = env.reset(seed=10_000 + seed)
        over = False
        while not over:
            obs, reward, over, _, _ = env.step(int(model.predict(obs, deterministic=True)[0]))
        total += float(reward)
    return total / images


before = dice()
model.learn(STEPS)
print(f"Dice on 20 images: {before:.2f} before, {dice():.2f} after")
