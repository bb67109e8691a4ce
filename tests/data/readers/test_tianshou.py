"""Tianshou's buffers: lanes, rings that went round, rows that were never filled."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from gymnasium import spaces

from rewardwrap.data import DataError
from rewardwrap.data.findings import findings
from rewardwrap.data.readers import read
from rewardwrap.data.reading import Options
from tests.data.readers.test_layouts import STEPS, assert_true, truth

BOX = spaces.Box(-2.0, 2.0, (1,), np.float64)


def rows_of(episodes) -> dict[str, np.ndarray]:
    obs, after, act, rew = (
        np.concatenate(parts)
        for parts in zip(*((o[:-1], o[1:], a / 2, r) for o, a, r in episodes), strict=True)
    )
    ends = np.arange(len(rew)) % STEPS == STEPS - 1
    return {"obs": obs, "obs_next": after, "act": act, "rew": rew, "terminated": ~ends & ends,
            "truncated": ends, "done": ends}  # fmt: skip


def saved(path: Path, lanes, room: int, *, turned: int = 0) -> Path:
    """What ``VectorReplayBuffer.save_hdf5`` writes, or that of one lane."""
    with h5py.File(path, "w") as file:
        meta, last = file.create_group("_meta"), []
        columns: dict[str, list[np.ndarray]] = {}
        for i, lane in enumerate(lanes):
            whole = rows_of(lane)
            for name, column in whole.items():
                ring = np.zeros((room, *column.shape[1:]), column.dtype)
                ring[: len(column)] = np.roll(column, turned, axis=0)
                columns.setdefault(name, []).append(ring)
            last.append(i * room + (turned or len(column)) - 1)
        for name, rings in columns.items():
            meta[name] = np.concatenate(rings)
        file["last_index"] = last
        file.attrs["maxsize"] = room * len(lanes)
        if len(lanes) == 1:
            file.attrs["_size"] = len(column)
        else:
            file["_lengths"] = [len(rows_of(lane)["rew"]) for lane in lanes]
            file["_extend_offset"] = room * np.arange(len(lanes) + 1)
    return path


@pytest.mark.parametrize(
    ("parts", "room", "turned"), [((3,), 20, 0), ((3,), 15, 5), ((1, 2), 10, 0)]
)
def test_a_saved_buffer_is_read_oldest_first(
    tmp_path: Path, parts: tuple[int, ...], room: int, turned: int
) -> None:
    episodes = truth()
    ends = np.cumsum(parts)
    lanes = [episodes[end - count : end] for count, end in zip(parts, ends, strict=True)]
    path = saved(tmp_path / "b.hdf5", lanes, room, turned=turned)
    store = read(path, Options(action_space=BOX)).store
    assert_true(store)
    assert store.truncated.sum() == 3
    half = read(path, Options(action_space=BOX, actions="executed")).store
    np.testing.assert_allclose(2 * half.action, store.action)
    assert any("which Tianshou maps" in note.sentence for note in read(path).notes)


def test_an_empty_buffer_is_a_sentence_and_names_of_tables_are_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "b.hdf5", [truth()], 20)
    with h5py.File(path, "a") as file:
        file.attrs["_size"] = 0
    with pytest.raises(DataError, match="got an empty buffer"):
        read(path)
    with h5py.File(tmp_path / "flat.h5", "w") as file:
        for name, column in rows_of(truth()).items():
            file[name] = 2 * column if name == "act" else column
    assert_true(read(tmp_path / "flat.h5").store)


def test_rows_that_were_never_filled_are_found(tmp_path: Path) -> None:
    rows = rows_of(truth())
    rows["act"] = 2 * rows["act"]
    np.savez(tmp_path / "full.npz", **rows)
    assert all(note.check != "empty" for note in findings(read(tmp_path / "full.npz").store))
    padded = {k: np.concatenate([v, np.zeros((4, *v.shape[1:]), v.dtype)]) for k, v in rows.items()}
    np.savez(tmp_path / "room.npz", **padded)
    store = read(tmp_path / "room.npz").store
    found = [note for note in findings(store) if note.check == "empty"]
    assert found[0].count == 1
    assert "--leave-out episode:" in found[0].sentence
