"""Folders that Hugging Face's ``datasets`` wrote with ``save_to_disk``; imitation keeps trajectories so.

``state.json`` names Arrow streams in their order. The library itself is not needed, and nothing runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rewardwrap.data.errors import DataError
from rewardwrap.data.readers.table import read_table
from rewardwrap.data.reading import Note, Options, Reading
from rewardwrap.limits import parsed

STATE, SPLITS = "state.json", "dataset_dict.json"


def is_folder(folder: Path) -> bool:
    """Whether the folder holds one data set, or several splits of one."""
    return (folder / STATE).is_file() or (folder / SPLITS).is_file()


def read(folder: Path, options: Options) -> Reading:
    """Read all steps, or all episodes where a row holds one.

    Raises:
        DataError: Several splits, a file cut short, or what `readers.table` asks.
    """
    notes: list[Note] = []
    if (folder / SPLITS).is_file():
        parts = sorted(each.name for each in folder.iterdir() if (each / STATE).is_file())
        if len(parts) != 1:
            raise DataError(
                f"{folder} must hold one split, got {', '.join(parts) or 'none'}. "
                f"Name the one that is meant, e.g. {folder}/{parts[0] if parts else 'train'}."
            )
        folder = folder / parts[0]
    return read_table(folder, _table(folder), options, notes)


def files(folder: Path) -> list[Path]:
    """The streams of one data set, in their order."""
    state = parsed((folder / STATE).read_text(encoding="utf-8"))
    # a list from elsewhere must not lead out of its folder
    return [folder / Path(str(each["filename"])).name for each in state["_data_files"]]


def _table(folder: Path) -> Any:
    import pyarrow as pa

    try:
        tables = []
        for path in files(folder):
            with pa.OSFile(str(path)) as file:
                tables.append(pa.ipc.open_stream(file).read_all())
        return pa.concat_tables(tables)
    except (ValueError, KeyError, TypeError, OSError, pa.ArrowException) as error:
        said = str(error).splitlines()[0].rstrip(".")
        raise DataError(
            f"{folder} must be a whole data set of Hugging Face's datasets, got: {said}. "
            "It was cut short; save it again with save_to_disk."
        ) from error
