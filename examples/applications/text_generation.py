"""Text generation: eight notes by four rules, and not always the same eight.

python examples/applications/text_generation.py [STEPS]

The rules alone are kept by one melody as well as by many. `rw.SetDistance` pays each melody of a group for
what the group would lose without it, here in diversity (Vendi); the score below is the rules plus that.
"""

import sys

import numpy as np
import torch
from stable_baselines3 import PPO

import rewardwrap as rw

# small networks: more threads only wait for each other
torch.set_num_threads(1)

STEPS = int(sys.argv[1]) if sys.argv[1:] else 25_000


def notes(episode) -> np.ndarray:
    """The seven notes that were written."""
    return np.asarray(episode.action, float)


anything = list(np.random.default_rng(0).integers(0, 8, size=(64, 7)).astype(float))
variety = rw.SetDistance(anything, kind="vendi", features=notes)


def rules(episodes: list) -> list[float]:
    return [e.reward.sum() for e in episodes]


def varied(episodes: list) -> np.ndarray:
    return np.array(rules(episodes)) + 0.5 * variety.credits(episodes)


for name, score in {"rules": rules, "rules and variety": varied}.items():
    kept: list = []

    def heard(episodes: list, score=score, kept=kept):
        kept.extend(episodes)
        return score(episodes)

    env = rw.make_grouped("rewardwrap/Melody-v0", heard, group=8, n_envs=16, seed=0)
    model = PPO("MlpPolicy", env, n_steps=56, batch_size=224, gamma=1.0, gae_lambda=1.0, seed=0)
    model.learn(STEPS)
    late = kept[-64:]
    print(
        f"{name}: {np.mean(rules(late)):.0%} of the rules kept, diversity {variety.distance(late):.1f} of 64"
    )
