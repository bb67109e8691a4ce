from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.adapters.tasks import discount_of
from rewardwrap.testing import check_reward

rewards = st.lists(st.floats(-100, 100), min_size=1, max_size=25)
ends = st.sampled_from([(True, False), (False, True), (True, True)])


def test_pbim_and_grm_by_hand(log, play):
    pbim, grm = rw.EnvReward().safe(0.9), rw.EnvReward().safe(gamma=0.9, delay=1)
    episode = log([1, 2, 0.5])
    for reward, want in ((pbim, [1, 2, -3.4568]), (grm, [1, 0.8889, -2.2222])):
        np.testing.assert_allclose(rw.relabel(reward, episode), want, atol=5e-5)
        np.testing.assert_allclose(play(reward, [episode] * 2), [want] * 2, atol=5e-5)


@given(r=rewards, end=ends, delay=st.none() | st.integers(0, 8), gamma=st.floats(0.8, 1.0))
def test_the_discounted_sum_of_every_trajectory_is_zero(log, r, end, delay, gamma):
    paid = rw.relabel(
        rw.EnvReward().safe(gamma, delay), log(r, terminated=end[0], truncated=end[1])
    )
    discounts = gamma ** np.arange(len(r))
    assert abs(discounts @ paid) <= 1e-10 * (1 + discounts @ np.abs(r))


@given(r=rewards)
def test_what_is_never_taken_back_before_the_end_is_the_end(log, r):
    late = rw.relabel(rw.EnvReward().safe(0.9, delay=len(r)), log(r))
    np.testing.assert_allclose(late, rw.relabel(rw.EnvReward().safe(0.9), log(r)), atol=1e-8)
    assert not rw.relabel(rw.EnvReward().safe(0.9, delay=0), log(r)).any()


def test_nothing_is_owed_by_the_next_episode(log, play):
    paid = play(rw.EnvReward().safe(0.5), [log([1, 1]), log([3, 0])])
    assert [each.tolist() for each in paid] == [[1, -2], [3, -6]]


def test_a_cut_may_leave_it_to_the_value_behind_it(log):
    cut = log([1, 2, 0.5], terminated=False, truncated=True)
    kept = rw.Safe(rw.EnvReward(), gamma=0.9, on_truncation="bootstrap")
    assert rw.relabel(kept, cut).tolist() == [1, 2, 0.5]


def test_the_discount_is_the_runs_and_another_one_is_refused():
    reward = rw.EnvReward() + 0.1 * rw.Counts().safe()
    assert discount_of(reward, rw.Task(gamma=0.95)) == 0.95
    with pytest.raises(rw.ConfigError, match="Safe: gamma must be set"):
        rw.wrap(rw.make("CartPole-v1").venv, rw.EnvReward().safe())
    with pytest.raises(rw.GammaMismatch, match=r"got 0\.9, 0\.95"):
        rw.make("CartPole-v1", rw.EnvReward().safe(0.9), gamma=0.95)


def test_a_bill_of_more_than_a_thousandfold_warns_once_and_offers_the_other_form(log):
    long, short = log([1.0] * 100), log([1.0] * 5)
    reward = rw.EnvReward().safe(0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rw.relabel(reward, short)
        rw.relabel(rw.EnvReward().safe(0.9, 1), long)
    with pytest.warns(rw.RewardwrapWarning, match=r"got 3\.39e\+04 times.*delay=1"):
        rw.relabel(reward, long)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rw.relabel(reward, long)


def test_the_contract():
    assert check_reward(rw.EnvReward().safe(0.9)) == ()
    assert check_reward(rw.Counts().safe(0.9, 2)) == ()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"gamma": 0}, r"Safe: gamma must lie in \(0, 1\], got 0"),
        ({"gamma": 1.5}, r"Safe: gamma must lie in \(0, 1\], got 1.5"),
        ({"delay": -1}, "Safe: delay must be a whole number of at least 0, got -1"),
        ({"delay": 0.5}, "Safe: delay must be a whole number of at least 0, got 0.5"),
    ],
)
def test_bad_settings_are_a_sentence(fields, sentence):
    with pytest.raises(rw.ConfigError, match=sentence):
        rw.EnvReward().safe(**fields)
