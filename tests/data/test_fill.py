"""Missing cells: the median of the neighbours in time, flagged, and never from another episode."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rewardwrap.data import DataError
from rewardwrap.data.fill import filled
from rewardwrap.data.reading import Note
from tests.data.makers import nested, numbered


def test_a_cell_is_the_median_of_its_neighbours_in_time_by_hand() -> None:
    store = numbered([3, 3])
    obs = store.obs.copy()  # 0 1 2 3, 100 101 102 103
    obs[[1, 3, 4, 6, 7]] = np.nan
    notes: list[Note] = []
    found = filled(replace(store, obs=obs), notes)
    assert found.obs[:, 0].tolist() == [0, 1, 2, 2, 101, 101, 101, 101]
    assert found.info["obs_0_missing"].tolist() == [0, 1, 0, 1, 0, 1]
    assert notes[0].count == 3
    np.testing.assert_array_equal(found.reward, store.reward)


def test_an_episode_that_knows_nothing_gets_the_median_of_the_column() -> None:
    store = numbered([3, 2])
    obs = store.obs.copy()
    obs[4:] = np.nan
    assert filled(replace(store, obs=obs), []).obs[4:, 0].tolist() == [1.5] * 3


def test_complete_data_come_back_as_they_are_and_empty_columns_are_refused() -> None:
    for store in (numbered([3]), nested([4, 2])):
        assert filled(store, []) is store
    store = numbered([3])
    with pytest.raises(DataError, match="obs_0 must have a known cell .*--leave-out obs_0"):
        filled(replace(store, obs=np.full_like(store.obs, np.nan)), [])
