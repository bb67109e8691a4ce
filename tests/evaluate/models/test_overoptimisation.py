"""Best-of-n by order statistics, its KL, and the curve's fit."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewardwrap import evaluate as ev
from rewardwrap.statistics import ScoresError

pools = st.lists(st.tuples(st.integers(0, 4), st.integers(-5, 5)), min_size=1, max_size=8)


@settings(max_examples=50)
@given(pools)
def test_best_of_n_is_the_mean_over_all_subsets(rows: list[tuple[int, int]]) -> None:
    proxy, gold = np.array(rows, dtype=float).T
    for n in range(1, proxy.size + 1):
        chosen = []
        for subset in combinations(range(proxy.size), n):
            picked = list(subset)
            top = proxy[picked] == proxy[picked].max()
            chosen.append(gold[picked][top].mean())
        assert ev.best_of_n(proxy, gold, n) == pytest.approx(np.mean(chosen), abs=1e-9)


def test_one_candidate_is_the_mean_and_all_are_the_best() -> None:
    proxy, gold = np.array([3.0, 1.0, 2.0]), np.array([7.0, 1.0, 4.0])
    assert ev.best_of_n(proxy, gold, 1) == pytest.approx(4.0)
    assert ev.best_of_n(proxy, gold, 3) == pytest.approx(7.0)


def test_the_kl_is_that_of_the_distribution_it_makes() -> None:
    # density of the maximum of n uniforms: n u^(n-1)
    u = (np.arange(200_000) + 0.5) / 200_000
    for n in (1, 2, 16):
        density = n * u ** (n - 1)
        kl = float(np.mean(density * np.log(density)))
        assert ev.best_of_n_kl(n) == pytest.approx(kl, abs=1e-4)


def test_a_proxy_that_is_wrong_far_out_is_over_optimised() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 2000))
    proxy, gold = x, x - 0.5 * np.maximum(0, x - 0.5) ** 2 * 4
    found = ev.best_of_curve(proxy, gold)
    assert (np.diff(found.proxy) > 0).all()
    assert 0 < found.gold.argmax() < len(found.n) - 1
    assert found.lost > 0.5
    assert ev.best_of_curve(proxy, proxy).lost == 0


def test_the_fit_recovers_the_law_it_is_for() -> None:
    n = 2 ** np.arange(8)
    d = np.sqrt(ev.best_of_n_kl(n))
    curve = ev.BestOfCurve(n, ev.best_of_n_kl(n), d, 3.0 + d * (2.0 - 0.8 * d))
    assert curve.fit() == pytest.approx((2.0, 0.8, 1.25))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: ev.best_of_n([1.0], [1.0], 2), "n must lie in \\[1, 1\\]"),
        (lambda: ev.best_of_n([1.0, np.nan], [1.0, 1.0], 1), "scores must be finite, got nan"),
        (lambda: ev.best_of_n([1.0], [1.0, 2.0], 1), "one number for each candidate"),
        (lambda: ev.best_of_curve([[1.0], [2.0]], [1.0]), "alike"),
        (
            lambda: ev.best_of_curve([1.0, 2.0], [1.0, 2.0], n=[1, 2]).fit(),
            "must hold 1 and two more",
        ),
    ],
)
def test_bad_input_is_refused(call, sentence: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ScoresError, match=sentence):
        call()
