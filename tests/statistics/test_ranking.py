"""Rank correlations, AUC and errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rewardwrap import evaluate as ev
from rewardwrap.statistics import ScoresError


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=40))
def test_rank_correlations_are_those_of_scipy(rows: list[tuple[int, int]]) -> None:
    x, y = np.array(rows, dtype=float).T
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return
    assert ev.spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert ev.kendall(x, y) == pytest.approx(stats.kendalltau(x, y).statistic)


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=40))
def test_auc_is_the_share_of_pairs_ordered_rightly(rows: list[tuple[int, bool]]) -> None:
    score, outcome = np.array([s for s, _ in rows]), np.array([float(o) for _, o in rows])
    ones, zeros = score[outcome == 1], score[outcome == 0]
    if ones.size and zeros.size:
        share = np.mean(0.5 + 0.5 * np.sign(ones[:, None] - zeros[None, :]))
        assert ev.auc(score, outcome) == pytest.approx(share)


def test_r2_and_mae() -> None:
    assert ev.r2([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == 1
    assert ev.r2([2.0, 2.0, 2.0], [1.0, 2.0, 3.0]) == 0
    assert ev.r2([3.0, 2.0, 1.0], [1.0, 2.0, 3.0]) < 0
    assert ev.mae([1.0, 4.0], [2.0, 2.0]) == 1.5


def test_a_model_can_rank_policies_and_know_nothing_within_one() -> None:
    rng = np.random.default_rng(0)
    policy = np.repeat(np.arange(5), 200)
    true = policy * 10 + rng.normal(size=1000)
    score = policy * 10 + rng.normal(size=1000)
    for statistic in ("spearman", "kendall"):
        found = ev.rank_by_policy(score, true, policy, statistic=statistic)
        assert found.across == pytest.approx(1.0)
        assert found.within is not None
        assert abs(found.within) < 0.1
        assert found.pooled > 0.75
        assert list(found.by_policy) == [0, 1, 2, 3, 4]


def test_a_policy_without_variation_is_left_out_and_said() -> None:
    found = ev.rank_by_policy([1, 2, 3, 4], [1, 2, 5, 5], ["a", "a", "b", "b"])
    assert found.by_policy == {"a": pytest.approx(1.0), "b": None}
    assert found.within == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: ev.spearman([1, 1, 1], [1, 2, 3]), "values must vary to be ranked, got 1"),
        (lambda: ev.kendall([1], [1]), "at least 2"),
        (lambda: ev.spearman([1, np.inf], [1, 2]), "values must be finite, got inf"),
        (lambda: ev.auc([1, 2], [1, 1]), "must hold both 0 and 1, got only 1"),
        (lambda: ev.auc([1, 2], [0, 0.5]), "outcome must be 0 or 1, got 0.5"),
        (lambda: ev.r2([1, 2], [3, 3]), "true must vary for r2"),
        (lambda: ev.rank_by_policy([1, 2], [1, 2], ["a"]), "policy must name one for each"),
        (lambda: ev.rank_by_policy([1, 2], [1, 2], [0, 0], statistic="x"), 'must be "spearman"'),
    ],
)
def test_bad_input_is_refused(call, sentence: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ScoresError, match=sentence):
        call()
