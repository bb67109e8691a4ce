"""Code generation: a query, token by token, that a database runs.

python examples/applications/code_generation.py [STEPS]

A random query is hardly ever right, so the outcome alone teaches nothing at first. `rw.Ladder` also pays how
far a parser gets and that the right columns are named, all below the outcome. Paid for running as well, PPO
ended on queries without a comparison, which run.
"""

import sys

import gymnasium as gym
import torch
from stable_baselines3 import PPO

import rewardwrap as rw

# small networks: more threads only wait for each other
torch.set_num_threads(1)

STEPS = int(sys.argv[1]) if sys.argv[1:] else 60_000
RUNGS = {"parses": ("parses", 4.0), "schema": ("schema", 2.0)}


def right(model: PPO, questions: int = 40) -> float:
    """Share of queries that find what was asked for."""
    env, total = gym.make("rewardwrap/QueryBuild-v0"), 0.0
    for seed in range(questions):
        obs, _ = env.reset(seed=seed)
        over = False
        while not over:
            obs, reward, terminated, truncated, _ = env.step(int(model.predict(obs)[0]))
            over, total = terminated or truncated, total + float(reward)
    return total / questions


for name, rungs in {"outcome": {}, "ladder": RUNGS}.items():
    score = rw.Ladder({"right": ("right", 3.0), **rungs})
    env = rw.make_grouped("rewardwrap/QueryBuild-v0", score, group=8, n_envs=16, seed=0)
    model = PPO(
        "MlpPolicy", env, n_steps=32, batch_size=256, gamma=1.0, gae_lambda=1.0, learning_rate=3e-3,
        ent_coef=0.02, seed=0,
    )  # fmt: skip
    print(f"{name}: {right(model.learn(STEPS)):.0%} of the queries right")
