from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from rewardwrap.core.errors import RewardValueError
from rewardwrap.core.info import (
    NO_INFO,
    ColumnInfo,
    Info,
    LaneInfo,
    ListInfo,
    MergedInfo,
    VectorInfo,
)
from rewardwrap.testing.toys import LIMIT, Chain

LANES = [{"x": 1.5, "ram": np.array([1, 2])}, {"x": 2.5, "ram": np.array([3, 4])}]
COLUMNS = {"x": np.array([1.5, 2.5]), "ram": np.array([[1, 2], [3, 4]])}
MASKED = {**COLUMNS, "_x": np.array([True, True]), "_ram": np.array([True, True])}


def readers() -> list[Info]:
    return [ListInfo(LANES), ColumnInfo(COLUMNS), VectorInfo(MASKED), VectorInfo(COLUMNS)]


def test_all_readers_agree_on_what_they_hold() -> None:
    for info in readers():
        assert sorted(info.keys()) == ["ram", "x"]
        assert "x" in info
        assert "_x" not in info
        for key, column in COLUMNS.items():
            np.testing.assert_array_equal(info[key], column)


def test_a_single_lane_reads_as_a_batch_of_one() -> None:
    for i, values in enumerate(LANES):
        info = LaneInfo(values)
        assert sorted(info.keys()) == ["ram", "x"]
        for key, column in COLUMNS.items():
            np.testing.assert_array_equal(info[key], column[[i]])


@pytest.mark.parametrize("rows", [np.array([False, True]), np.array([1, 0]), slice(0, 1)])
def test_all_readers_take_the_same_rows(rows: Any) -> None:
    for info in readers():
        taken = info.take(rows)
        assert sorted(taken.keys()) == ["ram", "x"]
        for key, column in COLUMNS.items():
            np.testing.assert_array_equal(taken[key], column[rows])


def test_rows_of_rows_are_counted_within_the_first_ones() -> None:
    column = np.arange(4.0)
    lanes = [{"x": value} for value in column]
    some, fewer = np.array([False, True, True, True]), np.array([False, False, True])
    for info in (ListInfo(lanes), ColumnInfo({"x": column}), VectorInfo({"x": column})):
        assert info.take(some).take(fewer)["x"].tolist() == [3.0]
        assert info.take(slice(1, None)).take(slice(1, 2))["x"].tolist() == [2.0]


@pytest.mark.parametrize("info", [*readers(), LaneInfo(LANES[0])])
def test_a_missing_key_lists_what_exists(info: Info) -> None:
    with pytest.raises(RewardValueError, match='info must hold "y", got ram, x. Read a key'):
        info["y"]


def test_a_host_that_reports_nothing_says_so() -> None:
    assert list(NO_INFO.keys()) == []
    assert NO_INFO.take(np.array([True])) is NO_INFO
    for info in (NO_INFO, ListInfo([{}]), LaneInfo({}), VectorInfo({})):
        with pytest.raises(RewardValueError, match='info must hold "x", got nothing'):
            info["x"]


def test_a_key_that_one_lane_lacks_cannot_be_read() -> None:
    listed = ListInfo([{"x": 1.0, "y": 2.0}, {"x": 1.0}])
    assert list(listed.keys()) == ["x"]
    with pytest.raises(RewardValueError, match='must hold "y", got x'):
        listed["y"]
    masked = VectorInfo({"x": np.ones(2), "y": np.ones(2), "_y": np.array([True, False])})
    with pytest.raises(RewardValueError, match='must hold "y"'):
        masked["y"]


def test_a_mask_counts_only_on_the_rows_that_are_read() -> None:
    info = VectorInfo({"x": np.array([7.0, 8.0, 0.0]), "_x": np.array([True, True, False])})
    assert info.take(np.array([True, True, False]))["x"].tolist() == [7.0, 8.0]
    with pytest.raises(RewardValueError):
        info.take(np.array([1, 2]))["x"]


def test_rows_that_ended_are_read_from_final_info() -> None:
    first = {"x": np.array([0.0, 5.0]), "_x": np.array([True, True])}
    ended = {"x": np.array([9.0, 0.0]), "_x": np.array([True, False])}
    columns = {**first, "final_info": ended, "_final_info": np.array([True, False])}
    final = np.array([True, False])
    assert VectorInfo(columns, final=final)["x"].tolist() == [9.0, 5.0]
    assert VectorInfo(columns)["x"].tolist() == [0.0, 5.0]
    assert VectorInfo(columns, final=final).take(final)["x"].tolist() == [9.0]
    # what was merged is a copy
    assert first["x"].tolist() == [0.0, 5.0]


def test_a_key_only_in_final_info_counts_on_the_rows_that_ended() -> None:
    ended = {"won": np.array([1.0, 0.0]), "_won": np.array([True, False])}
    columns = {"x": np.ones(2), "final_info": ended}
    final = np.array([True, False])
    info = VectorInfo(columns, final=final)
    assert sorted(info.keys()) == ["won", "x"]
    assert info.take(final)["won"].tolist() == [1.0]
    with pytest.raises(RewardValueError, match='must hold "won"'):
        info["won"]


def test_a_done_row_whose_final_info_lacks_the_key_cannot_be_read() -> None:
    ended = {"x": np.zeros(2), "_x": np.array([False, False])}
    columns = {"x": np.ones(2), "_x": np.array([True, True]), "final_info": ended}
    with pytest.raises(RewardValueError, match='must hold "x"'):
        VectorInfo(columns, final=np.array([True, False]))["x"]


def test_gymnasiums_own_vector_env_is_read_as_its_lanes_report() -> None:
    makers = [Chain, Chain]
    env: Any = SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)
    alone: list[gym.Env[Any, Any]] = [Chain(), Chain()]
    _, columns = env.reset(seed=0)
    reports = [lane.reset(seed=0)[1] for lane in alone]
    np.testing.assert_array_equal(VectorInfo(columns)["place"], ListInfo(reports)["place"])
    for _ in range(LIMIT):
        *_, terminated, truncated, columns = env.step(np.array([0, 1]))
        reports = [lane.step(action)[-1] for lane, action in zip(alone, (0, 1), strict=True)]
        read = VectorInfo(columns, final=terminated | truncated)
        for key in ("position", "reward_progress", "place"):
            np.testing.assert_array_equal(read[key], ListInfo(reports)[key])
    assert truncated.all()
    env.close()


def test_lanes_that_start_and_lanes_that_go_on_are_read_as_one() -> None:
    masked = {"x": np.array([0.0, 9.5]), "_x": np.array([False, True])}
    merged = MergedInfo(ListInfo(LANES), VectorInfo(masked), np.array([False, True]))
    assert merged.keys() == ["x"]
    assert merged["x"].tolist() == [1.5, 9.5]
    assert merged.take(np.array([True, False]))["x"].tolist() == [1.5]
    assert merged.take(np.array([1]))["x"].tolist() == [9.5]
    with pytest.raises(RewardValueError, match='"ram"'):
        merged["ram"]
