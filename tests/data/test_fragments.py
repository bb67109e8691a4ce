"""Clips never cross an episode's end, and every step can be drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewardwrap.core import tree
from rewardwrap.data import DataError, Fragments, sample_fragments
from tests.data.makers import nested, numbered


def clips(*pieces: tuple[int, int, int], lengths: tuple[int, ...] = (5, 3)) -> Fragments:
    episode, start, length = np.array(pieces).T
    return Fragments(numbered(lengths), episode, start, length)


def test_clips_of_unequal_length_are_padded_with_their_last_row_and_masked() -> None:
    obs, mask = clips((0, 1, 3), (1, 2, 1)).obs()
    assert obs[..., 0].tolist() == [[1, 2, 3], [102, 102, 102]]
    assert mask.tolist() == [[True, True, True], [True, False, False]]


def test_a_clip_up_to_the_end_sees_the_terminal_observation_and_the_flag() -> None:
    batch, _ = clips((0, 3, 2)).transitions()
    assert batch.next_obs[..., 0].tolist() == [[4, 5]]
    assert batch.terminated.tolist() == [[False, True]]
    assert not batch.first.any()
    assert clips((0, 0, 2)).transitions()[0].first.tolist() == [[True, False]]


def test_returns_count_from_the_clips_own_start_and_padding_pays_nothing() -> None:
    assert clips((0, 1, 3), (1, 2, 1)).returns().tolist() == [6, 2]
    assert clips((0, 1, 3), (1, 2, 1)).returns(0.5).tolist() == [1 + 1 + 0.75, 2]


def test_a_missing_reward_makes_only_its_own_clip_missing() -> None:
    store = numbered([4], reward=np.array([1.0, np.nan, 1.0, 1.0]))
    returns = Fragments(store, [0, 0], [0, 2], [2, 2]).returns()
    np.testing.assert_array_equal(returns, [np.nan, 2])


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
    st.integers(1, 9),
    st.integers(0, 999),
    st.booleans(),
)
@settings(max_examples=40)
def test_drawn_clips_lie_inside_one_episode(
    lengths: list[int], length: int, seed: int, shorter: bool
) -> None:
    store = nested(lengths, seed)
    if max(lengths) < length and not shorter:
        with pytest.raises(DataError, match="length must fit into an episode"):
            sample_fragments(store, 20, length, seed=seed)
        return
    drawn = sample_fragments(store, 20, length, seed=seed, shorter=shorter)
    of = store.episode_of_step[drawn.rows]
    assert (of == drawn.episode[:, None]).all()
    gathered, mask = drawn.transitions()
    whole = store.transitions()
    for one, other in zip(tree.leaves(gathered.next_obs), tree.leaves(whole.next_obs), strict=True):
        np.testing.assert_array_equal(one[mask], other[drawn.rows[mask]])


def test_every_window_is_drawn_with_the_same_chance_the_last_one_included() -> None:
    store = numbered([6, 4, 2])
    drawn = sample_fragments(store, 6000, 3, seed=0)
    windows, counts = np.unique(np.stack([drawn.episode, drawn.start]), axis=1, return_counts=True)
    assert windows.T.tolist() == [[0, 0], [0, 1], [0, 2], [0, 3], [1, 0], [1, 1]]
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)


def test_short_episodes_are_drawn_whole_where_that_is_wanted() -> None:
    drawn = sample_fragments(numbered([6, 2]), 200, 3, seed=0, shorter=True)
    assert set(drawn.length[drawn.episode == 1]) == {2}


@pytest.mark.parametrize("piece", [(0, 3, 3), (0, -1, 2), (2, 0, 1), (-1, 0, 1), (0, 0, 0)])
def test_a_clip_that_leaves_its_episode_is_refused(piece: tuple[int, int, int]) -> None:
    with pytest.raises(DataError, match="fragment 0 must lie inside one episode"):
        clips(piece)


def test_clips_need_whole_numbers_and_as_many_of_each() -> None:
    store = numbered([3])
    with pytest.raises(DataError, match="one episode, start and length each, got 1, 2 and 1"):
        Fragments(store, [0], [0, 1], [1])
    with pytest.raises(DataError, match="start must be int64, got float64"):
        Fragments(store, [0], [0.5], [1])
    with pytest.raises(DataError, match="n and length must be at least 1"):
        sample_fragments(store, 0, 1, seed=0)
