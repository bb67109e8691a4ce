"""Folders of parquet files, in the order of their names; LeRobot's v2 and v3 are such.

LeRobot writes ``data/chunk-000/episode_000000.parquet`` (v2) or ``data/chunk-000/file-000.parquet`` (v3),
``meta/`` beside it; ``episode_index`` says what is one episode, ``frame_index`` its order.
"""

from __future__ import annotations

from pathlib import Path

from rewardwrap.data.errors import DataError
from rewardwrap.data.readers.arrowfile import parquet
from rewardwrap.data.readers.table import read_table
from rewardwrap.data.reading import Note, Options, Reading


def files(folder: Path) -> list[Path]:
    """The parquet files of a folder; of a LeRobot data set, those below ``data``."""
    inner = folder / "data" if (folder / "meta").is_dir() or (folder / "data").is_dir() else folder
    return sorted(path for path in inner.rglob("*.parquet") if path.is_file())


def read(folder: Path, options: Options) -> Reading:
    """Read all files as one table.

    Raises:
        DataError: Files with other columns, or what `readers.table` asks.
    """
    import pyarrow as pa

    tables = [parquet(path, options) for path in files(folder)]
    names = tables[0].column_names
    for path, table in zip(files(folder), tables, strict=True):
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
    notes = [
        Note("files", f"{len(tables)} parquet files were read as one table", len(tables), "note")
    ]
    return read_table(folder, whole, options, notes)
