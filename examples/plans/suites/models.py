"""The model that the strategy ``learned`` of mujoco.yml pays: it learned from 500 answers about clips.

python examples/plans/suites/models.py HalfCheetah-v5

A preference loop trains PPO for 30,000 steps while a rule says which of two clips has the larger true
return. What it ends with is kept in runs/models/ENV; no seed of the comparison is used.
"""

import shutil
import sys
from pathlib import Path

from stable_baselines3 import PPO

import rewardwrap as rw

ENV, SEED = sys.argv[1], 99
HERE = Path("runs/models")

loop = rw.PreferenceLoop(HERE / "answers" / ENV, queries=500, start=8_192, every=8_192, seed=SEED)
env = rw.make(ENV, loop.reward, n_envs=8, gamma=0.99, seed=SEED)
agent = PPO("MlpPolicy", env, n_steps=256, batch_size=256, learning_rate=3e-4, seed=SEED)
agent.learn(30_000, callback=loop)
shutil.copytree(loop.path, HERE / ENV)
print(f"{ENV}: {len(loop.answers)} answers, model {loop.reward.version}")
