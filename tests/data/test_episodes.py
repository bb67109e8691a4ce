"""Columns that lie episode by episode: nothing crosses a border."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core import tree
from rewardwrap.data import DataError, EpisodeStore
from tests.data.makers import assert_same, nested, numbered

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=6)


def test_an_episode_of_three_steps_has_four_observations() -> None:
    store = numbered([3, 1])
    assert (len(store), store.steps) == (2, 4)
    episode = store.episode(0)
    assert episode.obs.ravel().tolist() == [0, 1, 2, 3]
    assert store.episode(-1).obs.ravel().tolist() == [100, 101]


def test_the_successor_of_a_last_step_is_the_true_terminal_observation() -> None:
    batch = numbered([3, 2]).transitions()
    assert batch.obs.ravel().tolist() == [0, 1, 2, 100, 101]
    assert batch.next_obs.ravel().tolist() == [1, 2, 3, 101, 102]
    assert batch.first.tolist() == [True, False, False, True, False]


@given(LENGTHS)
@settings(max_examples=25)
def test_transitions_agree_with_the_episodes_one_by_one(lengths: list[int]) -> None:
    store = nested(lengths)
    batch = store.transitions()
    seen = tree.stack([tree.take(e.obs, t) for e in store for t in range(len(e))])
    after = tree.stack([tree.take(e.obs, t + 1) for e in store for t in range(len(e))])
    for one, other in ((batch.obs, seen), (batch.next_obs, after)):
        for a, b in zip(tree.leaves(one), tree.leaves(other), strict=True):
            np.testing.assert_array_equal(a, b)


def test_returns_are_discounted_from_each_episodes_own_start() -> None:
    store = numbered([3, 2])
    assert store.returns().tolist() == [3, 1]
    assert store.returns(0.5).tolist() == [1 * 0.5 + 2 * 0.25, 0.5]


def test_a_missing_reward_makes_the_return_missing_unless_it_is_skipped() -> None:
    store = numbered([2, 2], reward=np.array([1.0, np.nan]))
    assert np.isnan(store.returns()).all()
    assert store.returns(skip_missing=True).tolist() == [1, 1]


def test_both_flags_on_one_step_read_as_terminated() -> None:
    store = numbered([2], truncated=np.array([False, True]))
    assert store.truncated.tolist() == [False, True]
    assert not store.transitions().truncated.any()


@given(LENGTHS, st.integers(0, 1000))
@settings(max_examples=25)
def test_selecting_every_episode_and_joining_them_changes_nothing(
    lengths: list[int], seed: int
) -> None:
    store = nested(lengths, seed)
    assert_same(store.select(slice(None)), store)
    assert_same(EpisodeStore.concat([store.select([i]) for i in range(len(store))]), store)


def test_episodes_given_back_one_by_one_make_the_same_store() -> None:
    store = nested([3, 1, 4])
    assert_same(EpisodeStore.from_episodes(store), store)


def test_ids_that_clash_are_told_apart_by_the_store_they_came_from() -> None:
    both = EpisodeStore.concat([numbered([1]), numbered([2])])
    assert both.ids.tolist() == ["0:0", "1:0"]


def test_info_that_one_store_lacks_is_missing_there() -> None:
    with_info = numbered([2], info={"x": [1.0, 2.0]})
    both = EpisodeStore.concat([with_info, numbered([1])])
    np.testing.assert_array_equal(both.info["x"], [1, 2, np.nan])


def test_an_episode_is_what_relabel_reads() -> None:
    store = numbered([3, 2])
    paid = rw.relabel(2 * rw.EnvReward(), [episode.columns() for episode in store])
    assert [reward.tolist() for reward in paid] == [[0, 2, 4], [0, 2]]


def test_the_fingerprint_notices_one_bit() -> None:
    store = numbered([3])
    changed = numbered([3], terminated=np.zeros(3, bool))
    assert store.fingerprint() == numbered([3]).fingerprint()
    assert store.fingerprint() != changed.fingerprint()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"obs": np.zeros((3, 1))}, "episode 0: obs must have 4 rows for 3 rewards"),
        ({"reward": np.array(["a", "b", "c"])}, "reward must hold numbers, got dtype <U1"),
        ({"action": np.array([{}, {}, {}])}, "action must hold numbers, got dtype object"),
        ({"terminated": [np.nan, 0.0, 1.0]}, "terminated must be true or false in every row"),
        ({"terminated": [True, False, True]}, "1 steps inside one, the first in row 0"),
        ({"truncated": [False, False]}, "truncated must have 3 rows"),
        ({"reward": np.zeros((3, 1))}, r"reward must have one number per row, got shape \(3, 1\)"),
        ({"obs": [[1, 2], [3], [4], [5]]}, "rows of one column must have one width"),
        ({"reward": np.zeros(3, complex)}, "reward must hold numbers"),
    ],
)
def test_columns_that_do_not_fit_are_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        numbered([3], **changes)


def test_rows_that_agree_only_in_sum_are_refused() -> None:
    one, other = (episode.columns() for episode in numbered([3, 2]))
    one["terminated"], other["terminated"] = np.zeros(2, bool), np.zeros(3, bool)
    with pytest.raises(DataError, match="episode 0: terminated must have 3 rows for 3 rewards"):
        EpisodeStore.from_episodes([one, other])


def test_a_store_whose_columns_disagree_is_refused() -> None:
    store = numbered([3, 2])
    with pytest.raises(DataError, match="obs must have 7 rows for 5 steps in 2 episodes"):
        replace(store, obs=store.obs[:-1])
    with pytest.raises(DataError, match="add up to the 5 rewards, got 2 of sum 6"):
        replace(store, lengths=np.array([3, 3]))


def test_an_episode_without_a_step_is_refused() -> None:
    with pytest.raises(DataError, match="lengths must be at least 1"):
        numbered([0, 2])


def test_no_episode_at_all_is_refused() -> None:
    with pytest.raises(DataError, match="at least one episode with a step, got none"):
        EpisodeStore.from_episodes([])


def test_episodes_of_other_widths_are_refused() -> None:
    wide = {**next(iter(numbered([2]))).columns(), "obs": np.zeros((3, 4))}
    with pytest.raises(DataError, match=r"obs must have one shape in all episodes.*number 1"):
        EpisodeStore.from_episodes([next(iter(numbered([2]))), wide])


def test_an_episode_without_a_column_names_it() -> None:
    with pytest.raises(DataError, match=r"episode 0 must have obs.*Add obs, truncated"):
        EpisodeStore.from_episodes([{"action": [], "reward": [], "terminated": []}])


def test_stores_of_two_environments_are_not_joined() -> None:
    one, other = (
        EpisodeStore.from_episodes(numbered([1]), action_space=spaces.Box(-high, high, (1,)))
        for high in (1, 2)
    )
    with pytest.raises(DataError, match="action_space must be the same in all stores"):
        EpisodeStore.concat([one, other])
    with pytest.raises(DataError, match="concat must get at least one store"):
        EpisodeStore.concat([])


def test_a_store_is_read_by_number_and_by_slice() -> None:
    store = EpisodeStore.from_episodes(
        [
            {
                "obs": np.zeros((n + 1, 1)),
                "action": np.zeros(n),
                "reward": np.full(n, float(n)),
                "terminated": np.arange(n) == n - 1,
                "truncated": np.zeros(n, bool),
            }
            for n in (2, 3, 4)
        ]
    )
    assert [len(store[0]), len(store[-1])] == [2, 4]
    assert store[1:].lengths.tolist() == [3, 4]
    with pytest.raises(IndexError):
        store[3]
