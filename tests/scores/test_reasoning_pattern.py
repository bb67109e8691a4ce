"""Patterns count once, circles count against them, and calibration only raises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core.episode import Episode


def play(actions: list[int], **events: list[float]) -> Episode:
    steps = len(actions)
    last = np.arange(steps) == steps - 1
    info = {name: np.array(column, float) for name, column in events.items()}
    return Episode(
        np.zeros((steps + 1, 1)), np.array(actions), 0.0 * last, last, last & False, info
    )


def test_the_worked_example_of_the_paper() -> None:
    ten = [f"p{i}" for i in range(20)]
    events = {name: [1.0, *[0.0] * 9] if i < 8 else [0.0] * 10 for i, name in enumerate(ten)}
    # one of ten 1-grams occurs twice: two of ten are repeated, and one in ten of the paper is .1
    score = rw.ReasoningPattern(tuple(ten), ngram=9)
    assert score([play(list(range(10)), **events)])[0] == pytest.approx(0.4)
    assert rw.Calibrated(lambda es: [0.45], lambda es: [0.3])([play([0])])[0] == pytest.approx(0.48)


def test_showing_a_pattern_again_adds_nothing_and_loops_take_it_away() -> None:
    score = rw.ReasoningPattern(("looked", "tried"), ngram=2)
    once = play([0, 1, 2, 3], looked=[1, 0, 0, 0], tried=[0, 0, 0, 0])
    often = play([0, 1, 2, 3], looked=[1, 1, 1, 1], tried=[0, 0, 0, 0])
    both = play([0, 1, 2, 3], looked=[1, 0, 0, 0], tried=[0, 0, 1, 0])
    loop = play([0, 1] * 20, looked=[1] * 40, tried=[1] * 40)
    assert score([once, often, both, loop]).tolist() == [0.5, 0.5, 1.0, 0.0]
    off = rw.ReasoningPattern(("looked",), breaks=("tried",))
    assert off([once, both]).tolist() == [1.0, 0.0]
    assert rw.ReasoningPattern(("looked", "tried"), full=4)([both]).tolist() == [0.5]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_calibration_raises_by_a_tenth_at_most_and_keeps_the_order_above(
    a: float, b: float, r: float
) -> None:
    episodes = [play([0]), play([0])]
    found = rw.Calibrated(lambda es: [a, b], lambda es: [r, r])(episodes)
    for said, now in zip((a, b), found.tolist(), strict=True):
        assert said - 1e-12 <= now <= min(1.0, said + 0.1) + 1e-12
        assert said < 0.5 or now == said


def test_what_is_not_valid_pays_nothing_and_bad_input_is_one_sentence() -> None:
    one = [play([0])]
    assert rw.Calibrated(lambda es: [0.9], lambda es: [1.0], valid=lambda es: [0.0])(one) == [0.0]
    with pytest.raises(rw.ConfigError, match="patterns must be several events, got 'looked'"):
        rw.ReasoningPattern("looked")  # type: ignore[arg-type]
    with pytest.raises(rw.ConfigError, match="full and ngram must be at least 1"):
        rw.ReasoningPattern(("looked",), ngram=0)
    with pytest.raises(rw.ConfigError, match="threshold must lie in"):
        rw.Calibrated(lambda es: [0.9], lambda es: [1.0], threshold=2.0)
    with pytest.raises(rw.RewardValueError, match=r"model must lie in \[0, 1\], got 3"):
        rw.Calibrated(lambda es: [3.0], lambda es: [1.0])(one)
