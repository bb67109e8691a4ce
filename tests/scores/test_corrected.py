"""A proxy, corrected by grades that do not know of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap.scores import Corrected, Score

END = np.array([True])
grade = st.floats(1, 5)


def constant(grade: float) -> Score:
    return lambda episodes: [grade] * len(episodes)


def corrected(proxy: float, *grades: float) -> float:
    scores = tuple(map(constant, grades))
    episode = Episode(np.zeros((2, 1)), np.zeros(1), np.array([proxy]), END, ~END)
    return float(Corrected(grades=scores)([episode])[0])


def test_the_worked_numbers() -> None:
    assert corrected(0.87, 3.4) == pytest.approx(0.548)
    assert corrected(0.87, 2.9) == pytest.approx(0.113)
    assert corrected(0.87, 3.0, 3.5, 3.7) == pytest.approx(0.548)


@given(st.floats(0, 1), st.floats(0, 1), grade, grade)
def test_quality_always_helps_and_the_proxy_only_where_it_is_good(
    low: float, high: float, u: float, v: float
) -> None:
    low, high, u, v = *sorted((low, high)), *sorted((u, v))
    assert corrected(high, v) >= corrected(high, u) - 1e-12
    assert (corrected(high, u) - corrected(low, u)) * (u - 3.0) >= -1e-12


def test_bad_grades_are_a_sentence() -> None:
    with pytest.raises(rw.RewardValueError, match=r"grades must lie in \[1, 5\], got 0.4"):
        corrected(0.5, 3.0, 0.4)
    with pytest.raises(rw.ConfigError, match="grades must hold at least one score"):
        corrected(0.5)
