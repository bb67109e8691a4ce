"""A reward is taught by one training: equal seeds give equal runs, or a sentence says why not."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

import rewardwrap as rw

MAKERS = {
    "normalize": lambda: rw.EnvReward().normalize(),
    "gaussian": lambda: rw.Gaussian(rw.EnvReward(), sigma=1.0),
    "inside": lambda: 2.0 * rw.EnvReward().normalize().named("scaled") + rw.Constant(1.0),
}


def paid(venv: VecEnv, steps: int = 30) -> list[float]:
    venv.reset()
    return [float(venv.step([np.ones(1)])[1][0]) for _ in range(steps)]


def pendulum(reward: Any, **options: Any) -> VecEnv:
    return rw.make("Pendulum-v1", reward, seed=0, **options)


@pytest.mark.parametrize("name", MAKERS)
def test_a_fresh_copy_gives_the_same_run_at_the_same_seed(name: str) -> None:
    reward = MAKERS[name]()
    first = paid(pendulum(reward.fresh()))
    assert paid(pendulum(reward.fresh())) == first == paid(pendulum(MAKERS[name]()))


@pytest.mark.parametrize("name", MAKERS)
def test_a_second_training_with_a_used_reward_is_refused(name: str) -> None:
    reward = MAKERS[name]()
    paid(pendulum(reward))
    with pytest.raises(rw.StackError, match=r"reward\.fresh\(\)"):
        pendulum(reward)
    with pytest.raises(rw.StackError, match=r"reward\.fresh\(\)"):
        rw.wrap(gym.make("Pendulum-v1"), reward)
    with pytest.raises(rw.StackError, match=r"reward\.fresh\(\)"):
        rw.wrap(gym.make_vec("Pendulum-v1", 2), reward)
    # evaluation shares what was learned and adds nothing
    before = reward.state_dict()
    paid(pendulum(reward, training=False))
    for key, array in reward.state_dict().items():
        np.testing.assert_array_equal(array, before[key])


def test_an_evaluation_env_that_would_teach_is_refused_when_it_begins() -> None:
    reward = rw.EnvReward().normalize()
    train, evaluation = pendulum(reward), pendulum(reward)
    paid(train)
    with pytest.raises(rw.StackError, match="training=False"):
        evaluation.reset()


def test_rewards_that_never_learn_are_used_by_as_many_as_like() -> None:
    reward = rw.EnvReward() + rw.Potential({"pole_cos": 1.0}, gamma=0.9).named("up")
    assert paid(pendulum(reward)) == paid(pendulum(reward))


def test_lanes_that_share_one_reward_are_one_training() -> None:
    reward = rw.EnvReward().normalize()
    lanes = [lambda: rw.wrap(gym.make("Pendulum-v1", max_episode_steps=5), reward)] * 3
    venv = DummyVecEnv(lanes)
    venv.reset()
    for _ in range(12):
        venv.step(np.ones((3, 1)))


def test_knowledge_that_is_loaded_on_purpose_is_no_use() -> None:
    old = rw.EnvReward().normalize()
    paid(pendulum(old))
    new = old.fresh()
    venv = pendulum(new)
    new.load_state_dict(old.state_dict())
    paid(venv)


def test_fresh_keeps_parts_that_never_learn_and_nodes_that_are_shared() -> None:
    phi = rw.Potential({"pole_cos": 1.0})
    scaled = rw.EnvReward().normalize()
    made = (scaled.named("a") + phi.named("p") + (scaled * scaled).named("b")).fresh()
    assert next(n for n in made.walk() if isinstance(n, rw.Potential)) is phi
    assert len({id(n) for n in made.walk() if isinstance(n, rw.Normalize)}) == 1
    assert phi.fresh() is phi
