"""Synthetic teachers and their faults (handbook 2.2)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rewardwrap.annotate.teachers import TEACHERS, Teacher, answers, random_pairs, teacher
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.data import DataError, EpisodeStore, Fragments


def store(*rewards: list[float]) -> EpisodeStore:
    return EpisodeStore.from_episodes(
        [
            {
                "obs": np.zeros((len(r) + 1, 1)),
                "action": np.zeros(len(r), int),
                "reward": r,
                "terminated": np.zeros(len(r), bool),
                "truncated": np.zeros(len(r), bool),
                "id": str(i),
            }
            for i, r in enumerate(rewards)
        ]
    )


def pair(one: list[float], other: list[float]) -> tuple[Fragments, Fragments]:
    data = store(one, other)
    at = np.array([0])
    return (
        Fragments(data, at, at, np.array([len(one)])),
        Fragments(data, at + 1, at, np.array([len(other)])),
    )


def said(by: Teacher, one: list[float], other: list[float], seed: int = 0) -> float:
    return float(by.answer(*pair(one, other), np.random.default_rng(seed))[0])


def many(by: Teacher, one: list[float], other: list[float], count: int = 4000) -> float:
    a, b = pair(one, other)
    rows = np.zeros(count, int)
    return float(by.answer(a.select(rows), b.select(rows), np.random.default_rng(0)).mean())


def test_the_oracle_is_right_and_calls_equal_clips_equal_half_of_the_time():
    assert said(Teacher(), [1, 1], [1, 2]) == 1.0
    assert said(Teacher(), [3, 1], [1, 2]) == 0.0
    assert many(Teacher(), [1, 2], [2, 1]) == pytest.approx(0.5, abs=0.03)


def test_a_noisy_teacher_follows_bradley_and_terry():
    want = 1 / (1 + math.exp(-1))
    assert many(Teacher(beta=1.0), [2.0], [3.0]) == pytest.approx(want, abs=0.03)


def test_mistakes_come_at_their_rate_and_never_at_a_tie():
    assert many(Teacher(mistake=0.1), [2.0], [3.0]) == pytest.approx(0.9, abs=0.02)
    tied = Teacher(mistake=1.0, equal=1.0, level=(0.0, 5.0))
    assert said(tied, [2.0], [3.0]) == 0.5


def test_a_myopic_teacher_weighs_the_end():
    # 1 * 0.5 < 0 * 0.5 + 0.6
    assert said(Teacher(gamma=0.5), [1.0, 0.0], [0.0, 0.6]) == 1.0
    assert said(Teacher(), [1.0, 0.0], [0.0, 0.6]) == 0.0


def test_thresholds_are_set_once_and_do_not_move():
    data = store(*[[1.0, 2.0, 3.0]] * 4)
    at = np.arange(4)
    clips = Fragments(data, at, at * 0, at * 0 + 3)
    by = Teacher(skip=0.5, equal=0.25).calibrated(clips)
    assert by.level == (3.0, 1.5)
    assert math.isnan(said(by, [1.0, 0.0], [1.0, 1.5]))
    assert said(by, [4.0], [5.0]) == 0.5
    assert said(by, [4.0], [6.0]) == 1.0


def test_with_negative_returns_skipping_goes_by_rank():
    data = store([-10.0], [-8.0], [-4.0], [-2.0])
    at = np.arange(4)
    by = Teacher(skip=0.5).calibrated(Fragments(data, at, at * 0, at * 0 + 1))
    assert math.isnan(said(by, [-9.0], [-8.5]))
    assert said(by, [-9.0], [-1.0]) == 1.0


def test_the_budget_counts_answers_not_questions():
    data = store(*[[float(i)] * 6 for i in range(1, 9)])
    strict = Teacher(skip=1.2, level=(14.0, 0.0))
    asked, questions = answers(strict, random_pairs(data, 3), 50, seed=0)
    assert len(asked) == 50
    assert questions > 50
    assert not np.isnan(asked.preferred).any()


def test_the_same_seed_asks_the_same_questions():
    data = store(*[[float(i)] * 6 for i in range(1, 9)])
    one, _ = answers(Teacher(beta=0.1), random_pairs(data, 3), 30, seed=4)
    other, _ = answers(Teacher(beta=0.1), random_pairs(data, 3), 30, seed=4)
    np.testing.assert_array_equal(one.preferred, other.preferred)
    np.testing.assert_array_equal(one.a.start, other.a.start)


def test_the_six_kinds_are_those_of_b_pref():
    assert set(TEACHERS) == {"oracle", "mistake", "noisy", "skip", "myopic", "equal"}
    assert teacher("mistake").mistake == 0.1
    with pytest.raises(UnknownName, match='No teacher "orakel". Did you mean "oracle"'):
        teacher("orakel")


def test_teachers_that_cannot_answer_say_so():
    unknown = store([np.nan, 1.0], [1.0, 1.0])
    at = np.arange(2)
    with pytest.raises(DataError, match="must know the true rewards, got 1 clips"):
        Teacher(skip=0.1).calibrated(Fragments(unknown, at, at * 0, at * 0 + 2))
    with pytest.raises(DataError, match="teacher must answer 5 questions, got 0 answers"):
        answers(Teacher(skip=1.0, level=(1e9, 0.0)), random_pairs(store([1.0] * 9), 3), 5, seed=0)
    with pytest.raises(DataError, match="two different clips, got data with one window"):
        answers(Teacher(), random_pairs(store([1.0] * 3), 3), 5, seed=0)
    with pytest.raises(ConfigError, match=r"mistake must lie in \[0, 1\], got 2"):
        Teacher(mistake=2)
    with pytest.raises(ConfigError, match="beta above 0"):
        Teacher(beta=0.0)
