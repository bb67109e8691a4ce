"""Flat rows to episodes: never a pair that did not follow, nothing lost without a word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewardwrap.core import tree
from rewardwrap.data import DataError
from rewardwrap.data.flat import Rows
from rewardwrap.data.rows import episodes_of
from tests.data.makers import assert_same, flat, nested, numbered

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=6)


def rows_of(store: object, **changes: object) -> Rows:
    return replace(Rows(**flat(store)), source="memory", **changes)  # type: ignore[arg-type]


@given(LENGTHS, st.integers(0, 999))
@settings(max_examples=25)
def test_flat_rows_of_any_episodes_give_the_episodes_back(lengths: list[int], seed: int) -> None:
    store = nested(lengths, seed)
    rows = rows_of(store, info=store.info)
    reading = episodes_of(replace(rows, source="nested"), rule="")
    assert_same(reading.store, store)
    assert not reading.notes


@given(LENGTHS, st.integers(0, 999))
@settings(max_examples=25)
def test_rows_of_interleaved_episodes_are_put_together(lengths: list[int], seed: int) -> None:
    store = numbered(lengths)
    names = np.repeat(np.arange(len(lengths)), lengths)
    # any order that keeps each episode's own
    slots = np.random.default_rng(seed).permutation(names)
    order = np.empty(len(names), np.int64)
    for name in range(len(lengths)):
        order[slots == name] = np.flatnonzero(names == name)
    mixed = Rows(**{k: v[order] for k, v in flat(store).items()})
    reading = episodes_of(mixed, rule="")
    by_id = {episode.id: episode for episode in reading.store}
    assert sorted(by_id) == sorted(store.ids)
    for episode in store:
        np.testing.assert_array_equal(by_id[episode.id].obs, episode.obs)
    moved = (order != np.arange(len(order))).any() and list(slots) != sorted(slots)
    if moved and len(set(lengths)) and any(n.check == "interleaved" for n in reading.notes):
        assert "interleaved" in reading.notes[0].sentence


def test_a_successor_that_is_not_the_next_row_ends_a_piece() -> None:
    rows = rows_of(numbered([4]))
    torn = tree.copy(rows.next_obs)
    torn[1] = 99.0
    reading = episodes_of(replace(rows, next_obs=torn), rule="")
    assert reading.store.lengths.tolist() == [2, 2]
    assert reading.store.ids.tolist() == ["0", "0"]
    assert reading.store.transitions().next_obs.ravel().tolist() == [1, 99, 3, 4]
    assert [note.check for note in reading.notes] == ["gaps", "pieces"]


@given(st.integers(0, 999))
@settings(max_examples=10)
def test_shuffled_rows_keep_every_true_successor(seed: int) -> None:
    columns = flat(numbered([5, 4]))
    order = np.random.default_rng(seed).permutation(9)
    shuffled = {k: v[order] for k, v in columns.items() if k != "episode"}
    batch = episodes_of(Rows(**shuffled), rule="").store.transitions()
    np.testing.assert_array_equal(batch.next_obs, shuffled["next_obs"])
    np.testing.assert_array_equal(batch.obs, shuffled["obs"])


def test_without_successors_last_steps_keep_reward_and_flag_and_are_marked() -> None:
    reading = episodes_of(rows_of(numbered([3, 2]), next_obs=None), rule="")
    store = reading.store
    assert store.lengths.tolist() == [3, 2]
    assert store.returns().tolist() == [3, 1]
    assert store.episode(0).obs.ravel().tolist() == [0, 1, 2, 2]
    assert store.info["successor_unknown"].tolist() == [0, 0, 1, 0, 1]
    assert reading.notes[0].count == 2


def test_without_successors_last_steps_can_be_left_out() -> None:
    reading = episodes_of(rows_of(numbered([3, 1, 2]), next_obs=None), rule="", drop_last=True)
    assert reading.store.lengths.tolist() == [2, 1]
    assert reading.store.ids.tolist() == ["0", "2"]
    assert reading.store.episode(0).obs.ravel().tolist() == [0, 1, 2]
    assert not reading.store.terminated.any()
    assert "3 last steps were left out" in reading.notes[0].sentence
    with pytest.raises(DataError, match="an episode of two rows or more"):
        episodes_of(rows_of(numbered([1]), next_obs=None), rule="", drop_last=True)


def test_the_last_partial_episode_is_kept() -> None:
    rows = rows_of(numbered([3, 2]), episode=None)
    ends = rows.terminated.copy()
    ends[-1] = False
    store = episodes_of(replace(rows, terminated=ends), rule="").store
    assert store.lengths.tolist() == [3, 2]
    assert store.ids.tolist() == ["0", "1"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"reward": np.zeros(0)}, "data must hold at least one step, got none"),
        ({"obs": np.zeros((4, 1))}, "obs must have one row for each of 5 rewards"),
        ({"next_obs": np.zeros((5, 2))}, "next_obs must have the shape of obs"),
        ({"terminated": np.full(5, np.nan)}, "terminated must be true or false in every row"),
        ({"truncated": np.full(5, 2)}, "truncated must be true or false in every row, got 2"),
        ({"episode": np.array([0, 0, np.nan, 1, 1])}, "must name the episode of every row, got 1"),
        ({"episode": np.zeros((5, 2))}, "episode must have one name per row"),
        ({"episode": np.zeros(3)}, "episode must have one row for each of 5 rewards, got 3"),
        ({"info": {"x": np.zeros(2)}}, "x must have one row"),
        ({"obs": np.array([[1], [2], {}, [3], [4]], object)}, "obs must hold numbers"),
    ],
)
def test_rows_that_do_not_fit_are_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        episodes_of(rows_of(numbered([3, 2]), **changes), rule="")
