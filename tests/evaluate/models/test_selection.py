"""Best of several, reciprocal rank, ties."""

from __future__ import annotations

import numpy as np
import pytest

from rewardwrap import evaluate as ev
from rewardwrap.statistics import ScoresError


@pytest.mark.parametrize(("candidates", "accuracy", "rank"), [(4, 0.25, 0.5208), (10, 0.1, 0.2929)])
def test_guessing_scores_what_is_stated(candidates: int, accuracy: float, rank: float) -> None:
    assert ev.random_accuracy(candidates) == accuracy
    assert ev.random_reciprocal_rank(candidates) == pytest.approx(rank, abs=5e-5)
    drawn = np.random.default_rng(0).normal(size=(40_000, candidates))
    assert ev.best_of_accuracy(drawn[:, 0], drawn[:, 1:]) == pytest.approx(accuracy, abs=0.008)
    assert ev.mean_reciprocal_rank(drawn[:, 0], drawn[:, 1:]) == pytest.approx(rank, abs=0.006)


@pytest.mark.parametrize("candidates", [2, 4, 10])
def test_a_constant_model_scores_exactly_what_guessing_does(candidates: int) -> None:
    right, wrong = np.zeros(3), np.zeros((3, candidates - 1))
    assert ev.best_of_accuracy(right, wrong) == pytest.approx(ev.random_accuracy(candidates))
    expected = ev.random_reciprocal_rank(candidates)
    assert ev.mean_reciprocal_rank(right, wrong) == pytest.approx(expected)


def test_ranks_by_hand() -> None:
    right, wrong = [1.0, 2.0, 0.0], [[0.0, 0.5], [3.0, 1.0], [1.0, 0.0]]
    assert ev.best_of_accuracy(right, wrong) == pytest.approx(1 / 3)
    assert ev.mean_reciprocal_rank(right, wrong) == pytest.approx(
        (1 + 1 / 2 + (1 / 2 + 1 / 3) / 2) / 3
    )


def test_ties_are_scored_by_accuracy_and_margin() -> None:
    tied = [([1.0, 1.1], [0.0, 0.5]), ([2.0, 1.0], [0.5, 0.0]), ([1.0, 0.0], [0.5, 0.2])]
    single = [([1.0], [0.0]), ([1.0], [0.8]), ([1.0], [2.0])]
    found = ev.ties_score(tied, single)
    assert found.tied_accuracy == pytest.approx(2 / 3)
    assert found.single_accuracy == pytest.approx(2 / 3)
    assert found.preferred == pytest.approx(1 / 3)  # .5 > .1; .5 < 1; -.5 < 1
    assert found.preferred_hard == pytest.approx(1 / 3)
    margins = np.tanh([0.5 / 0.1 - 1, 0.2 / 1 - 1, -1.0 / 1 - 1])
    assert found.margin == pytest.approx(margins.mean())
    weighted = 0.6 * 2 / 3 + 0.4 / 3 + 0.01 * margins.mean()
    assert found.score == pytest.approx(weighted)


def test_right_answers_with_one_score_are_perfect_and_constant_ones_are_not() -> None:
    assert ev.ties_score([([1.0, 1.0], [0.0])], [([1.0], [0.0])]).score == pytest.approx(1.01)
    assert ev.ties_score([([0.0, 0.0], [0.0])], [([0.0], [0.0])]).score == pytest.approx(-0.01)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: ev.best_of_accuracy([1.0], [1.0]), "must be \\(n,\\) and \\(n, k\\)"),
        (lambda: ev.best_of_accuracy([], np.zeros((0, 3))), "at least one of each"),
        (lambda: ev.mean_reciprocal_rank([np.nan], [[0.0]]), "scores must be finite, got nan"),
        (lambda: ev.ties_score([], []), "must have its twin"),
        (lambda: ev.ties_score([([1.0], [0.0])], [([1.0], [0.0])]), "at least 2 right and 1 wrong"),
    ],
)
def test_bad_input_is_refused(call, sentence: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ScoresError, match=sentence):
        call()
