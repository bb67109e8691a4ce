"""Folders of tables of one sort, in the order of their names; LeRobot's v2 and v3 are such.

LeRobot writes ``data/chunk-000/episode_000000.parquet`` (v2) or ``data/chunk-000/file-000.parquet`` (v3),
``meta/`` beside it; ``episode_index`` says what is one episode, ``frame_index`` its order, and the table
of episodes in ``meta/`` how long each is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.data import boundary
from rewardwrap.data.errors import DataError
from rewardwrap.data.readers import lerobot, rowwise
from rewardwrap.data.readers.arrowfile import json_table, parquet
from rewardwrap.data.readers.csvfile import table_of
from rewardwrap.data.readers.dialects import natural
from rewardwrap.data.readers.table import FILES, read_table
from rewardwrap.data.reading import Note, Options, Reading

SUFFIXES = (".parquet", ".jsonl", ".csv")


def files(folder: Path) -> list[Path]:
    """The tables of a folder, by the commonest sort first; of a LeRobot data set, those below ``data``."""
    inner = folder / "data" if (folder / "meta").is_dir() or (folder / "data").is_dir() else folder
    for suffix in SUFFIXES:
        found = [path for path in inner.rglob(f"*{suffix}") if path.is_file()]
        if found:
            return sorted(found, key=lambda path: natural(str(path.relative_to(folder))))
    return []


def read(folder: Path, options: Options) -> Reading:
    """Read all files as one table; where nothing says that an episode goes on, a file ends it.

    Raises:
        DataError: Files with other columns, or what `readers.table` asks.
    """
    import pyarrow as pa

    notes: list[Note] = []
    paths = files(folder)
    tables = [_table(path, options, notes) for path in paths]
    names = tables[0].column_names
    for path, table in zip(paths, tables, strict=True):
        if set(table.column_names) != set(names):
            other = sorted(set(table.column_names) ^ set(names))[0]
            raise DataError(
                f"files of {folder} must have the same columns, got {path.name} that differs in "
                f'"{other}". Read them apart.'
            )
    try:
        whole = pa.concat_tables([t.select(names) for t in tables], promote_options="permissive")
    except pa.ArrowException as error:
        raise DataError(
            f"files of {folder} must hold alike columns, got: {str(error).splitlines()[0]}. "
            "Read them apart."
        ) from error
    sentence = f"{len(tables)} {paths[0].suffix[1:]} files were read as one table"
    notes = [Note("files", sentence, len(tables), "note"), *dict.fromkeys(notes)]
    if not rowwise.is_rowwise(whole, options):
        numbers = np.repeat(np.arange(len(tables)), [table.num_rows for table in tables])
        whole = whole.append_column(FILES, pa.array(numbers))
        if boundary.FILE in options.boundary and boundary.FILE not in names:
            own = [str(path.relative_to(folder).with_suffix("")) for path in paths]
            whole = whole.append_column(boundary.FILE, pa.array(own).take(pa.array(numbers)))
    reading = read_table(folder, whole, options, notes)
    return Reading(
        reading.store,
        reading.rule,
        [*reading.notes, *lerobot.lacking(folder, reading.store)],
        reading.left_out,
    )


def _table(path: Path, options: Options, notes: list[Note]) -> Any:
    if path.suffix == ".parquet":
        return parquet(path, options)
    if path.suffix == ".jsonl":
        return json_table(path)
    return table_of(path, options, notes)
