"""Agreement on worked examples of the literature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.annotate.agreement import cohen_kappa, fleiss_kappa, raw_agreement, side_bias
from rewardwrap.data import DataError

# fourteen raters put ten subjects into five categories; kappa is 0.210
FOURTEEN = np.array(
    [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]
)  # fmt: skip


def test_fifty_grant_proposals() -> None:
    # both yes 20, only A 5, only B 10, both no 15: raw 0.7, chance 0.5
    a, b = "y" * 25 + "n" * 25, "y" * 20 + "n" * 5 + "y" * 10 + "n" * 15
    assert raw_agreement(a, b) == pytest.approx(0.7)
    assert cohen_kappa(a, b) == pytest.approx(0.4)


def test_fourteen_raters() -> None:
    assert fleiss_kappa(FOURTEEN) == pytest.approx(0.210, abs=5e-4)


def test_full_agreement_is_one_and_one_word_says_nothing() -> None:
    assert cohen_kappa("abab", "abab") == 1.0
    assert np.isnan(cohen_kappa("aaaa", "aaaa"))
    assert np.isnan(cohen_kappa("", ""))
    assert np.isnan(raw_agreement("", ""))
    assert fleiss_kappa(np.array([[3, 0], [0, 3]])) == 1.0
    assert np.isnan(fleiss_kappa(np.array([[3, 0], [2, 0]])))
    assert np.isnan(fleiss_kappa(np.zeros((0, 3))))


def test_questions_with_one_answer_tell_nothing_about_agreement() -> None:
    single = np.concatenate([FOURTEEN, np.eye(5, dtype=int)])
    assert fleiss_kappa(single) == pytest.approx(fleiss_kappa(FOURTEEN))


@given(st.lists(st.tuples(st.sampled_from("abe"), st.sampled_from("abe")), min_size=2))
def test_kappa_is_symmetric_and_never_above_the_raw_share(said: list[tuple[str, str]]) -> None:
    one, other = zip(*said, strict=True)
    kappa = cohen_kappa(one, other)
    if not np.isnan(kappa):
        assert kappa == pytest.approx(cohen_kappa(other, one))
        assert kappa <= raw_agreement(one, other) + 1e-12


def test_a_habit_of_the_left_side_shows() -> None:
    assert side_bias(5, 5) == (0.5, 1.0)
    share, p = side_bias(9, 1)
    assert share == 0.9
    assert p == pytest.approx(22 / 1024)
    assert np.isnan(side_bias(0, 0)).all()


def test_what_is_compared_must_belong_together() -> None:
    with pytest.raises(DataError, match="must have answered the same questions, got 1 and 2"):
        cohen_kappa("a", "ab")
    with pytest.raises(DataError, match=r"counts must be \(questions, answers\)"):
        fleiss_kappa(np.array([1, 2]))
