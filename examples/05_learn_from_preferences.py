"""From answers to a trained agent: nobody writes the reward, somebody says which of two clips is better.

python examples/05_learn_from_preferences.py [STEPS]

The answers, every model and a journal are in ./preferences; run it again and it goes on from there.
"""

import sys

from stable_baselines3 import PPO

import rewardwrap as rw

STEPS = int(sys.argv[1]) if sys.argv[1:] else 100_000

start = min(16_384, STEPS // 2)
loop = rw.PreferenceLoop("preferences", queries=600, first=0.8, start=start, every=40_000)
env = rw.make("Pendulum-v1", loop.reward, n_envs=4, gamma=0.9, seed=0)
agent = PPO("MlpPolicy", env, gamma=0.9, n_steps=1024, learning_rate=1e-3, use_sde=True, seed=0)
agent.learn(STEPS, callback=loop)
print(f"{len(loop.answers)} answers, paid by model {loop.reward.version} in {loop.path}")
