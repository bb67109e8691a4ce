"""What an agent is worth after one short training."""

from __future__ import annotations

from rewardwrap.rewards.env import EnvReward
from rewardwrap.training.brief import brief_return


def test_the_environment_is_made_as_it_was_asked_for() -> None:
    # a pole that falls pays -1 there, and 0 before
    told = {"sutton_barto_reward": True}
    assert brief_return("CartPole-v1", EnvReward(), 1, episodes=2, env_kwargs=told) == -1.0
