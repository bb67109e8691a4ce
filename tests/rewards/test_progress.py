from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.testing import check_reward

routes = st.lists(st.floats(-10, 100), min_size=1, max_size=12)


def test_only_new_ground_pays(log, play):
    episode = log([2, 1, 2, 5])
    assert rw.relabel(rw.Progress(rw.EnvReward()), episode).tolist() == [2, 0, 0, 3]
    assert play(rw.Progress(rw.EnvReward()), [episode] * 2)[1].tolist() == [2, 0, 0, 3]


def test_the_plain_difference_pays_and_charges_for_every_move(log):
    paid = rw.relabel(rw.Progress(rw.EnvReward(), record=False), log([2, 1, 2, 5]))
    assert paid.tolist() == [2, -1, 1, 3]


@given(route=routes)
def test_an_episode_pays_its_furthest_or_its_last_point(log, route):
    record, plain = rw.Progress(rw.EnvReward()), rw.Progress(rw.EnvReward(), record=False)
    assert rw.relabel(record, log(route)).sum() == pytest.approx(max(0, *route), abs=1e-9)
    assert rw.relabel(plain, log(route)).sum() == pytest.approx(route[-1], abs=1e-9)
    assert (rw.relabel(record, log(route)) >= 0).all()


@given(gain=st.lists(st.floats(0, 10), min_size=1, max_size=12))
def test_both_forms_agree_on_a_route_that_never_falls(log, gain):
    route = log(np.cumsum(gain))
    one, other = (rw.relabel(rw.Progress(rw.EnvReward(), record=r), route) for r in (True, False))
    np.testing.assert_array_equal(one, other)


def test_going_to_and_fro_is_not_paid_twice_unlike_by_the_clipped_difference(log):
    fro = log([1, 0] * 50)
    assert rw.relabel(rw.Progress(rw.EnvReward()), fro).sum() == 1
    clipped = rw.Progress(rw.EnvReward(), record=False).clip(low=0)
    assert rw.relabel(clipped, fro).sum() == 50


def test_it_starts_where_it_is_told(log):
    paid = rw.relabel(rw.Progress(rw.EnvReward(), start_at=4.0), log([5, 7]))
    assert paid.tolist() == [1, 2]


def test_a_start_that_is_no_number_is_refused():
    with pytest.raises(rw.ConfigError, match="Progress: start_at must be a finite number"):
        rw.Progress(rw.EnvReward(), start_at=float("nan"))


@pytest.mark.parametrize("record", [True, False])
def test_it_keeps_the_contract(record):
    assert check_reward(rw.Progress(rw.EnvReward(), record=record)) == ()
