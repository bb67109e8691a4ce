"""Tests that count: Boschloo's, and the log-rank test over all ways to deal the runs."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from rewardwrap import statistics as rs


def test_boschloo_known_values_and_never_weaker_than_fisher() -> None:
    assert rs.boschloo((10, 4), (10, 10)).p == pytest.approx(0.0035, abs=5e-5)
    for k, j in product(range(6), repeat=2):
        bosch, fish = rs.boschloo((k, j), (5, 5)), rs.fisher((k, j), (5, 5))
        assert bosch.p <= fish.p + 1e-6
        assert (bosch.value, bosch.low, bosch.high) == (fish.value, fish.low, fish.high)


@pytest.mark.parametrize("runs", [3, 5])
def test_boschloo_keeps_its_level_at_every_rate(runs: int) -> None:
    rates = np.linspace(0.01, 0.99, 99)
    chance = stats.binom.pmf(np.arange(runs + 1)[:, None], runs, rates)
    wrong = np.zeros(rates.size)
    for k, j in product(range(runs + 1), repeat=2):
        if rs.boschloo((k, j), (runs, runs)).p < 0.05:
            wrong += chance[k] * chance[j]
    assert wrong.max() <= 0.05


def test_the_log_rank_excess_is_observed_less_expected() -> None:
    # by hand: at 1 one of 4, at 2 one of 3, at 4 one of 1
    found = rs.logrank(([1, 3], [True, False]), ([2, 4], [True, True]))
    assert found.excess == pytest.approx(1 - (2 / 4 + 1 / 3))
    theirs = stats.logrank(
        stats.CensoredData.right_censored([1, 3], [False, True]), stats.CensoredData([2, 4])
    )
    assert np.sign(found.excess) == -np.sign(-theirs.statistic)


def test_the_log_rank_p_value_counts_all_ways_to_deal() -> None:
    fast, slow = ([1, 2, 3], [True] * 3), ([7, 8, 9], [True] * 3)
    found = rs.logrank(fast, slow)
    assert (found.p, found.method) == (pytest.approx(2 / math.comb(6, 3)), "exact")
    assert rs.logrank(slow, fast).p == found.p
    assert rs.logrank(slow, fast).excess == pytest.approx(-found.excess)


def test_runs_that_all_arrive_at_once_differ_by_whether_alone() -> None:
    x, y = ([4] * 5, [True] * 5), ([4, 9, 9, 9, 9], [True] + [False] * 4)
    assert rs.logrank(x, y).p == pytest.approx(rs.fisher((5, 1), (5, 5)).p)


def test_nobody_who_arrives_tells_nothing() -> None:
    found = rs.logrank(([9, 9], [False] * 2), ([9, 9, 9], [False] * 3))
    assert (found.excess, found.p) == (0.0, 1.0)


def test_many_runs_are_dealt_by_chance_to_the_same_answer() -> None:
    rng = np.random.default_rng(0)
    x, y = ((rng.geometric(rate, 8), [True] * 8) for rate in (0.2, 0.1))
    exact, drawn = rs.logrank(x, y), rs.logrank(x, y, ways=1)
    assert drawn.method == "sampled"
    assert drawn.excess == exact.excess
    assert drawn.p == pytest.approx(exact.p, abs=0.02)


def test_an_interval_is_cut_at_what_a_score_can_be() -> None:
    assert rs.recommended_interval([10.0, 37.8], bounds=(0.0, None)).low == 0.0
    assert list(rs.recommended_interval([0.1, 0.9], bounds=(0.0, 1.0))) == [0.0, 1.0]
    inside = rs.recommended_interval([0.4, 0.5, 0.6])
    assert list(rs.recommended_interval([0.4, 0.5, 0.6], bounds=(0.0, 1.0))) == list(inside)


@pytest.mark.parametrize("runs", [2, 5])
def test_a_cut_interval_covers_as_often_as_the_whole_one(runs: int) -> None:
    draws = np.random.default_rng(3).beta(0.5, 2.0, size=(300, runs))
    whole = [rs.recommended_interval(row) for row in draws]
    cut = [rs.recommended_interval(row, bounds=(0.0, 1.0)) for row in draws]
    holds = [[i.low <= 0.2 <= i.high for i in found] for found in (whole, cut)]
    assert holds[0] == holds[1]
