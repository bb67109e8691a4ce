from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rewardwrap import statistics as rs
from rewardwrap.statistics import ScoresError

floats = st.floats(-1e6, 1e6, allow_nan=False)
samples = st.lists(floats, min_size=2, max_size=12)


def test_iqm_is_the_mean_of_the_middle_half() -> None:
    assert rs.iqm([0, 1, 2, 3, 4, 5, 6, 100]) == pytest.approx(3.5)


@given(st.lists(floats, min_size=1, max_size=40))
def test_iqm_agrees_with_the_trimmed_mean_of_scipy(scores: list[float]) -> None:
    assert rs.iqm(scores) == pytest.approx(stats.trim_mean(scores, 0.25), abs=1e-6)


def test_median_and_mean_are_over_all_runs_and_tasks() -> None:
    scores = np.array([[0.0, 1.0], [2.0, 9.0]])
    assert (rs.mean(scores), rs.median(scores)) == (3.0, 1.5)


def test_optimality_gap_does_not_credit_what_is_beyond_the_target() -> None:
    assert rs.optimality_gap([0.0, 0.5, 7.0]) == pytest.approx(0.5)
    assert rs.optimality_gap([0.0, 4.0], gamma=2.0) == pytest.approx(1.0)


def test_performance_profile_is_strictly_above() -> None:
    shares = rs.performance_profile([0.0, 1.0, 1.0, 2.0], [-1.0, 0.0, 1.0, 2.0])
    assert shares.tolist() == [1.0, 0.75, 0.25, 0.0]


@given(samples)
def test_the_area_over_the_profile_is_the_mean(scores: list[float]) -> None:
    values = np.sort(np.array(scores))
    shares = rs.performance_profile(values, values[:-1])
    mean = values[0] + float(np.sum(shares * np.diff(values)))
    assert mean == pytest.approx(values.mean(), abs=1e-6)


def test_probability_of_improvement_is_the_mann_whitney_share() -> None:
    x, y = [3.0, 1.0, 2.0], [2.0, 0.0]
    share = stats.mannwhitneyu(x, y).statistic / 6
    assert rs.probability_of_improvement(x, y) == pytest.approx(share)
    assert rs.probability_of_improvement([1.0, 1.0], [1.0]) == 0.5


@given(samples, samples)
def test_beating_and_being_beaten_add_up_to_one(x: list[float], y: list[float]) -> None:
    there, back = rs.probability_of_improvement(x, y), rs.probability_of_improvement(y, x)
    assert there + back == pytest.approx(1.0)


def test_a_batch_of_matrices_gives_the_numbers_of_each() -> None:
    batch = np.random.default_rng(0).normal(size=(3, 5, 2))
    for fn in (rs.iqm, rs.mean, rs.median, rs.optimality_gap):
        np.testing.assert_allclose(fn(batch), [fn(matrix) for matrix in batch])


def test_the_bootstrap_of_the_mean_is_close_to_scipys() -> None:
    scores = np.random.default_rng(1).normal(size=30)
    ours = rs.bootstrap_interval(rs.mean, scores, resamples=20_000)
    theirs = stats.bootstrap(
        (scores,), np.mean, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    assert list(ours) == pytest.approx([theirs.low, theirs.high], abs=0.02)


def test_the_bootstrap_resamples_within_tasks() -> None:
    scores = np.array([[0.0, 10.0], [0.0, 10.0]])
    assert list(rs.bootstrap_interval(rs.mean, scores, resamples=200)) == [5.0, 5.0]


def test_a_statistic_that_takes_one_matrix_is_bootstrapped_too() -> None:
    scores = np.random.default_rng(1).normal(size=(6, 2))
    slow = rs.bootstrap_interval(lambda s: float(np.mean(s)), scores, resamples=500)
    assert list(slow) == pytest.approx(
        list(rs.bootstrap_interval(rs.mean, scores, resamples=500)), rel=1e-9
    )


def test_the_bootstrap_takes_two_samples() -> None:
    interval = rs.bootstrap_interval(
        rs.probability_of_improvement, [2.0, 3.0, 4.0], other=[0.0, 1.0], resamples=500
    )
    assert list(interval) == [1.0, 1.0]
    assert not interval.trusted


def test_50_000_resamples_of_the_iqm_take_less_than_a_second() -> None:
    scores = np.random.default_rng(0).normal(size=(10, 5))
    start = time.process_time()
    rs.bootstrap_interval(rs.iqm, scores, resamples=50_000)
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize("scores", [[], np.empty((0, 3)), [1.0, np.nan], [np.inf]])
def test_zero_runs_and_nan_are_named_errors(scores: object) -> None:
    for fn in (rs.iqm, rs.mean, rs.median, rs.optimality_gap):
        with pytest.raises(ScoresError, match="scores must be"):
            fn(scores)  # type: ignore[operator]


def test_other_tasks_cannot_be_compared() -> None:
    with pytest.raises(ScoresError, match="same tasks"):
        rs.probability_of_improvement(np.zeros((2, 3)), np.zeros((2, 2)))


def test_kaplan_meier_keeps_the_runs_that_never_arrive() -> None:
    survival = rs.kaplan_meier([10, 20, 30, 30], [True, True, False, False])
    assert survival.times.tolist() == [10, 20]
    assert survival.surviving.tolist() == [0.75, 0.5]
    assert survival.median == 20


def test_a_run_censored_early_leaves_the_risk_set() -> None:
    survival = rs.kaplan_meier([5, 10, 20], [False, True, True])
    assert survival.surviving.tolist() == [0.5, 0.0]


def test_the_median_is_unknown_when_fewer_than_half_arrive() -> None:
    assert rs.kaplan_meier([1, 9, 9], [True, False, False]).median is None
    assert rs.kaplan_meier([9, 9], [False, False]).surviving.size == 0


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_without_censoring_the_survival_curve_is_the_empirical_one(times: list[int]) -> None:
    survival = rs.kaplan_meier(times, [True] * len(times))
    shares = [np.mean(np.array(times) > t) for t in survival.times]
    np.testing.assert_allclose(survival.surviving, shares, atol=1e-12)


def test_the_area_is_taken_on_the_common_grid() -> None:
    assert rs.area_under_curve([0, 10], [0.0, 1.0], [0, 10]) == 0.5
    assert rs.area_under_curve([0, 10], [0.0, 1.0], [5, 10]) == 0.75
    assert rs.area_under_curve([0, 10], [0.0, 1.0], [5]) == 0.5


def test_welch_agrees_with_scipy_and_the_formula() -> None:
    x, y = np.array([1.0, 2.0, 4.0]), np.array([0.0, 0.5, 0.2, 0.1])
    found = rs.welch(x, y)
    assert found.value == pytest.approx(x.mean() - y.mean())
    assert found.p == pytest.approx(stats.ttest_ind(x, y, equal_var=False).pvalue)
    theirs = stats.ttest_ind(x, y, equal_var=False).confidence_interval()
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))


def test_welch_takes_a_strategy_without_spread_and_does_not_warn() -> None:
    found = rs.welch([-200.0, -200.0, -200.0], [-150.0, -120.0, -130.0])
    assert found.p == pytest.approx(stats.ttest_1samp([-150.0, -120.0, -130.0], -200).pvalue)


def test_welch_refuses_scores_without_any_spread() -> None:
    with pytest.raises(ScoresError, match="must spread"):
        rs.welch([1.0, 1.0], [2.0, 2.0])


def test_two_valued_scores_are_compared_by_fisher() -> None:
    found = rs.difference([5.0] * 10, [5.0] * 3 + [1.0] * 7)
    assert found.method == "fisher"
    assert found.value == pytest.approx(4 * 0.7)
    assert found.p == pytest.approx(stats.fisher_exact([[10, 0], [3, 7]]).pvalue)
    assert 0 < found.low < found.value < found.high <= 4.0


def test_equal_scores_do_not_differ() -> None:
    found = rs.difference([2.0, 2.0], [2.0, 2.0, 2.0])
    assert (found.value, found.p, found.method) == (0.0, 1.0, "identical")


@given(samples, samples)
def test_swapping_the_strategies_turns_the_difference_around(
    x: list[float], y: list[float]
) -> None:
    x, y = [round(v, 2) for v in x], [round(v, 2) for v in y]
    there, back = rs.difference(x, y), rs.difference(y, x)
    assert there.p == pytest.approx(back.p, abs=1e-9)
    assert there.low == pytest.approx(-back.high, rel=1e-6, abs=1e-6)


def test_pairs_are_the_shared_seeds() -> None:
    found = rs.paired_difference([5.0, 7.0, 99.0], [1.0, 2.0], seeds=([0, 1, 2], [1, 0]))
    assert found.value == pytest.approx(((5 - 2) + (7 - 1)) / 2)
    theirs = stats.ttest_rel([5.0, 7.0], [2.0, 1.0])
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.low == pytest.approx(theirs.confidence_interval().low)
    with pytest.raises(ScoresError, match="pair up"):
        rs.paired_difference([1.0, 2.0], [1.0, 2.0], seeds=([0, 1], [2, 3]))


def test_holm_known_values() -> None:
    np.testing.assert_allclose(rs.holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    assert rs.holm([]).size == 0
    with pytest.raises(ScoresError, match=r"\[0, 1\]"):
        rs.holm([0.5, math.nan])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_the_raw_value_and_bonferroni(p: list[float]) -> None:
    adjusted = rs.holm(p)
    assert np.all(adjusted >= p)
    assert np.all(adjusted <= np.minimum(1, len(p) * np.array(p)) + 1e-12)


def test_seeds_needed_known_value() -> None:
    x = np.array([-1.0, 1.0]) / math.sqrt(2)  # deviation 1
    assert rs.seeds_needed(x + 1, x) == 17, "d = 1 needs 17 at 80 % power"
    assert rs.seeds_needed(x, x) is None


def test_wilson_and_exact_known_values() -> None:
    assert list(rs.wilson_interval(9, 10)) == pytest.approx([0.5958, 0.9821], abs=1e-4)
    assert list(rs.exact_interval(9, 10)) == pytest.approx([0.5550, 0.9975], abs=1e-4)
    assert rs.exact_interval(0, 10).low == 0.0
    assert rs.exact_interval(10, 10).high == 1.0
    with pytest.raises(ScoresError):
        rs.exact_interval(3, 2)


@given(st.integers(1, 40), st.data())
def test_intervals_of_a_rate_hold_it(runs: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, runs))
    for fn in (rs.wilson_interval, rs.exact_interval):
        low, high = fn(successes, runs)
        assert 0 <= low <= successes / runs <= high <= 1


@pytest.mark.parametrize("runs", [3, 5, 10, 20])
def test_the_recommended_interval_of_a_success_rate_never_covers_under_93_percent(
    runs: int,
) -> None:
    rates = np.linspace(0.001, 0.999, 499)
    outcomes = [[1.0] * k + [0.0] * (runs - k) for k in range(runs + 1)]
    bounds = [rs.recommended_interval(o, values=(0.0, 1.0)) for o in outcomes]
    chances = stats.binom.pmf(np.arange(runs + 1)[:, None], runs, rates)
    holds = np.array([(b.low <= rates) & (rates <= b.high) for b in bounds])
    assert (chances * holds).sum(axis=0).min() >= 0.93


@pytest.mark.parametrize("runs", [5, 10])
def test_the_recommended_interval_of_gaussian_scores_covers_within_3_points(runs: int) -> None:
    draws = np.random.default_rng(7).normal(size=(4_000, runs))
    found = [rs.recommended_interval(row) for row in draws]
    assert np.mean([i.low <= 0 <= i.high for i in found]) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.9])
@pytest.mark.parametrize("noise", [0.02, 0.15])
@pytest.mark.parametrize("runs", [3, 5, 10, 20])
def test_bimodal_scores_are_covered_or_the_interval_is_not_trusted(
    runs: int, noise: float, share: float
) -> None:
    rng = np.random.default_rng(11)
    draws = (rng.random((600, runs)) < share) + rng.normal(0, noise, (600, runs))
    found = [rs.recommended_interval(row) for row in draws]
    assert np.mean([i.low <= share <= i.high or not i.trusted for i in found]) >= 0.9
    assert all(i.why for i in found if not i.trusted)


def test_two_modes_are_told_from_one() -> None:
    assert rs.two_modes([0.0, 0.01, 1.0, 1.02, 1.01]) == pytest.approx((0.005, 1.01, 3))
    assert rs.two_modes([0.0, 0.3, 0.5, 0.8, 1.0]) is None
    assert rs.two_modes([0.0, 1.0, 1.0]) is None, "too few to tell"


def test_two_modes_give_the_interval_of_their_shares() -> None:
    interval = rs.recommended_interval([0.0, 0.01, 1.0, 1.02, 1.01, 1.0, 0.99, 1.03, 1.0, 1.01])
    assert interval.method == "two modes"
    assert interval.trusted


def test_one_seed_bounds_nothing() -> None:
    interval = rs.recommended_interval([3.0])
    assert list(interval) == [-math.inf, math.inf]
    assert not interval.trusted
    assert "one seed" in interval.why
    assert rs.recommended_interval([]).why == "no seed finished"


def test_equal_scores_show_no_spread_and_are_not_trusted() -> None:
    interval = rs.recommended_interval([500.0] * 5)
    assert list(interval) == [500.0, 500.0]
    assert not interval.trusted


def test_equal_scores_of_known_outcomes_get_the_exact_interval() -> None:
    interval = rs.recommended_interval([0.0] * 10, values=(0.0, 1.0))
    assert list(interval) == pytest.approx([0.0, 0.3085], abs=1e-4)
    assert interval.trusted


def test_a_score_outside_the_known_outcomes_is_refused() -> None:
    with pytest.raises(ScoresError, match="one of 0 and 1"):
        rs.recommended_interval([0.0, 0.4], values=(0.0, 1.0))


def test_two_seeds_are_not_a_success_rate() -> None:
    assert rs.recommended_interval([-110.2, -90.1]).method == "student"


def test_differences_are_taken_within_tasks() -> None:
    rng = np.random.default_rng(3)
    levels = np.array([0.0, 100.0, -50.0])
    x, y = rng.normal(3, 1, (6, 3)) + levels, rng.normal(0, 1, (5, 3)) + levels
    found = rs.stratified_difference(x, y)
    assert found.value == pytest.approx((x.mean(axis=0) - y.mean(axis=0)).mean())
    assert found.p < 0.05, "the levels of the tasks are no noise"
    alone = rs.stratified_difference(x[:, :1], y[:, :1])
    theirs = rs.welch(x[:, 0], y[:, 0])
    assert (alone.value, alone.low, alone.p) == pytest.approx((theirs.value, theirs.low, theirs.p))


def test_tasks_without_spread_are_compared_by_counting() -> None:
    zeros, ones = np.zeros((4, 2)), np.ones((4, 2))
    assert rs.stratified_difference(zeros, zeros).p == 1.0
    found = rs.stratified_difference(ones, zeros)
    assert (found.value, found.method) == (1.0, "separated")
    assert found.p == pytest.approx(2 / math.comb(8, 4) ** 2)
    assert rs.stratified_difference(ones[:2, :1], zeros[:2, :1]).p == pytest.approx(1 / 3)


@pytest.mark.parametrize("x", [np.zeros((1, 2)), np.zeros(3), [[np.nan, 0.0], [0.0, 0.0]]])
def test_what_cannot_be_compared_within_tasks_is_refused(x: object) -> None:
    with pytest.raises(ScoresError, match="scores must"):
        rs.stratified_difference(x, np.zeros((3, 2)))  # type: ignore[arg-type]
    with pytest.raises(ScoresError, match="same tasks"):
        rs.stratified_difference(np.zeros((3, 1)), np.zeros((3, 2)))


@pytest.mark.parametrize("tasks", [1, 3, 8])
def test_the_stratified_interval_covers_what_it_promises_at_5_seeds(tasks: int) -> None:
    rng = np.random.default_rng(5)
    spreads = np.linspace(0.5, 3, tasks)
    holds = []
    for _ in range(1500):
        x, y = (rng.normal(0, spreads, (5, tasks)) for _ in range(2))
        found = rs.stratified_difference(x, y)
        holds.append(found.low <= 0 <= found.high)
    assert np.mean(holds) == pytest.approx(0.95, abs=0.025)
