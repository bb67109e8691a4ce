"""Shape Hopper with a potential, train PPO, and keep the true return in sight.

python examples/02_shape_a_mujoco_env.py --steps 100000
"""

import argparse

from stable_baselines3 import PPO

import rewardwrap as rw

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--steps", type=int, default=100_000)
steps = parser.parse_args().steps

# "torso_z" is a field of the recipe (`rewardwrap envs Hopper-v5` lists them all, with units)
reward = rw.EnvReward() + 0.5 * rw.Potential("torso_z", gamma=0.99).named("height")
venv = rw.make("Hopper-v5", reward, n_envs=8, seed=0)

# a few steps, and a sentence if the learner would be paid anything else
rw.check(venv, PPO)

model = PPO("MlpPolicy", venv, gamma=0.99, n_steps=256, seed=0, verbose=1)
model.learn(steps, callback=rw.LogTerms())

print(f"terms of the last step, one row per environment: {venv.term_names}")
print(venv.reward_terms.round(3))
