"""A reward of your own: one class, and every host, log and configuration file knows it.

python examples/04_write_your_own_reward.py
"""

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from rewardwrap.testing import check_reward


@rw.register("jerk")
class Jerk(rw.Reward):
    """``-weight * |a_t - a_{t-1}|^2``, 0 on an episode's first step.

    The carry is the last action of every lane. It dies with the episode: `first` says when.
    """

    weight: float = 1.0
    size: int = 3

    def init(self, lanes):
        return np.zeros((lanes, self.size))

    def step(self, carry, batch):
        change = np.square(batch.action - carry, dtype=np.float64).sum(axis=-1)
        return batch.action, -self.weight * np.where(batch.first, 0.0, change)


# the contract: lanes are independent, episodes forget, all hosts agree, ...
check_reward(Jerk(size=1))

env = rw.wrap(gym.make("Hopper-v5"), rw.EnvReward() + 0.01 * Jerk().named("jerk"))
env.reset(seed=0)
for _ in range(3):
    *_, info = env.step(env.action_space.sample())
    print(info["reward_terms"])

print(env.reward.to_config())
