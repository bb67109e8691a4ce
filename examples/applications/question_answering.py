"""Question answering: search, read, answer; every step is judged by principles, and the outcome decides.

python examples/applications/question_answering.py [STEPS]

Guessing is right once in three times. Paid for the outcome alone PPO settles there; paid for keeping the
principles alone it searches for ever. ReNorm lets no principle pay against the outcome.
"""

import sys

import gymnasium as gym
import torch
from stable_baselines3 import PPO

import rewardwrap as rw

# small networks: more threads only wait for each other
torch.set_num_threads(1)

STEPS = int(sys.argv[1]) if sys.argv[1:] else 20_000

grounded, ended = rw.Native("grounded"), rw.Native("ended")
looked = rw.Native("new_search").maximum(rw.Native("on_topic")).maximum(grounded)
step = rw.PrincipleProcess(
    {"looks for what is new": looked, "answers from what was read": grounded.maximum(1 - ended)}
)


def success(model: PPO, questions: int = 40) -> float:
    """Share of right answers, by the environment's own reward."""
    env, right = gym.make("rewardwrap/SearchQA-v0"), 0.0
    for seed in range(questions):
        obs, _ = env.reset(seed=seed)
        over = False
        while not over:
            obs, reward, terminated, truncated, _ = env.step(int(model.predict(obs)[0]))
            over, right = terminated or truncated, right + float(reward)
    return right / questions


for name, reward in {
    "outcome": rw.EnvReward(),
    "principles": 1.0 * step,
    "both": rw.ReNorm(step),
}.items():
    env = rw.make("rewardwrap/SearchQA-v0", reward, n_envs=8, gamma=1.0, seed=0, limit="end")
    model = PPO("MlpPolicy", env, n_steps=64, batch_size=128, gamma=1.0, ent_coef=0.01, seed=0)
    print(f"{name}: {success(model.learn(STEPS)):.0%} right answers")
