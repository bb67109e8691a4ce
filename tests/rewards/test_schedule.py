from __future__ import annotations

import numpy as np
import pytest
from stable_baselines3 import PPO

import rewardwrap as rw
from rewardwrap.testing import check_reward


def test_the_weight_goes_along_a_line_and_then_stays(log):
    reward = rw.Schedule(rw.EnvReward(), 1.0, 0.5, over=4)
    assert rw.relabel(reward, log([8.0] * 6), training=True).tolist() == [8, 7, 6, 5, 4, 4]
    assert rw.relabel(reward, log([8.0] * 2)).tolist() == [4, 4]


def test_the_end_state_is_the_base_reward_bit_by_bit(log):
    base = rw.EnvReward()
    pies = base + rw.Schedule(rw.EnvReward() * -3.7, over=3)
    numbers = np.random.default_rng(0).normal(size=20)
    paid = rw.relabel(pies, log(numbers), training=True)
    assert paid[3:].tobytes() == numbers[3:].tobytes()
    assert (paid[:3] != numbers[:3]).all()


def test_an_evaluation_is_paid_by_the_weight_that_training_has_reached(log):
    reward = rw.Schedule(rw.EnvReward(), over=10)
    rw.relabel(reward, log([1.0] * 4), training=True)
    assert rw.relabel(reward, log([1.0] * 3)).tolist() == [pytest.approx(0.6)] * 3


def test_steps_of_all_lanes_count():
    reward = rw.Schedule(rw.EnvReward(), over=100)
    PPO("MlpPolicy", rw.make("CartPole-v1", reward, n_envs=4), n_steps=8, batch_size=32).learn(32)
    assert reward.steps == 32
    assert reward.weight == pytest.approx(0.68)


def test_terms_inside_it_are_weighted_with_it():
    reward = rw.EnvReward() + rw.Schedule(rw.Constant(2.0).named("alive"), 0.5, 0.5)
    env = rw.wrap(rw.make("CartPole-v1").venv, reward)
    env.reset()
    env.step(np.array([0]))
    terms = dict(zip(env.term_names, env.reward_terms[0].tolist(), strict=True))
    assert (terms["alive"], terms["shaped"]) == (1.0, 2.0)


def test_it_is_written_in_yaml_and_goes_on_where_it_was_saved(tmp_path, log):
    (tmp_path / "reward.yml").write_text(
        "reward:\n- env\n- schedule: {reward: {constant: 1.0}, start: 1, end: 0, over: 4}\n  name: hint\n"
    )
    reward = rw.read_reward(tmp_path / "reward.yml")
    assert rw.relabel(reward, log([0.0] * 2), training=True).tolist() == [1.0, 0.75]
    rw.save(reward, tmp_path / "saved")
    again = rw.load(tmp_path / "saved")
    assert rw.relabel(again, log([0.0] * 3), training=True).tolist() == [0.5, 0.25, 0.0]


def test_a_fresh_one_starts_anew(log):
    reward = rw.Schedule(rw.EnvReward(), over=2)
    rw.relabel(reward, log([1.0] * 5), training=True)
    assert (reward.weight, reward.fresh().weight) == (0.0, 1.0)


def test_the_contract():
    assert check_reward(rw.Schedule(rw.EnvReward(), over=5)) == ()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"start": np.inf}, "Schedule: start must be a finite number, got inf"),
        ({"over": 0}, "Schedule: over must be a whole number of at least 1, got 0"),
        ({"over": 2.5}, "Schedule: over must be a whole number of at least 1, got 2.5"),
    ],
)
def test_bad_settings_are_a_sentence(fields, sentence):
    with pytest.raises(rw.ConfigError, match=sentence):
        rw.Schedule(rw.EnvReward(), **fields)


def test_only_a_reward_can_be_weighted():
    with pytest.raises(rw.ConfigError, match="Schedule must be made of rewards, got int"):
        rw.Schedule(3)
