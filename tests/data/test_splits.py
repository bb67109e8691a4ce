"""Episodes stay whole: zero overlap between train and held-out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.data import DataError, EpisodeStore, transition_split
from rewardwrap.data.splits import split_episodes
from tests.data.makers import numbered

FRACTION = st.sampled_from([0.05, 0.1, 0.2, 1 / 3, 0.5, 0.9])


@given(st.integers(2, 40), FRACTION, st.integers(0, 99))
def test_a_split_deals_every_episode_once(episodes: int, fraction: float, seed: int) -> None:
    store = numbered([1] * episodes)
    train, heldout = store.split(fraction, seed=seed)
    assert sorted([*train.ids, *heldout.ids]) == sorted(store.ids)
    assert not set(train.ids) & set(heldout.ids)


@given(st.integers(2, 40), FRACTION, st.integers(0, 99))
def test_as_many_groups_are_held_out_as_scikit_learn_holds_out(
    groups: int, fraction: float, seed: int
) -> None:
    """GroupShuffleSplit(test_size=f): ``ceil(f * groups)`` test groups; at least one trains here."""
    store = numbered([1] * (2 * groups))
    machine = np.repeat(np.arange(groups), 2)
    train, heldout = split_episodes(store, fraction, seed=seed, by=machine)
    expected = min(math.ceil(round(fraction * groups, 9)), groups - 1)
    assert len(set(machine[heldout])) == expected
    assert not set(machine[train]) & set(machine[heldout])


def test_one_seed_gives_one_split_and_another_another() -> None:
    store = numbered([1] * 30)
    assert store.split(0.3, seed=1)[1].ids.tolist() == store.split(0.3, seed=1)[1].ids.tolist()
    assert store.split(0.3, seed=1)[1].ids.tolist() != store.split(0.3, seed=2)[1].ids.tolist()


def test_sources_can_be_kept_together() -> None:
    store = EpisodeStore.concat(
        [EpisodeStore.from_episodes(numbered([1, 1]), source=x) for x in "abcd"]
    )
    store = EpisodeStore.from_episodes(
        [{**e.columns(), "id": e.id, "source": "abcd"[i // 2]} for i, e in enumerate(store)]
    )
    train, heldout = store.split(0.25, seed=0, by="source")
    assert len(set(heldout.source)) == 1
    assert not set(train.source) & set(heldout.source)


def test_copies_of_an_episode_stay_on_one_side() -> None:
    store = numbered([1, 2, 3]).select([0, 0, 1, 1, 2, 2])
    for seed in range(5):
        train, heldout = store.split(0.4, seed=seed)
        assert not set(train.ids) & set(heldout.ids)


def test_a_split_of_transitions_must_be_forced_and_says_what_it_leaks() -> None:
    store = numbered([50, 50])
    with pytest.raises(DataError, match="transition_split must be asked for by name"):
        transition_split(store, 0.2, seed=0)
    forced = transition_split(store, 0.2, seed=0, i_know_rows_of_one_episode_are_on_both_sides=True)
    assert (len(forced.train), len(forced.heldout), forced.shared_episodes) == (80, 20, 2)
    assert "2 of 2 episodes have rows in train and held-out" in forced.note


@pytest.mark.parametrize(
    ("lengths", "fraction", "by", "sentence"),
    [
        ([5], 0.2, None, "at least two episodes, got 1"),
        ([5, 5], 0.0, None, r"fraction must lie in \(0, 1\)"),
        ([5, 5], 0.2, "source", "at least two groups of episodes, got 1"),
        ([5, 5], 0.2, "machine", 'by must be "source" or one label'),
        ([5, 5], 0.2, [1, 2, 3], "one label for each of 2 episodes"),
    ],
)
def test_a_split_that_cannot_be_is_refused(
    lengths: list[int], fraction: float, by: object, sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        numbered(lengths).split(fraction, seed=0, by=by)  # type: ignore[arg-type]
