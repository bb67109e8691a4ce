"""A stream of blocks becomes the store that one reading becomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from rewardwrap.cli import main
from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.data.readers import read
from rewardwrap.data.readers.batches import readings
from rewardwrap.data.reading import Options
from rewardwrap.data.streamed import write_stream
from tests.data.readers.test_hdf5 import write as d4rl
from tests.data.readers.test_layouts import columns, moved, written
from tests.data.readers.test_layouts import rlds as rlds_rows


def streamed(path: Path, out: Path, rows: int, options: Options | None = None) -> EpisodeStore:
    report = write_stream(readings(path, options or Options(), rows=rows), out, source="log")
    store = EpisodeStore.load(out)
    assert json.loads((out / "store.json").read_text())["fingerprint"] == store.fingerprint()
    assert report.fingerprint == store.fingerprint()
    assert json.loads((out / "report.json").read_text())["counts"]["steps"] == store.steps
    return store


def sources(folder: Path) -> dict[str, Path]:
    table, rlds = columns(), rlds_rows()
    lines = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    pq.write_table(pa.table(table), folder / "log.parquet", row_group_size=4)
    pq.write_table(pa.table(rlds), folder / "rlds.parquet", row_group_size=4)
    feather.write_feather(pa.table(table), folder / "log.feather", chunksize=4)
    parts = folder / "parts"
    parts.mkdir()
    for i in range(3):
        part = moved(table, range(5 * i, 5 * i + 5))
        pq.write_table(pa.table(part), parts / f"part-{i}.parquet")
    short = columns(successors=False, flags=False)
    return {
        "csv": written(folder / "log.csv", table, ";", ","),
        "short csv": written(folder / "short.csv", short),
        "jsonl": folder / "log.jsonl",
        "parquet": folder / "log.parquet",
        "rlds": folder / "rlds.parquet",
        "feather": folder / "log.feather",
        "folder": parts,
        "hdf5": d4rl(folder / "log.hdf5", **{"infos/speed": None, "infos/qpos": None}),
    }


@pytest.mark.parametrize("rows", [3, 7, 100])
def test_blocks_become_the_store_that_one_reading_becomes(tmp_path: Path, rows: int) -> None:
    for name, path in sources(tmp_path).items():
        whole = read(path).store
        found = streamed(path, tmp_path / f"out {name}", rows)
        if path.suffix not in (".hdf5", ".csv") and name != "folder":
            assert found.fingerprint() == whole.fingerprint(), name
        np.testing.assert_array_equal(found.obs, whole.obs, name)
        np.testing.assert_array_equal(found.reward, whole.reward, name)
        np.testing.assert_array_equal(found.terminated, whole.terminated, name)
        np.testing.assert_array_equal(found.truncated, whole.truncated, name)
        assert found.ids.tolist() == whole.ids.tolist(), name


def test_ids_that_come_back_in_a_later_block_are_runs_of_their_own(tmp_path: Path) -> None:
    table = columns(successors=False)
    table["episode"] = [0] * 5 + [1] * 5 + [0] * 5
    path = written(tmp_path / "log.csv", table)
    assert streamed(path, tmp_path / "out", 4).ids.tolist() == ["0", "1", "0 (run 2)"]


def test_what_needs_all_rows_at_once_is_refused(tmp_path: Path) -> None:
    mixed = moved(columns(successors=False), np.argsort(columns()["step"], kind="stable"))
    path = written(tmp_path / "log.csv", mixed)
    with pytest.raises(DataError, match="must lie together to be streamed"):
        list(readings(path, Options()))
    with pytest.raises(DataError, match="got --fill median"):
        list(readings(path, Options(fill="median")))
    with pytest.raises(DataError, match="--stream must read a file or a folder"):
        list(readings(tmp_path / "log.npz", Options()))


def test_episodes_are_left_out_of_a_stream_too(tmp_path: Path) -> None:
    path = written(tmp_path / "log.csv", columns())
    store = streamed(path, tmp_path / "out", 4, Options(leave_out=("episode:1", "step")))
    assert store.ids.tolist() == ["0", "2"]
    assert "step" not in store.info


def test_the_command_streams(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "log.csv", columns())
    words: list[Any] = ["ingest", path, "--out", tmp_path / "out", "--stream", "--json"]
    assert main([str(word) for word in words]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["report"]["counts"]["episodes"] == 3
    assert EpisodeStore.load(tmp_path / "out").fingerprint() == read(path).store.fingerprint()
