"""What windows of episodes show."""

from __future__ import annotations

import numpy as np
import pytest

from rewardwrap.evaluate.audit import trends


def test_a_slope_is_the_change_over_the_window() -> None:
    found = trends.slope(np.arange(30.0))
    assert found.value == pytest.approx(29.0)
    assert found.low <= 29.0 <= found.high
    assert trends.slope(np.ones(30)).value == 0.0


def test_shaped_up_and_true_flat_is_a_parting(rng: np.random.Generator) -> None:
    shaped = np.linspace(0, 5, 60) + rng.normal(0, 0.3, 60)
    found = trends.parting(shaped, np.zeros(60), 1.0)
    assert found is not None
    assert found.why == "does not rise"
    falling = trends.parting(shaped, np.linspace(0, -5, 60), 1.0)
    assert falling is not None
    assert falling.why == "falls"


def test_both_up_is_none(rng: np.random.Generator) -> None:
    true = np.linspace(0, 5, 60) + rng.normal(0, 0.3, 60)
    assert trends.parting(true + 1.0, true, 1.0) is None
    assert trends.parting(true, true, 1.0) is None


def test_noise_without_trend_parts_in_less_than_one_of_a_hundred_windows(
    rng: np.random.Generator,
) -> None:
    found = [
        trends.parting(rng.normal(size=60), rng.normal(size=60), 1.0) is not None
        for _ in range(200)
    ]
    assert sum(found) <= 2


def test_too_few_episodes_say_nothing() -> None:
    assert trends.parting(np.arange(19.0), np.zeros(19), 1.0) is None
    assert trends.unsure(np.arange(19.0), np.arange(19.0)) is None


def test_ending_early_pays_under_a_cost_for_each_step(rng: np.random.Generator) -> None:
    length = np.linspace(60, 10, 60) + rng.integers(-3, 4, 60)
    ended = np.ones(60, bool)
    found = trends.early_end(length, -length, np.zeros(60), ended)
    assert found is not None
    assert found.with_shaped == pytest.approx(-1.0)
    assert trends.early_end(length, -length, -length, ended) is None
    assert trends.early_end(length, -length, -2 * length, ended) is None
    assert trends.early_end(length[::-1], -length[::-1], np.zeros(60), ended) is None


def test_shares_add_up_and_nothing_paid_is_no_share() -> None:
    sizes = np.array([[1.0, 3.0], [1.0, 3.0]])
    assert trends.shares(sizes).tolist() == [0.25, 0.75]
    assert trends.shares(np.zeros((2, 2))).tolist() == [0.0, 0.0]


def test_variance_shares_of_addends_add_up_to_one(rng: np.random.Generator) -> None:
    terms = rng.normal(size=(50, 3))
    assert trends.variance_share(terms, terms.sum(axis=1)).sum() == pytest.approx(1.0)


def test_a_term_that_grows_to_most_takes_over() -> None:
    sizes = np.tile([1.0, 9.0], (30, 1))
    returns = sizes + np.arange(30)[:, None]
    found = trends.takeover(sizes, returns, returns.sum(axis=1), np.array([0.9, 0.1]))
    assert found is not None
    assert (found.term, found.late) == (1, 0.9)
    assert trends.takeover(sizes, returns, returns.sum(axis=1), np.array([0.2, 0.8])) is None


def test_rising_disagreement_with_rising_pay_is_unsure(rng: np.random.Generator) -> None:
    pay = np.linspace(0, 5, 60) + rng.normal(0, 0.2, 60)
    found = trends.unsure(pay / 10, pay)
    assert found is not None
    assert found.rank > 0.9
    assert trends.unsure(rng.normal(size=60), pay) is None
    assert trends.unsure(np.full(60, np.nan), pay) is None


def test_a_robust_z_survives_a_constant_reference() -> None:
    reference = np.full(30, 2.0)
    assert trends.robust_z(np.array(2.0), reference) == 0.0
    assert trends.robust_z(np.array(3.0), reference) > 100.0
