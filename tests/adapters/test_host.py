"""What every host must know of a reward is said by its class, and one gate asks for it."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

import rewardwrap as rw


@rw.register("tests_host_own_potential")
class OwnPotential(rw.Potential):
    """A potential under a tag that nobody else knows."""


@rw.register("tests_host_reads_a_field")
class ReadsAField(rw.Reward):
    def __call__(self, batch):
        return batch.task.read("cart_position", batch.next_obs, batch.info)


def position(obs):
    return obs[:, 0]


READERS = {
    "a subclass of Potential": OwnPotential(position, gamma=0.99),
    "a function of next_obs": rw.function(lambda next_obs: next_obs[:, 0].astype(float)),
    "a reward that reads a field": ReadsAField(),
    "a field": rw.Field("cart_position"),
}


@pytest.mark.parametrize("reward", READERS.values(), ids=READERS)
def test_who_reads_observations_is_refused_above_a_normaliser(reward):
    below = VecNormalize(DummyVecEnv([lambda: gym.make("CartPole-v1")]))
    with pytest.raises(rw.StackError, match="environment's observations"):
        rw.wrap(below, rw.EnvReward() + reward)


def test_who_reads_none_is_welcome_above_a_normaliser():
    below = VecNormalize(DummyVecEnv([lambda: gym.make("CartPole-v1")]), norm_reward=False)
    effort = rw.function(lambda action: -np.asarray(action, float))
    venv = rw.wrap(below, rw.EnvReward() + effort)
    venv.reset()
    assert venv.step(np.array([1]))[1] == 0.0
