"""Conciseness: what a right episode gains by being short, and that a wrong one gains nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core.episode import Episode


def episode(right: float, steps: int) -> Episode:
    last = np.arange(steps) == steps - 1
    return Episode(np.zeros((steps + 1, 1)), np.zeros(steps), right * last, last, ~last & last)


def test_the_worked_numbers() -> None:
    # c = 1 - 0.09 L, alpha 0.5
    score = rw.Concise(steps=(0, 10))
    paid = score([episode(1, 10), episode(1, 4), episode(0, 1)])
    np.testing.assert_allclose(paid, [1.05, 1.32, 0.0], atol=1e-12)
    assert paid[2] == 0.0


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.floats(0, 5),
    st.floats(0, 3),
    st.sampled_from([None, "group"]),
)
def test_bounds_and_order(short: int, long: int, alpha: float, s: float, difficulty: Any) -> None:
    score = rw.Concise(steps=(4, 20), alpha=alpha, anneal=s, difficulty=difficulty)
    group = [episode(1, short), episode(1, long), episode(0, short), episode(0, long)]
    paid = score(group)
    assert paid[2:].tolist() == [0.0, 0.0]
    assert paid[:2].min() >= 1.0
    assert paid.max() <= 1 + alpha * (s + (difficulty is not None)) + 1e-9
    assert (paid[0] - paid[1]) * (long - short) >= 0
    np.testing.assert_array_equal(score([*group[2:], *group[:2]]), [*paid[2:], *paid[:2]])


def test_brevity_is_asked_of_what_is_easy() -> None:
    score = rw.Concise(anneal=0.0, difficulty="group")
    assert score([episode(1, 4)] * 4).tolist() == [1.5] * 4
    assert score([episode(1, 4)] + [episode(0, 4)] * 3).tolist() == [1.125, 0, 0, 0]


def test_annealing_goes_by_the_episodes_that_were_judged() -> None:
    score = rw.Concise(anneal=(1.0, 0.0, 4))
    paid = [score([episode(1, 4), episode(0, 9)])[0] for _ in range(4)]
    assert paid == [1.5, 1.25, 1.0, 1.0]


def test_a_scorer_takes_the_place_of_the_length() -> None:
    score = rw.Concise(scorer=lambda episodes: [0.1, 1.0], steps=None, alpha=1.0)
    assert score([episode(1, 4), episode(1, 400)]).tolist() == [1.1, 2.0]
    with pytest.raises(
        rw.RewardValueError, match=r"scorer must give numbers in \[0.1, 1\], got 0 to 2"
    ):
        rw.Concise(scorer=lambda episodes: [0.0, 2.0])([episode(1, 4), episode(1, 4)])


def test_the_outcome_may_be_a_reward_or_a_score() -> None:
    passed = rw.Concise(lambda episodes: [e.reward.sum() > 5 for e in episodes])
    assert passed([episode(9, 4), episode(3, 4)]).tolist() == [1.5, 0.0]
    halved = rw.Concise(0.5 * rw.EnvReward())
    assert halved([episode(2, 4)]).tolist() == [1.5]


def test_bad_input_is_one_sentence() -> None:
    with pytest.raises(
        rw.RewardValueError, match="outcome must be 0 or 1, got 0.5 for episode 1 of 2"
    ):
        rw.Concise()([episode(1, 3), episode(0.5, 3)])
    cases: list[tuple[dict[str, Any], str]] = [
        ({"alpha": -0.1}, "alpha must be at least 0, got -0.1"),
        ({"steps": (20, 4)}, r"two rising numbers, got \(20, 4\)"),
        ({"steps": None}, "two rising numbers, got None"),
        ({"anneal": -1.0}, "anneal must be a number of at least 0"),
        ({"difficulty": "start"}, 'difficulty must be "group" or None'),
        ({"outcome": 1.0}, "outcome must be a reward or a score of episodes, got 1.0"),
    ]
    for fields, sentence in cases:
        with pytest.raises(rw.ConfigError, match=sentence):
            rw.Concise(**fields)
