"""Translation: graded against a word-for-word exemplar, which has no ceiling.

python examples/applications/translation.py [STEPS]

The exemplar looks up every word and leaves the order as it is, so it is wrong wherever a modifier stands
before its noun. `rw.Exemplar` grades each translation from 1 to 5 against the one of the same sentence; as
in the paper a metric of the translation alone is added, without which a beginner is graded 1 throughout.
"""

import sys

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO

import rewardwrap as rw

# small networks: more threads only wait for each other
torch.set_num_threads(1)

STEPS = int(sys.argv[1]) if sys.argv[1:] else 100_000
POOL = {"sentences": 6}
STOP = 6


def word_for_word(obs: np.ndarray) -> int:
    """The source word at this place, shifted by the language; stop where there is none."""
    word = int(obs[11:18].argmax())
    return STOP if word == STOP else (word + int(obs[:4].argmax())) % 6


def translated(act, seed: int) -> dict:
    """One episode of somebody's, as columns."""
    env = gym.make("rewardwrap/TransChain-v0", **POOL)
    rows, seen = [], [env.reset(seed=seed)[0]]
    while not rows or not (rows[-1][2] or rows[-1][3]):
        action = act(seen[-1])
        obs, *rest = env.step(action)
        seen.append(obs)
        rows.append((action, *rest[:3]))
    names = ("action", "reward", "terminated", "truncated")
    return {
        "obs": np.array(seen),
        **dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True)),
    }


store = [translated(word_for_word, seed) for seed in range(300)]
graded = rw.Exemplar(store, scale=0.4)


def score(episodes: list) -> np.ndarray:
    """The grade, and how many words are right."""
    return graded(episodes) + 2.0 * np.array([e.reward.sum() for e in episodes])


env = rw.make_grouped(
    "rewardwrap/TransChain-v0", score, group=8, n_envs=16, seed=0, env_kwargs=POOL
)
model = PPO(
    "MlpPolicy", env, n_steps=128, batch_size=512, gamma=1.0, gae_lambda=1.0, learning_rate=2e-3,
    ent_coef=0.003, seed=0,
)  # fmt: skip
model.learn(STEPS)

theirs = np.mean([log["reward"].sum() for log in store[:200]])
agent = [translated(lambda obs: int(model.predict(obs)[0]), seed) for seed in range(200)]
mine = np.mean([log["reward"].sum() for log in agent])
print(
    f"right words: exemplar {theirs:.0%}, agent {mine:.0%}; {graded.missing} starts without an exemplar"
)
