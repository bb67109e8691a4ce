"""From a file, a folder or a Minari id to episodes. Nothing in a source is ever executed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.reading import Options, Reading, in_spaces

Reader = Callable[[Path, Options], Reading]
SUFFIXES = {
    ".npz": "npz",
    ".csv": "CSV",
    ".csv.gz": "CSV",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".hdf5": "HDF5",
    ".h5": "HDF5",
    ".pkl": "SB3 buffer",
    ".pickle": "SB3 buffer",
    ".safetensors": "replay buffer of a checkpoint",
}
TABLES = ("CSV", "parquet")
REPLAY = "replay.safetensors"


def read(source: str | Path, options: Options | None = None) -> Reading:
    """Read episodes from anywhere.

    Args:
        source: A file with one of the suffixes above, a saved store, a Minari dataset (id, folder
            or file), or the folder of a checkpoint.
        options: What the user says about it.

    Raises:
        DataError: Nothing there, or nothing that is read.
    """
    given = options or Options()
    path = Path(source)
    reader, kind = _reader(path)
    _options_fit(kind, given)
    reading = reader(path, given)
    return Reading(in_spaces(reading.store, given), reading.rule, reading.notes)


def _reader(path: Path) -> tuple[Reader, str]:
    from rewardwrap.data.readers import minari
    from rewardwrap.data.saved import is_saved_store

    if path.is_dir() and is_saved_store(path):
        return _saved, "store"
    if path.is_dir() and (path / REPLAY).is_file():
        return lambda folder, options: _of_kind(SUFFIXES[".safetensors"])(
            folder / REPLAY, options
        ), "checkpoint"
    kind = _kind(path)
    folder = minari.data_folder(path) if path.is_dir() or kind in (None, "HDF5") else None
    if folder is not None:
        return lambda _, options: minari.read(folder, options), "Minari dataset"
    if path.is_dir():
        raise DataError(
            "folder must be a saved store, a Minari dataset or a checkpoint with "
            f"{REPLAY}, got {path}. Name the file in it that holds the data."
        )
    if not path.exists():
        raise DataError(
            "SOURCE must be a file, a folder or the id of a Minari dataset in "
            f"{minari.root()}, got {path}. Check the path; nothing is downloaded."
        )
    if kind is None:
        known = ", ".join(SUFFIXES)
        raise DataError(
            f"SOURCE must end in {known}, got {path}. Convert it, or build an EpisodeStore in Python."
        )
    return _of_kind(kind), kind


def _kind(path: Path) -> str | None:
    name = path.name.lower()
    return next((SUFFIXES[s] for s in sorted(SUFFIXES, key=len)[::-1] if name.endswith(s)), None)


def _of_kind(kind: str) -> Reader:
    match kind:
        case "npz":
            from rewardwrap.data.readers.npz import read as reader
        case "CSV":
            from rewardwrap.data.readers.table import read_csv as reader
        case "parquet":
            from rewardwrap.data.readers.table import read_parquet as reader
        case "HDF5":
            from rewardwrap.data.readers.hdf5 import read as reader
        case "SB3 buffer":
            from rewardwrap.data.readers.buffers import read_pickle as reader
        case _:
            from rewardwrap.data.readers.buffers import read_safetensors as reader
    return reader


def _saved(folder: Path, _options: Options) -> Reading:
    return Reading(EpisodeStore.load(folder), "episodes as they were saved")


def _options_fit(kind: str, options: Options) -> None:
    """Refuse what the source could not obey.

    Raises:
        DataError: Names the option.
    """
    for name, where, given in (
        ("--boundary", (*TABLES, "HDF5"), options.boundary),
        ("--obs", TABLES, options.obs),
        ("--action", TABLES, options.action),
        ("--reward", TABLES, options.reward),
        ("--drop-last", (*TABLES, "HDF5"), options.drop_last),
    ):
        if given and kind not in where:
            raise DataError(
                f"{name} must be used with {' or '.join(where)} files, got it for a {kind}. "
                "Leave it out: the source says this itself."
            )
