"""Customer service: answer from the handbook, and hand over what it does not hold.

python examples/applications/customer_service.py [STEPS]

A fifth of the questions stands in no document. A wrong answer costs the customer, a hand-over costs a
person's time: the outcome says so, and brevity counts among right ones alone (`rw.Concise`).
"""

import sys

import gymnasium as gym
import torch
from stable_baselines3 import PPO

import rewardwrap as rw

# small networks: more threads only wait for each other
torch.set_num_threads(1)

STEPS = int(sys.argv[1]) if sys.argv[1:] else 30_000
DESK = {"unanswerable": 0.2}


def sourced(episodes: list) -> list[bool]:
    """Right, and not by luck: the answer was read, or all four documents were looked at."""
    return [
        e.reward.sum() == 1 and bool(e.obs[-1][2] == 1 or e.info["grounded"][-1]) for e in episodes
    ]


score = rw.Concise(sourced, steps=(3, 12), difficulty="group")
env = rw.make_grouped("rewardwrap/SearchQA-v0", score, group=8, n_envs=16, seed=0, env_kwargs=DESK)
model = PPO(
    "MlpPolicy", env, n_steps=64, batch_size=256, gamma=1.0, gae_lambda=1.0, ent_coef=0.02, seed=0
)
model.learn(STEPS)

env, served, handed, steps = gym.make("rewardwrap/SearchQA-v0", **DESK), 0.0, 0, 0
for seed in range(100):
    obs, _ = env.reset(seed=seed)
    over = False
    while not over:
        action = int(model.predict(obs)[0])
        obs, reward, terminated, truncated, _ = env.step(action)
        over, served, steps = terminated or truncated, served + float(reward), steps + 1
    handed += action == 2
print(
    f"{served:.0f} of 100 customers served rightly in {steps / 100:.1f} steps, {handed} handed over"
)
