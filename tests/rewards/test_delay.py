from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.testing import check_reward

rewards = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=15)
ends = st.sampled_from([(True, False), (False, True), (True, True)])


def test_a_delay_of_two_pays_every_second_step_and_flushes_at_the_end(log, play):
    delayed = rw.Delay(rw.EnvReward(), steps=2)
    assert rw.relabel(delayed, log([1, 2, 3])).tolist() == [0, 3, 3]
    assert play(delayed, log([1, 2, 3]))[0].tolist() == [0, 3, 3]


def test_the_episode_sum_comes_on_the_last_step(log, play):
    assert rw.relabel(rw.EpisodeSum(rw.EnvReward()), log([1, 2, 3])).tolist() == [0, 0, 6]
    assert play(rw.EpisodeSum(rw.EnvReward()), log([1, 2, 3]))[0].tolist() == [0, 0, 6]


@given(r=rewards, steps=st.integers(1, 6), end=ends)
def test_the_sum_of_an_episode_is_kept(log, play, r, steps, end):
    episode = log(r, terminated=end[0], truncated=end[1])
    for reward in (rw.Delay(rw.EnvReward(), steps), rw.EpisodeSum(rw.EnvReward())):
        paid = rw.relabel(reward, episode)
        assert paid.sum() == pytest.approx(np.sum(r), abs=1e-9)
        np.testing.assert_allclose(play(reward, [episode] * 2), [paid] * 2, atol=1e-9)


def test_a_cut_that_is_no_end_keeps_what_is_held_back(log, play):
    cut = log([1, 2, 3], terminated=False, truncated=True)
    pays = {
        rw.Delay(rw.EnvReward(), 2, on_truncation="bootstrap"): [0, 3, 0],
        rw.EpisodeSum(rw.EnvReward(), on_truncation="bootstrap"): [0, 0, 0],
        rw.Sparsify(rw.EnvReward(), last=True, on_truncation="bootstrap"): [0, 0, 0],
    }
    for reward, want in pays.items():
        assert rw.relabel(reward, cut).tolist() == want
        assert [paid.tolist() for paid in play(reward, [cut] * 2)] == [want] * 2
        assert rw.relabel(reward, cut, limit="end").sum() in (6, 3)


@given(r=rewards)
def test_a_delay_of_one_is_the_identity(log, r):
    assert rw.relabel(rw.Delay(rw.EnvReward(), steps=1), log(r)).tolist() == r


def test_a_cut_log_keeps_what_is_held_back(log):
    part = log([1, 2, 3], terminated=False)
    assert rw.relabel(rw.Delay(rw.EnvReward(), steps=2), part).tolist() == [0, 3, 0]
    assert rw.relabel(rw.EpisodeSum(rw.EnvReward()), part).tolist() == [0, 0, 0]


def test_the_count_starts_anew_with_each_episode(log, play):
    paid = play(rw.Delay(rw.EnvReward(), steps=2), [log([1, 2, 3]), log([4, 5, 6, 7])])
    assert [p.tolist() for p in paid] == [[0, 3, 3], [0, 9, 0, 13]]


def test_sparsify_keeps_what_reaches_the_threshold(log, play):
    reward = rw.Sparsify(rw.EnvReward(), 2)
    assert rw.relabel(reward, log([1, 2, 3, -5])).tolist() == [0, 2, 3, 0]
    assert play(reward, log([1, 2, 3, -5]))[0].tolist() == [0, 2, 3, 0]


@pytest.mark.parametrize("end", [(True, False), (False, True)])
def test_sparsify_may_keep_the_last_step_alone(log, play, end):
    episode = log([5, 2, 3], terminated=end[0], truncated=end[1])
    reward = rw.Sparsify(rw.EnvReward(), last=True)
    assert rw.relabel(reward, episode).tolist() == [0, 0, 3]
    assert play(reward, episode)[0].tolist() == [0, 0, 3]
    assert rw.relabel(rw.Sparsify(rw.EnvReward(), 4, last=True), episode).tolist() == [0, 0, 0]


def test_sparsify_steps_a_base_that_remembers(log, play):
    reward = rw.Sparsify(rw.Delay(rw.EnvReward(), steps=2), 4)
    assert play(reward, log([1, 2, 3, 4]))[0].tolist() == [0, 0, 0, 7]


def test_sparsify_hides_no_nan(log):
    with pytest.raises(rw.RewardValueError, match="must be finite"):
        rw.relabel(rw.Sparsify(rw.function(lambda obs: obs[:, 0] / np.nan), 1), log([1, 2]))


def test_a_delayed_cart_pole_pays_its_length_at_the_end():
    env = rw.wrap(gym.make("CartPole-v1"), rw.EpisodeSum(rw.EnvReward()))
    env.reset(seed=0)
    paid, ended = [], False
    while not ended:
        _, value, terminated, truncated, info = env.step(0)
        ended = terminated or truncated
        paid.append(value)
    assert paid == [0.0] * (len(paid) - 1) + [len(paid)]
    assert info["episode_terms"]["shaped"] == info["episode_terms"]["env"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: rw.Delay(rw.EnvReward(), 0), "Delay: steps must be a whole number of at least 1"),
        (lambda: rw.Delay(rw.EnvReward(), True), "Delay: steps must be a whole number"),
        (
            lambda: rw.EpisodeSum(rw.EnvReward(), on_truncation="x"),
            "EpisodeSum: on_truncation must",
        ),
        (lambda: rw.Sparsify(rw.EnvReward()), "Sparsify: threshold must be set"),
        (lambda: rw.Sparsify(rw.EnvReward(), float("nan")), "Sparsify: threshold must be a finite"),
    ],
)
def test_bad_options_are_refused(wrong, said):
    with pytest.raises(rw.ConfigError, match=said):
        wrong()


@pytest.mark.parametrize(
    "reward",
    [
        rw.Delay(rw.EnvReward(), 3),
        rw.Delay(rw.EnvReward(), 2, on_truncation="bootstrap"),
        rw.EpisodeSum(rw.EnvReward()),
        rw.EpisodeSum(rw.EnvReward(), on_truncation="bootstrap"),
        rw.Sparsify(rw.EnvReward(), 0.2),
        rw.Sparsify(rw.EpisodeSum(rw.EnvReward()), last=True),
    ],
)
def test_they_keep_the_contract(reward):
    assert check_reward(reward) == ()
