"""Labels know what they are on; demonstrations know their worth."""

from __future__ import annotations

import numpy as np
import pytest

from rewardwrap.data import DataError, Demonstrations, Fragments, Labels, logged_rewards
from tests.data.makers import numbered

STORE = numbered([3, 2])


def test_logged_rewards_are_labels_of_steps_with_missing_ones_masked() -> None:
    store = numbered([3], reward=np.array([1.0, np.nan, 2.0]))
    labels = logged_rewards(store)
    assert labels.mask.tolist() == [True, False, True]
    assert labels.episode.tolist() == [0, 0, 0]


def test_labels_lie_on_steps_episodes_or_clips() -> None:
    clips = Fragments(STORE, [1, 0], [0, 0], [1, 2])
    assert Labels(STORE, "episode", np.zeros((2, 3))).episode.tolist() == [0, 1]
    on_clips = Labels(clips, "fragment", np.array([1.0, np.nan]))
    assert on_clips.episode.tolist() == [1, 0]
    assert on_clips.store is STORE
    assert Labels(STORE, "episode", np.array([[1.0, np.nan], [1.0, 1.0]])).mask.tolist() == [
        False,
        True,
    ]


def test_labels_on_the_wrong_thing_are_refused() -> None:
    with pytest.raises(DataError, match="labels: target must be"):
        Labels(STORE, "fragment", np.zeros(2))
    with pytest.raises(DataError, match="must have 5 rows, one for each step"):
        Labels(STORE, "step", np.zeros(4))
    with pytest.raises(DataError, match="value must hold numbers, got dtype object"):
        Labels(STORE, "episode", np.array([{}, {}]))


def test_demonstrations_carry_ranks_and_weights() -> None:
    assert Demonstrations(STORE, rank=[1, 2], weight=[1.0, 0.0]).rank.dtype == np.float64  # type: ignore[union-attr,arg-type]
    with pytest.raises(DataError, match="weight must hold one number for each of 2 episodes"):
        Demonstrations(STORE, weight=[1.0, -1.0])  # type: ignore[arg-type]
    with pytest.raises(DataError, match="rank must hold one number for each of 2 episodes"):
        Demonstrations(STORE, rank=[1.0])  # type: ignore[arg-type]
