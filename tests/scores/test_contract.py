"""A score gives each finished episode one finite number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError, RewardValueError, UnknownName
from rewardwrap.data import EpisodeStore
from rewardwrap.scores import SCORES, Return, register_score, scored


def episode(*rewards: float) -> Episode:
    steps = len(rewards)
    ends = np.arange(steps) == steps - 1
    paid = np.array(rewards, np.float64)
    return Episode(np.zeros((steps + 1, 1)), np.zeros(steps), paid, ends, ~ends & ends)


def test_a_return_is_the_discounted_sum() -> None:
    episodes = [episode(1.0, 2.0, 4.0), episode(-1.0)]
    assert Return()(episodes).tolist() == [7.0, -1.0]
    assert Return(gamma=0.5)(episodes).tolist() == [3.0, -1.0]
    with pytest.raises(ConfigError, match=r"gamma must lie in \[0, 1\], got 2"):
        Return(gamma=2.0)


def test_the_order_of_the_episodes_is_the_order_of_the_numbers() -> None:
    episodes = [episode(float(i), 1.0) for i in range(5)]
    order = np.random.default_rng(0).permutation(5)
    shuffled = Return()([episodes[i] for i in order])
    assert (shuffled == Return()(episodes)[order]).all()


def test_a_store_is_a_sequence_of_episodes() -> None:
    store = EpisodeStore.from_episodes([episode(1.0, 2.0), episode(3.0)])
    assert scored(Return(), list(store)).tolist() == store.returns().tolist()
    assert rw.relabel("env", store.episode(0).columns()).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("score", "sentence"),
    [
        (lambda episodes: 1.0, r"one number for each of 2 episodes, got shape \(\)"),
        (lambda episodes: [[1.0], [2.0]], r"got shape \(2, 1\)"),
        (lambda episodes: [0.0, np.nan], r"must be finite, got nan for episode 1 of 2 \(1 steps\)"),
    ],
)
def test_anything_else_is_refused(score: Any, sentence: str) -> None:
    with pytest.raises(RewardValueError, match=sentence):
        scored(score, [episode(1.0, 2.0), episode(3.0)])


def test_scores_are_named_by_tags() -> None:
    assert SCORES.find("return") is Return
    assert Return.tag == "return"  # type: ignore[attr-defined]
    with pytest.raises(UnknownName, match='No score "retrun". Did you mean "return"'):
        SCORES.find("retrun")
    with pytest.raises(
        ConfigError, match='score tag must be new, got "return" of rewardwrap.scores'
    ):

        @register_score("return")
        class Mine:
            pass
