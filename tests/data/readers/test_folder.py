"""Folders of parquet files, LeRobot's among them; and tables of answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rewardwrap.api.fit import judgements
from rewardwrap.core.errors import UnknownName
from rewardwrap.data import DataError
from rewardwrap.data.answers import read_answers
from rewardwrap.data.readers import read
from rewardwrap.data.reading import Options
from tests.data.makers import numbered


def lerobot(episode: int, steps: int = 4) -> dict[str, Any]:
    t = np.arange(steps)
    return {
        "observation.state": [[float(episode), float(i)] for i in t],
        "action": [[0.5] for _ in t],
        "episode_index": [episode] * steps,
        "frame_index": t,
        "timestamp": t / 10,
        "next.reward": t.astype(float),
        "next.done": t == steps - 1,
        "index": episode * steps + t,
    }


@pytest.mark.parametrize("version", [2, 3])
def test_lerobot_is_read_by_its_indices(tmp_path: Path, version: int) -> None:
    chunk = tmp_path / "set" / "data" / "chunk-000"
    chunk.mkdir(parents=True)
    meta = tmp_path / "set" / "meta"
    meta.mkdir()
    pq.write_table(pa.table({"tasks": ["lift"]}), meta / "tasks.parquet")
    tables = [pa.table(lerobot(i)) for i in range(3)]
    if version == 2:
        for i, table in enumerate(tables):
            pq.write_table(table, chunk / f"episode_{i:06d}.parquet")
    else:
        pq.write_table(pa.concat_tables(tables), chunk / "file-000.parquet")
    store = read(tmp_path / "set").store
    assert store.lengths.tolist() == [4, 4, 4]
    assert store.obs.shape == (15, 2)
    assert store.episode(2).reward.tolist() == [0, 1, 2, 3]
    assert store.ids.tolist() == ["0", "1", "2"]
    assert not store.terminated.any()


def test_files_of_other_columns_are_read_apart(tmp_path: Path) -> None:
    pq.write_table(pa.table(lerobot(0)), tmp_path / "a.parquet")
    pq.write_table(pa.table({**lerobot(1), "extra": [0] * 4}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match='must have the same columns, got b.parquet .*"extra"'):
        read(tmp_path)
    pq.write_table(pa.table(lerobot(1)), tmp_path / "b.parquet")
    assert len(read(tmp_path, Options(leave_out=("episode:0",))).store) == 1


HEAD = "episode_a,start_a,episode_b,start_b,length,better_b\n"


def test_answers_are_read_by_ids_and_steps(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text(HEAD + "0,0,1,2,3,1.0\n1,1,0,2,3,0.5\n")
    found = read_answers(path, numbered([5, 6]))
    assert found.a.episode.tolist() == [0, 1]
    assert found.b.start.tolist() == [2, 2]
    assert found.preferred.tolist() == [1.0, 0.5]
    path.with_suffix(".jsonl").write_text(
        '{"episode_a": "0", "start_a": 0, "episode_b": "1", "start_b": 0, "length": 2, "answer": 0}\n'
    )
    assert read_answers(path.with_suffix(".jsonl"), numbered([5, 6])).preferred.tolist() == [0]


@pytest.mark.parametrize(
    ("row", "error", "sentence"),
    [
        ("0,0,7,2,3,1", UnknownName, 'No episode "7"'),
        ("0,0,1,2,3,2", DataError, r"must lie in \[0, 1\] or be empty, got 2 in row 0"),
        ("0,0,1,2,30,1", DataError, "must lie inside one episode"),
        ("0,0.5,1,2,3,1", DataError, "must hold whole numbers"),
    ],
)
def test_answers_that_fit_nothing_are_refused(
    tmp_path: Path, row: str, error: type[Exception], sentence: str
) -> None:
    (tmp_path / "answers.csv").write_text(HEAD + row + "\n")
    with pytest.raises(error, match=sentence):
        read_answers(tmp_path / "answers.csv", numbered([5, 6]))
    (tmp_path / "answers.csv").write_text(HEAD.replace("length,", "") + "0,0,1,2,1\n")
    with pytest.raises(DataError, match="Add length"):
        read_answers(tmp_path / "answers.csv", numbered([5, 6]))


def test_a_file_ends_an_episode_unless_something_says_that_it_goes_on(tmp_path: Path) -> None:
    rows = {
        "episode": [0] * 4,
        "obs_0": [0.0, 1.0, 2.0, 3.0],
        "action_0": [0.0] * 4,
        "reward": [1.0] * 4,
    }
    for name in ("part-2", "part-10"):
        pq.write_table(pa.table(rows), tmp_path / f"{name}.parquet")
    store = read(tmp_path).store
    assert store.lengths.tolist() == [4, 4]
    assert store.ids.tolist() == ["0", "0"]  # one name: they stay on one side of a split
    for i, name in enumerate(("part-2", "part-10")):
        step = {"step": [4 * i + t for t in range(4)]}
        pq.write_table(pa.table(rows | step), tmp_path / f"{name}.parquet")
    assert read(tmp_path).store.lengths.tolist() == [8]


def test_folders_of_csv_are_one_table(tmp_path: Path) -> None:
    for i in range(2):
        text = "".join(f"{i};{t};0,5;0,1;1\n" for t in range(3))
        (tmp_path / f"run{i}.csv").write_text("episode;step;obs_0;action_0;reward\n" + text)
    assert read(tmp_path).store.lengths.tolist() == [3, 3]


def test_episodes_that_lack_steps_of_a_lerobot_table_are_said(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "meta").mkdir()
    for i in range(2):
        rows = {"episode_index": [i] * 3, "frame_index": [0, 1, 2], "observation.state": [[0.0]] * 3,
                "action": [[0.0]] * 3, "next.reward": [1.0] * 3}  # fmt: skip
        pq.write_table(pa.table(rows), tmp_path / "data" / f"episode_{i:06d}.parquet")
    lines = [f'{{"episode_index": {i}, "length": {n}}}\n' for i, n in enumerate((3, 5, 4))]
    (tmp_path / "meta" / "episodes.jsonl").write_text("".join(lines))
    said = [note.sentence for note in read(tmp_path).notes if note.check == "short of meta"]
    assert "episode 1 holds 3 of 5" in said[0]
    assert "have no steps: 2" in said[1]


def test_answers_are_read_from_every_table_and_in_words(tmp_path: Path) -> None:
    store = numbered([20, 20, 20])
    rows = {"episode_a": ["0", "1", "2"], "start_a": [0, 3, 1], "episode_b": ["1", "2", "0"],
            "start_b": [5, 0, 2], "length": [10, 10, 10]}  # fmt: skip
    for form, cells in (("better_b", [1.0, 0.5, 0.0]), ("preference", ["b", "tie", "A"])):
        table = pa.table(rows | {form: cells})
        pq.write_table(table, tmp_path / "answers.parquet")
        lines = [json.dumps(row) for row in table.to_pylist()]
        (tmp_path / "answers.jsonl").write_text("\n".join(lines))
        (tmp_path / "answers.json").write_text(f"[{','.join(lines)}]")
        for suffix in ("parquet", "jsonl", "json"):
            found = judgements(tmp_path / f"answers.{suffix}", store)
            assert found.preferred.tolist() == [1.0, 0.5, 0.0]
            assert found.b.start.tolist() == [5, 0, 2]
    pq.write_table(pa.table(rows | {"label": [1, 0, 1]}), tmp_path / "answers.parquet")
    with pytest.raises(DataError, match="may mean either clip. Rename the column to better_b"):
        judgements(tmp_path / "answers.parquet", store)


def test_chosen_and_rejected_are_answers(tmp_path: Path) -> None:
    store = numbered([20, 8])
    path = tmp_path / "pairs.jsonl"
    clip = {"episode": "0", "start": 5, "length": 3}
    path.write_text(json.dumps({"chosen": clip, "rejected": {**clip, "start": 1}}))
    found = judgements(path, store)
    assert (found.preferred.tolist(), found.b.start.tolist(), found.a.start.tolist()) == (
        [1.0],
        [5],
        [1],
    )
    path.write_text(json.dumps({"chosen": "0", "rejected": "1"}))
    found = judgements(path, store)
    assert (found.b.length.tolist(), found.a.length.tolist()) == ([20], [8])
