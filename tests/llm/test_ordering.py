"""Trajectory order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.llm.ordering import order

RETURNS = st.lists(st.floats(-100, 100), min_size=3, max_size=12)


@given(true=RETURNS)
def test_the_true_return_orders_itself_and_its_negative_not_at_all(true: list[float]) -> None:
    column = np.array(true)
    found = order(column, column)
    if found.share is None:
        assert found.pairs == 0
    else:
        assert found.share == 1.0
        assert order(-column, column).share == 0.0


@given(true=RETURNS, scale=st.floats(0.1, 10), shift=st.floats(-10, 10))
def test_scale_and_shift_change_no_order(true: list[float], scale: float, shift: float) -> None:
    column = np.array(true)
    shaped = np.random.default_rng(0).integers(0, 50, len(true)).astype(float)
    moved = np.round(scale * shaped + shift, 9)
    assert order(moved, column).share == order(shaped, column).share


def test_ties_count_half() -> None:
    assert order(np.zeros(3), np.array([0.0, 1.0, 2.0])).share == 0.5


def test_without_a_difference_nothing_is_judged() -> None:
    found = order(np.array([1.0, 2.0]), np.array([-500.0, -500.0]))
    assert found.share is None
    assert found.passes


def test_the_pair_furthest_out_of_order_is_named() -> None:
    true = np.arange(10.0)
    found = order(-true, true)
    assert found.worst == (9, 0)
    assert not found.passes


def test_three_episodes_reject_nothing() -> None:
    assert order(np.array([0.0, 9.0, 1.0]), np.array([10.0, 0.0, 5.0])).passes


def test_a_sensible_reward_is_rarely_refused_by_chance_and_a_senseless_one_often() -> None:
    rng, pools = np.random.default_rng(0), 400
    true = np.repeat(np.arange(5.0), 4) + 0.3 * rng.normal(size=(pools, 20))
    paid = true + 3.0 * rng.normal(size=true.shape)
    shares = [order(p, t).share for p, t in zip(paid, true, strict=True)]
    refused = [not order(p, t).passes for p, t in zip(paid, true, strict=True)]
    # 0.65 alone would refuse a third of them
    assert np.mean([share < 0.65 for share in shares]) > 0.25
    assert np.mean(refused) < 0.06
    backwards = [not order(-p, t).passes for p, t in zip(paid, true, strict=True)]
    assert np.mean(backwards) > 0.9
