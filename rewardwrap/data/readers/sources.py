"""Blocks of columns out of parquet, Feather, CSV, JSON lines and flat HDF5, without the rest in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core.errors import extra
from rewardwrap.data.errors import DataError
from rewardwrap.data.readers import folder as folders
from rewardwrap.data.readers import hffolder
from rewardwrap.data.readers.cells import spread
from rewardwrap.data.readers.csvfile import cells_of
from rewardwrap.data.readers.table import FILES, column_of
from rewardwrap.data.readers.text import recognised
from rewardwrap.data.reading import Options

BYTES = 64 << 20
"""Of a block, about: as many rows as fit."""
HEAD = 1 << 20
"""Bytes of a text file that are looked at to recognise it."""
FLAT = ("observations", "actions", "rewards", "terminals", "timeouts", "next_observations")
READ = (
    ".parquet",
    ".pq",
    ".feather",
    ".arrow",
    ".csv",
    ".tsv",
    ".jsonl",
    ".ndjson",
    ".hdf5",
    ".h5",
)


def blocks(path: Path, options: Options, rows: int) -> Iterator[dict[str, Any]]:
    """Columns of some rows at a time.

    Raises:
        DataError: A source that has no blocks.
    """
    if path.is_dir():
        for number, file in enumerate(_files(path)):
            for part in blocks(file, options, rows):
                yield part | {FILES: np.full(len(next(iter(part.values()))), number)}
        return
    suffix = path.suffix.lower()
    if suffix not in READ or not path.is_file():
        raise DataError(
            f"--stream must read a file or a folder of {', '.join(READ)}, got {path}. Leave --stream out, or "
            "unpack it."
        )
    if suffix in (".hdf5", ".h5"):
        yield from _hdf5(path, rows)
        return
    for table in _tables(path, suffix, options, rows):
        for begin in range(0, table.num_rows, rows):
            part = spread(table.slice(begin, rows))
            yield {name: column_of(name, part[name]) for name in part.column_names}


def _files(folder: Path) -> list[Path]:
    if hffolder.is_folder(folder):
        return hffolder.files(folder)
    found = folders.files(folder)
    if not found:
        raise DataError(f"{folder} must hold tables to be streamed, got none. Name the file.")
    return found


def _tables(path: Path, suffix: str, options: Options, rows: int) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv, json

    try:
        if suffix in (".parquet", ".pq"):
            with pq.ParquetFile(path) as file:
                for i in range(file.num_row_groups):
                    # all groups in one iterator would stay in arrow's memory until it ends
                    size = _fitting(file, rows)
                    for batch in file.iter_batches(batch_size=size, row_groups=[i]):
                        yield pa.Table.from_batches([batch])
                    pa.default_memory_pool().release_unused()
                    options.progress(i + 1, file.num_row_groups)
        elif suffix in (".feather", ".arrow"):
            yield from _arrow(path)
        elif suffix in (".csv", ".tsv"):
            yield from _csv(path, options, csv)
        else:
            with json.open_json(path, read_options=json.ReadOptions(block_size=BYTES)) as reader:
                yield from (pa.Table.from_batches([batch]) for batch in reader)
    except (pa.ArrowException, OSError) as error:
        said = str(error).splitlines()[0].rstrip(".")
        raise DataError(
            f"{path} must be a whole {suffix[1:]} file whose columns keep their sort, got: {said}. It was "
            "cut short or changes within; write it again, or leave --stream out."
        ) from error


def _fitting(file: Any, rows: int) -> int:
    """Rows of about `BYTES`."""
    size = sum(file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups))
    each = max(1, size // max(1, file.metadata.num_rows))
    return int(max(1, min(rows, BYTES // each)))


def _arrow(path: Path) -> Iterator[Any]:
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        try:
            file = pa.ipc.open_file(source)
        except pa.ArrowInvalid:
            # a stream of the same, as Hugging Face's datasets writes it
            source.seek(0)
            for batch in pa.ipc.open_stream(source):
                yield pa.Table.from_batches([batch])
            return
        for i in range(file.num_record_batches):
            yield pa.Table.from_batches([file.get_batch(i)])


def _csv(path: Path, options: Options, csv: Any) -> Iterator[Any]:
    import pyarrow as pa

    with path.open("rb") as file:
        raw = file.read(HEAD)
    text = recognised(path, raw, sep=options.sep, decimal=options.decimal)
    other = next((n for n in text.notes if n.check in ("encoding", "comments")), None)
    if other is not None:
        raise DataError(
            f"{path} must be UTF-8 without comments to be streamed, got {other.sentence}. "
            "Save it so, or leave --stream out."
        )
    head = csv.read_csv(
        pa.BufferReader(text.content[: text.content.rfind(b"\n") + 1] or text.content),
        parse_options=csv.ParseOptions(delimiter=text.sep),
        convert_options=cells_of(text),
    )
    # a column of whole numbers may have others further down
    kinds = {
        f.name: pa.float64() for f in head.schema if pa.types.is_integer(f.type) and "_" in f.name
    }
    reader = csv.open_csv(
        path,
        read_options=csv.ReadOptions(
            block_size=16 << 20, skip_rows=int(raw[:4].lower() == b"sep=")
        ),
        parse_options=csv.ParseOptions(delimiter=text.sep),
        convert_options=cells_of(text, column_types=kinds),
    )
    with reader:
        for batch in reader:
            table = pa.Table.from_batches([batch])
            kept = [name for name in table.column_names if name.strip()]
            yield table.select(kept).rename_columns([name.strip() for name in kept])


def _hdf5(path: Path, rows: int) -> Iterator[dict[str, Any]]:
    h5py = extra("h5py", needs="HDF5 files", install="data")
    with h5py.File(path, "r") as file:
        there = [name for name in FLAT if name in file and hasattr(file[name], "shape")]
        if not {"observations", "actions", "rewards"} <= set(there):
            raise DataError(
                f"{path} must hold flat columns {', '.join(FLAT)} to be streamed, got {', '.join(file)}. "
                "Leave --stream out."
            )
        each = sum(file[n].dtype.itemsize * int(np.prod(file[n].shape[1:])) for n in there)
        count, step = len(file["rewards"]), max(1, min(rows, BYTES // max(1, each)))
        for begin in range(0, count, step):
            part = {name: file[name][begin : begin + step] for name in there}
            one = {n: c.reshape(-1) for n, c in part.items() if n in FLAT[2:5]}
            if "episode_terminals" in file and "timeouts" not in file:
                ends = file["episode_terminals"][begin : begin + step].reshape(-1) > 0
                one["timeouts"] = ends & ~(one["terminals"] > 0)
            yield part | one
