from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.testing import check_reward

components = st.lists(st.floats(-1, 1), min_size=1, max_size=5)


def krc(log, values):
    return rw.relabel(rw.KRC([rw.Constant(v) for v in values]), log([0.0])).item()


@pytest.mark.parametrize(
    ("values", "want"),
    [
        ((0.5, 0.8, 0.9), 0.7114),
        ((0.5, -0.8, 0.9), -0.7114),
        ((-0.5, -0.8, 0.9), -0.7114),
        ((1.0, 1.0, 0.0), 0.0),
    ],
)
def test_worked_numbers(log, play, values, want):
    assert krc(log, values) == pytest.approx(want, abs=5e-5)
    reward = rw.KRC([rw.Constant(v) for v in values])
    assert play(reward, log([0.0]))[0].item() == pytest.approx(want, abs=5e-5)


@given(values=components)
def test_it_is_never_larger_than_the_largest_component(log, values):
    assert abs(krc(log, values)) <= max(map(abs, values)) + 1e-12


@given(values=components, order=st.randoms())
def test_the_order_of_components_does_not_matter(log, values, order):
    shuffled = order.sample(values, len(values))
    assert krc(log, shuffled) == pytest.approx(krc(log, values), abs=1e-12)


@given(value=st.floats(-1, 1), copies=st.integers(1, 6))
def test_copies_of_one_component_give_it_back(log, value, copies):
    assert krc(log, [value] * copies) == pytest.approx(value, rel=1e-9, abs=1e-300)


@given(values=components, at=st.integers(0, 4))
def test_one_bad_component_makes_it_negative_and_one_zero_silences_it(log, values, at):
    values[at % len(values)] = -0.5
    assert krc(log, values) <= 0
    assert (krc(log, values) < 0) == (0 not in values)
    values[at % len(values)] = 0.0
    paid = krc(log, values)
    assert (paid, np.signbit(paid)) == (0.0, False)


def test_two_negatives_do_not_cancel_as_in_a_product(log):
    both = [rw.Constant(-0.5), rw.Constant(-0.5)]
    assert rw.relabel(rw.KRC(both), log([0.0])).item() == pytest.approx(-0.5)
    assert rw.relabel(rw.Product(tuple(both)), log([0.0])).item() == 0.25


def test_components_are_needed_and_must_be_rewards():
    for wrong in ((), (1.0,)):
        with pytest.raises(rw.ConfigError, match="KRC must .*, got "):
            rw.KRC(wrong)


def test_it_keeps_the_contract():
    assert check_reward(rw.KRC([rw.EnvReward(), rw.EnvReward() + 0.5, rw.Constant(0.5)])) == ()
