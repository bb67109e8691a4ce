"""A discriminator that learns along: what it pays, what it forgets, where it ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rewardwrap as rw


def rows(middle: float, count: int = 64, seed: int = 0) -> Any:
    return middle + np.random.default_rng(seed).normal(size=(count, 1))


def test_an_episode_is_scored_before_it_is_learned_from() -> None:
    score = rw.Adversary(rows(0.0))
    assert score(rows(4.0)).tolist() == [0.0] * 64
    assert score.accuracy == 0.5
    before = score.peek(rows(4.0))
    assert (before < 0).all()
    np.testing.assert_array_equal(score.peek(rows(4.0)), before)


def test_a_fixed_score_learns_nothing() -> None:
    score = rw.Adversary(rows(0.0), updates=0)
    assert not score(rows(4.0)).any()
    assert not score(rows(4.0)).any()


def test_the_same_distribution_on_both_sides_is_not_told_apart() -> None:
    score = rw.Adversary(rows(0.0, 400))
    for seed in range(1, 30):
        score(rows(0.0, 64, seed))
    assert score.accuracy == pytest.approx(0.5, abs=0.1)
    assert np.abs(score.peek(rows(0.0, 64, 99))).max() < 0.5


def test_exchanged_labels_negate_the_logit() -> None:
    a, b = rows(0.0), rows(2.0)
    units = {"mean": np.zeros(1), "sd": np.ones(1)}
    found = []
    for shown, other in ((a, b), (b, a)):
        score = rw.Adversary(shown, updates=20)
        score._state.update(units)
        score.swap(shown)
        score(other)
        found.append(score.peek(np.array([[0.0], [1.0], [3.0]])))
    assert found[0] == pytest.approx(-found[1], abs=1e-9)


def test_other_references_turn_it_round() -> None:
    score = rw.Adversary(rows(0.0))
    for seed in range(20):
        score(rows(3.0, seed=seed))
    assert score.peek([[0.0]])[0] > score.peek([[3.0]])[0]
    score.swap(rows(3.0))
    for seed in range(40):
        score(rows(0.0, seed=seed))
    assert score.peek([[0.0]])[0] < score.peek([[3.0]])[0]


def test_it_is_paid_in_groups() -> None:
    reward = rw.Grouped(rw.Adversary([[0.0], [1.0]]), group=2)
    log = {"action": [0], "reward": [0.0], "terminated": [True], "truncated": [False]}
    pair = [{**log, "obs": [[0.0], [end]]} for end in (0.5, 9.0)]
    # nobody was seen before the first group
    assert [paid.tolist() for paid in rw.relabel(reward, pair)] == [[0.0], [0.0]]
    assert rw.relabel(reward, pair)[0][0] >= 0


def test_bad_input_is_one_sentence() -> None:
    with pytest.raises(rw.ConfigError, match="at least 2 rows, got 1"):
        rw.Adversary([[0.0]])
    with pytest.raises(rw.ConfigError, match="rate above 0"):
        rw.Adversary(rows(0.0), rate=0.0)
    with pytest.raises(rw.RewardValueError, match="must be 1 numbers as the reference's, got 2"):
        rw.Adversary(rows(0.0))([[1.0, 2.0]])
    with pytest.raises(rw.RewardValueError, match="must be finite"):
        rw.Adversary(rows(0.0))([[np.nan]])
