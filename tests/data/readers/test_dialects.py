"""What other packages write: the same episodes, whoever kept them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rewardwrap.core.errors import UnknownName
from rewardwrap.data import DataError
from rewardwrap.data.readers import read
from rewardwrap.data.reading import Options, Reading
from tests.data.readers.test_layouts import EPISODES, STEPS, assert_true, columns, truth

ENDS = np.arange(STEPS) == STEPS - 1


def notes(reading: Reading) -> set[str]:
    return {note.check for note in reading.notes}


def robomimic(path: Path, *, broken: bool = False) -> Path:
    with h5py.File(path, "w") as file:
        for i, (obs, action, reward) in enumerate(truth()):
            demo = file.create_group(f"data/demo_{9 + i}")
            demo["actions"], demo["rewards"], demo["dones"] = action, reward, ENDS.astype(int)
            for k, name in enumerate(("pos", "vel")):
                demo[f"obs/{name}"] = obs[:-1, [k]]
                demo[f"next_obs/{name}"] = obs[1:, [k]]
        if broken:
            file.create_group("data/demo_99")
    return path


def test_demonstrations_of_robomimic_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    reading = read(robomimic(tmp_path / "demo.hdf5"))
    assert reading.store.ids.tolist() == ["demo_9", "demo_10", "demo_11"]
    for episode, (obs, _, reward) in zip(reading.store, truth(), strict=True):
        np.testing.assert_allclose(episode.obs["pos"][:, 0], obs[:, 0])
        np.testing.assert_allclose(episode.obs["vel"][:, 0], obs[:, 1])
        np.testing.assert_allclose(episode.reward, reward)
    assert not reading.store.terminated.any()
    assert "borders" in notes(reading)  # "dones" does not say why


def test_keys_and_broken_demonstrations_are_left_out_by_name(tmp_path: Path) -> None:
    path = robomimic(tmp_path / "demo.hdf5", broken=True)
    with pytest.raises(
        DataError, match=r"data/demo_99 must hold actions.*--leave-out episode:demo_99"
    ):
        read(path)
    store = read(path, Options(leave_out=("episode:demo_99", "obs/vel"))).store
    assert store.ids.tolist() == ["demo_9", "demo_10", "demo_11"]
    assert list(store.obs) == ["pos"]
    with pytest.raises(UnknownName, match='episode "demo_3"'):
        read(path, Options(leave_out=("episode:demo_99", "episode:demo_3")))
    with pytest.raises(DataError, match="must name keys of the observations"):
        read(path, Options(leave_out=("episode:demo_99", "torque")))
    with pytest.raises(DataError, match="must be cut as it says itself"):
        read(path, Options(boundary=("length:2",)))


def test_both_dumps_of_d3rlpy_hold_the_same_episodes(tmp_path: Path) -> None:
    flat = [
        np.concatenate(parts)
        for parts in zip(*((o[:-1], a, r) for o, a, r in truth()), strict=True)
    ]
    over = np.arange(EPISODES) == 1
    terminals = np.concatenate([ENDS & flag for flag in over])
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["observations"], file["actions"], file["rewards"] = flat
        file["terminals"], file["episode_terminals"] = (
            terminals * 1.0,
            np.tile(ENDS, EPISODES) * 1.0,
        )
        file["discrete_action"], file["version"] = False, "1.0"
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["columns"] = ["observations", "actions", "rewards", "terminated"]
        file["num_episodes"], file["version"] = EPISODES, "2.1"
        for i, (obs, action, reward) in enumerate(truth()):
            file[f"observations_{i}"], file[f"actions_{i}"] = obs[:-1], action
            file[f"rewards_{i}"], file[f"terminated_{i}"] = reward[:, None], over[i]
    for name in ("one.h5", "two.h5"):
        store = read(tmp_path / name).store
        assert_true(store, successors=False)
        np.testing.assert_array_equal(store.terminated, terminals)
        np.testing.assert_array_equal(store.truncated, np.concatenate([ENDS & ~f for f in over]))
        # d3rlpy keeps no terminal observation
        np.testing.assert_array_equal(store.info["successor_unknown"], np.tile(ENDS, EPISODES))


def test_discrete_actions_and_tuples_of_d3rlpy_keep_their_shape(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["columns"], file["num_episodes"] = ["observations", "actions"], 1
        for j in range(2):
            file[f"observations_0_{j}"] = np.arange(3.0)[:, None] + j
        file["actions_0"], file["rewards_0"] = np.array([[0], [2], [1]]), np.zeros((3, 1))
        file["terminated_0"] = True
    store = read(tmp_path / "two.h5").store
    assert store.action.tolist() == [0, 2, 1]
    assert [leaf[:, 0].tolist() for leaf in store.obs] == [[0, 1, 2, 2], [1, 2, 3, 3]]


def imitation() -> dict[str, Any]:
    obs, action, reward = (np.concatenate(parts) for parts in zip(*truth(), strict=True))
    at = np.cumsum([STEPS] * (EPISODES - 1))
    infos = np.array([{}] * (STEPS * EPISODES), dtype=object)
    return {"obs": obs, "acts": action, "rews": reward, "indices": at, "infos": infos,
            "terminal": np.ones(EPISODES, bool)}  # fmt: skip


def test_trajectories_of_imitation_keep_their_last_observation(tmp_path: Path) -> None:
    np.savez(tmp_path / "demos.npz", **imitation())
    reading = read(tmp_path / "demos.npz")
    assert_true(reading.store)
    assert {"columns", "borders"} <= notes(reading)  # infos are pickled; "terminal" may be a clock
    assert (
        len(read(tmp_path / "demos.npz", Options(leave_out=("episode:1",))).store) == EPISODES - 1
    )


def saved_to_disk(folder: Path, table: pa.Table) -> Path:
    """As ``datasets.Dataset.save_to_disk`` does, which no test has to install."""
    folder.mkdir()
    names = []
    for i, part in enumerate((table.slice(0, 2), table.slice(2))):
        names.append({"filename": f"data-{i:05d}-of-00002.arrow"})
        with (
            pa.OSFile(str(folder / names[-1]["filename"]), "w") as file,
            pa.ipc.new_stream(file, table.schema) as stream,
        ):
            stream.write_table(part)
    (folder / "state.json").write_text(json.dumps({"_data_files": names}))
    return folder


def rowwise(*, terminal: bool = True) -> dict[str, list[Any]]:
    made = truth()
    return {
        "obs": [obs.tolist() if terminal else obs[:-1].tolist() for obs, _, _ in made],
        "acts": [action.tolist() for _, action, _ in made],
        "rews": [reward.tolist() for *_, reward in made],
        "terminal": [True] * EPISODES,
        "infos": [["{}"] * STEPS] * EPISODES,
    }


def test_folders_of_hugging_face_are_read_by_steps_and_by_episodes(tmp_path: Path) -> None:
    assert_true(read(saved_to_disk(tmp_path / "steps", pa.table(columns()))).store)
    assert_true(read(saved_to_disk(tmp_path / "episodes", pa.table(rowwise()))).store)
    both = tmp_path / "both"
    both.mkdir()
    (both / "dataset_dict.json").write_text("{}")
    saved_to_disk(both / "train", pa.table(columns()))
    assert_true(read(both).store)
    saved_to_disk(both / "test", pa.table(columns()))
    with pytest.raises(DataError, match=r"must hold one split, got test, train"):
        read(both)
    (tmp_path / "steps" / "data-00001-of-00002.arrow").write_bytes(b"cut")
    with pytest.raises(DataError, match="It was cut short"):
        read(tmp_path / "steps")


@pytest.mark.parametrize("suffix", ["jsonl", "json", "parquet"])
def test_one_row_an_episode_is_read_from_any_table(tmp_path: Path, suffix: str) -> None:
    for terminal in (True, False):
        table = rowwise(terminal=terminal)
        path = tmp_path / f"log.{suffix}"
        rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        if suffix == "parquet":
            pq.write_table(pa.table(table), path)
        else:
            path.write_text(
                json.dumps(rows) if suffix == "json" else "\n".join(map(json.dumps, rows))
            )
        reading = read(path)
        assert_true(reading.store, successors=terminal)
        assert ("successors" in notes(reading)) is not terminal


def test_an_episode_whose_lists_do_not_fit_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    table = rowwise()
    table["rews"][1] = table["rews"][1][:-1]
    pq.write_table(pa.table(table), tmp_path / "log.parquet")
    with pytest.raises(
        DataError, match="episode 1 must have as many actions.*--leave-out episode:1"
    ):
        read(tmp_path / "log.parquet")
    assert len(read(tmp_path / "log.parquet", Options(leave_out=("episode:1",))).store) == 2


def test_json_is_a_table_too(tmp_path: Path) -> None:
    table = columns()
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    for document in (rows, table):
        (tmp_path / "log.json").write_text(json.dumps(document))
        assert_true(read(tmp_path / "log.json").store)
    (tmp_path / "log.json").write_text("[1, 2]")
    with pytest.raises(DataError, match="must be a list of objects"):
        read(tmp_path / "log.json")
    (tmp_path / "log.json").write_text("[1, 2")
    with pytest.raises(DataError, match="must be a JSON table"):
        read(tmp_path / "log.json")
