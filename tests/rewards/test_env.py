from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.testing import check_reward


def test_the_env_reward_is_what_the_environment_pays(log, play):
    assert rw.relabel(rw.EnvReward(), log([1, 3])).tolist() == [1, 3]
    assert play(rw.EnvReward(), log([1, 3]))[0].tolist() == [1, 3]


def test_a_constant_pays_the_same_on_every_step(log, play):
    assert rw.relabel(rw.Constant(-0.1), log([1, 3])).tolist() == [-0.1, -0.1]
    assert play(rw.Constant(-0.1), log([1, 3]))[0].tolist() == [-0.1, -0.1]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "much", None])
def test_a_constant_must_be_a_finite_number(value):
    with pytest.raises(rw.ConfigError, match="Constant: value must be a finite number, got"):
        rw.Constant(value)


def test_a_function_takes_the_columns_it_names(log, play):
    effort = rw.function(lambda action, next_obs: next_obs[:, 0] - 0.5 * action)
    episode = log([0, 0], action=[1, 0])
    assert rw.relabel(effort, episode).tolist() == [0.5, 2.0]
    assert play(effort, episode)[0].tolist() == [0.5, 2.0]


def test_a_function_of_one_other_name_takes_the_whole_batch(log):
    assert rw.relabel(rw.function(lambda batch: 2 * batch.reward), log([1, 3])).tolist() == [2, 6]


def test_a_function_may_read_info_and_how_the_episode_ends(log, play):
    ends = rw.function(lambda info, terminated: info["fuel"] * terminated)
    episode = log([0, 0], fuel=[5, 3])
    assert rw.relabel(ends, episode).tolist() == [0, 3]
    assert play(ends, episode)[0].tolist() == [0, 3]


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (lambda obs: obs.repeat(3, axis=-1), r"got \(5, 3\) from a batch of 5"),
        (lambda obs: obs[:, :0], r"got \(5, 0\)"),
        (lambda obs: np.array([None, None]), "got objects. It must return numbers"),
    ],
)
def test_a_function_must_return_one_number_per_lane(log, f, said):
    with pytest.raises(rw.RewardValueError, match=said):
        rw.relabel(rw.function(f), log([0, 0]))


def test_a_function_that_asks_for_something_else_is_refused():
    with pytest.raises(rw.ConfigError, match=r"must take columns .* got \(obs, speed\)"):
        rw.function(lambda obs, speed: obs)
    with pytest.raises(rw.ConfigError, match="function must be callable, got int"):
        rw.function(3)
    with pytest.raises(rw.ConfigError, match='must be an importable "module:function"'):
        rw.function("nowhere:f")


def test_a_lambda_trains_but_cannot_be_written_down():
    reward = rw.EnvReward() + rw.function(lambda reward: -reward).named("minus")
    env = rw.wrap(gym.make("CartPole-v1"), reward)
    env.reset(seed=0)
    _, paid, _, _, info = env.step(0)
    assert (paid, info["reward_terms"]["minus"]) == (0.0, -1.0)
    with pytest.raises(rw.ConfigError, match='name it "module:function"'):
        reward.to_config()


def test_a_named_function_comes_back_from_its_configuration(log):
    config = {"function": {"function": "rewardwrap.testing.examples:effort"}}
    reward = rw.from_config(config)
    assert reward.to_config() == config
    episode = log([0, 0], action=[[1.0, 2.0], [0.0, 1.0]])
    assert rw.relabel(reward, episode).tolist() == [-5, -1]


@pytest.mark.parametrize("reward", [rw.EnvReward(), rw.Constant(2.0)])
def test_they_keep_the_contract(reward):
    assert check_reward(reward) == ()
