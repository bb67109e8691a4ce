"""D4RL files: off-by-one and the last partial episode."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from rewardwrap.data import DataError
from rewardwrap.data.readers import read
from rewardwrap.data.reading import Options


def write(path: Path, **changes: object) -> Path:
    """Three episodes: terminated after 3 steps, timed out after 2, cut after 2."""
    columns = {
        "observations": np.arange(7.0)[:, None],
        "actions": np.arange(7.0)[:, None],
        "rewards": np.arange(7.0),
        "terminals": np.array([0, 0, 1, 0, 0, 0, 0], bool),
        "timeouts": np.array([0, 0, 0, 0, 1, 0, 0], bool),
        "infos/speed": np.arange(7.0),
        "infos/qpos": np.zeros((7, 3)),
    } | changes
    with h5py.File(path, "w") as file:
        for name, column in columns.items():
            if column is not None:
                file[name] = column
    return path


def test_no_episode_is_dropped_and_none_runs_into_the_next(tmp_path: Path) -> None:
    reading = read(write(tmp_path / "log.hdf5"))
    store = reading.store
    assert store.lengths.tolist() == [3, 2, 2]
    assert store.episode(1).obs.ravel().tolist() == [3, 4, 4]
    assert store.returns().tolist() == [3, 7, 11]
    assert store.episode(1).truncated.tolist() == [False, True]
    assert set(store.info) == {"speed", "successor_unknown"}
    assert reading.notes[0].check == "successors"


def test_recorded_successors_are_used(tmp_path: Path) -> None:
    successors = np.array([1, 2, 30, 4, 50, 6, 7.0])[:, None]
    reading = read(write(tmp_path / "log.h5", next_observations=successors))
    assert reading.store.lengths.tolist() == [3, 2, 2]
    assert reading.store.transitions().next_obs.ravel().tolist() == successors.ravel().tolist()
    assert not reading.notes


def test_columns_of_width_one_and_dict_observations_are_read(tmp_path: Path) -> None:
    changes = {
        "rewards": np.arange(7.0)[:, None],
        "observations": None,
        "observations/arm": np.zeros((7, 2)),
        "observations/eye": np.zeros((7, 3)),
    }
    store = read(write(tmp_path / "log.hdf5", **changes)).store
    assert store.obs["eye"].shape == (10, 3)
    assert store.reward.shape == (7,)


def test_last_steps_can_be_left_out_and_borders_added(tmp_path: Path) -> None:
    path = write(tmp_path / "log.hdf5")
    assert read(path, Options(drop_last=True)).store.lengths.tolist() == [2, 1, 1]
    assert read(path, Options(boundary=("length:2",))).store.lengths.tolist() == [2, 1, 1, 1, 1, 1]
    with pytest.raises(DataError, match="got an id rule"):
        read(path, Options(boundary=("id:speed",)))


def test_a_file_without_timeouts_says_what_that_means(tmp_path: Path) -> None:
    notes = read(write(tmp_path / "log.hdf5", timeouts=None)).notes
    assert "no column timeouts" in notes[0].sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rewards": None}, r"must hold observations, .*, got actions, .*Add rewards"),
        ({"actions": np.zeros((6, 1))}, "actions? must have one row for each of 7 rewards"),
        ({"terminals": np.full(7, np.nan)}, "terminated must be true or false in every row"),
        ({"observations": np.array([b"x"] * 7)}, "obs must hold numbers"),
        ({"rewards": 1.0}, "rewards must have one row per step"),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        read(write(tmp_path / "log.hdf5", **changes))


@pytest.mark.parametrize("left", [0, 100, 0.5, 0.99])
def test_a_file_cut_short_is_one_sentence(tmp_path: Path, left: float) -> None:
    path = write(tmp_path / "log.hdf5")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * left) if left < 1 else int(left)])
    with pytest.raises(DataError, match="must be a whole HDF5 file"):
        read(path)
