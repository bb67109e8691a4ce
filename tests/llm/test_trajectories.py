"""Episodes to judge by."""

from __future__ import annotations

import numpy as np

import rewardwrap as rw
import rewardwrap_envs
from rewardwrap.llm.ordering import order
from rewardwrap.llm.trajectories import collect


def test_more_skill_gives_more_true_return() -> None:
    pool = collect(rewardwrap_envs.recipe("Acrobot-v1"), seed=0)
    skill = np.array(pool.skill)
    means = [pool.true_returns[skill == s].mean() for s in sorted(set(pool.skill))]
    assert means[-1] > means[0] + 100
    assert len(pool.episodes) == 20


def test_the_same_seed_gives_the_same_episodes() -> None:
    recipe = rewardwrap_envs.recipe("Pendulum-v1")
    one, two = (collect(recipe, seed=3, episodes=1) for _ in range(2))
    for a, b in zip(one.episodes, two.episodes, strict=True):
        np.testing.assert_array_equal(a["obs"], b["obs"])


def test_episodes_are_what_relabel_reads_and_the_true_reward_orders_them() -> None:
    pool = collect(rewardwrap_envs.recipe("MountainCar-v0"), seed=0)
    paid = rw.relabel(rw.EnvReward(), list(pool.episodes))
    returns = np.array([column.sum() for column in paid])
    assert order(returns, pool.true_returns).share == 1.0


def test_without_a_controller_there_are_random_episodes_only() -> None:
    pool = collect(rewardwrap_envs.recipe("Hopper-v5"), seed=0, episodes=2)
    assert set(pool.skill) == {0.0}
    assert "random" in pool.source
    assert "x_position" in pool.episodes[0]["info"]
