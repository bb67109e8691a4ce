"""A rally as an episode."""

from __future__ import annotations

import gymnasium as gym
import pytest

from rewardwrap_envs.first_point import FirstPoint


def test_the_first_point_ends_the_episode() -> None:
    env = FirstPoint(gym.make("FrozenLake-v1", is_slippery=False))
    env.reset(seed=0)
    ends = [env.step(action)[1:3] for action in (1, 1, 2, 1, 2, 2)]
    assert [bool(over) for _, over in ends] == [False] * 5 + [True]
    assert ends[-1][0] == 1


def test_a_reward_that_is_not_the_last_ends_it_too() -> None:
    env = FirstPoint(gym.make("CartPole-v1"))
    env.reset(seed=0)
    assert env.step(0)[2]


def test_pong_ends_with_one_point() -> None:
    pytest.importorskip("ale_py")
    import rewardwrap_envs

    recipe = rewardwrap_envs.find("ALE/Pong-ram-v5", ())
    assert recipe is not None
    env = FirstPoint(recipe.build(split="eval"))
    env.reset(seed=0)
    total, over = 0.0, False
    while not over:
        _, reward, terminated, truncated, _ = env.step(0)
        total, over = total + float(reward), terminated or truncated
    env.close()
    assert abs(total) == 1
