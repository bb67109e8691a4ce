"""npz files: exact names, numbers alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rewardwrap.data import DataError
from rewardwrap.data.readers import read
from rewardwrap.data.reading import Options
from tests.data.makers import flat, numbered
from tests.data.test_saved import Trap


def write(path: Path, **changes: object) -> Path:
    columns = flat(numbered([3, 2])) | changes
    np.savez(path, **{k: v for k, v in columns.items() if v is not None})
    return path


def test_flat_columns_become_episodes(tmp_path: Path) -> None:
    reading = read(write(tmp_path / "log.npz", torque=np.arange(5.0), name=np.array(["x"])))
    assert reading.store.lengths.tolist() == [3, 2]
    assert reading.store.episode(0).obs.ravel().tolist() == [0, 1, 2, 3]
    assert reading.store.info["torque"].tolist() == [0, 1, 2, 3, 4]
    assert reading.store.source.tolist() == ["log.npz"] * 2


def test_dict_observations_are_columns_with_a_dot(tmp_path: Path) -> None:
    parts = {"obs": None, "next_obs": None}
    for name, first in (("obs", 0), ("next_obs", 1)):
        parts |= {f"{name}.arm": first + np.arange(5.0), f"{name}.eye": np.zeros((5, 2, 2))}
    store = read(write(tmp_path / "log.npz", **parts)).store
    assert store.obs["arm"].tolist() == [0, 1, 2, 3, 3, 4, 5]
    assert store.obs["eye"].shape == (7, 2, 2)


@pytest.mark.parametrize("name", ["obs", "action", "reward"])
def test_a_missing_column_is_named_with_what_exists(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=f"must have (columns|a column) {name}.*, got .*terminated"):
        read(write(tmp_path / "log.npz", **{name: None}))


def test_other_names_and_fewer_columns_are_read_as_a_table(tmp_path: Path) -> None:
    columns = flat(numbered([3, 2]))
    other = {
        "observations": "obs",
        "actions": "action",
        "rewards": "reward",
        "terminals": "terminated",
    }
    np.savez(tmp_path / "log.npz", **{name: columns[known] for name, known in other.items()})
    store = read(tmp_path / "log.npz").store
    assert store.lengths.tolist() == [3, 2]
    assert store.info["successor_unknown"].tolist() == [0, 0, 1, 0, 1]
    parts = {"obs": None, "next_obs": None, "obs.arm": np.arange(5.0), "truncated": None}
    store = read(write(tmp_path / "log.npz", **parts)).store
    assert store.obs["arm"].tolist() == [0, 1, 2, 2, 3, 4, 4]
    with pytest.raises(DataError, match="columns of one length"):
        read(write(tmp_path / "log.npz", truncated=None, reward=np.zeros(4)))


@pytest.mark.parametrize("left", [0, 100, 0.5, 0.99])
def test_a_file_cut_short_is_one_sentence(tmp_path: Path, left: float) -> None:
    path = write(tmp_path / "log.npz")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * left) if left < 1 else int(left)])
    with pytest.raises(DataError, match=r"must be a whole npz file|must hold arrays of numbers"):
        read(path)


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    hostile = np.array([Trap(trap)] * 5, object)
    with pytest.raises(DataError, match="must hold arrays of numbers, got objects"):
        read(write(tmp_path / "log.npz", reward=hostile))
    assert not trap.exists()


def test_a_single_array_is_no_archive(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(DataError, match="must be an npz archive, got one array"):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"terminated": np.full(5, np.nan)}, "terminated must be true or false in every row"),
        ({"reward": np.zeros(4)}, "must have one row for each of 4 rewards"),
        ({"reward": np.array(["a"] * 5)}, "reward must hold numbers"),
        ({"reward": np.zeros((5, 2))}, "reward must have one number per row"),
        ({k: v[:0] for k, v in flat(numbered([1])).items()}, "at least one step, got none"),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        read(write(tmp_path / "log.npz", **changes))


def test_options_for_tables_choose_columns_and_those_of_others_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "log.npz", cost=np.arange(5.0))
    store = read(path, Options(boundary=("length:2",), reward="cost")).store
    assert store.lengths.tolist() == [2, 1, 1, 1]
    assert store.reward.tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(DataError, match="--actions must be used with SB3 buffer"):
        read(path, Options(actions="executed"))
