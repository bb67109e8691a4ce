"""From a file, a folder or a Minari id to episodes. Nothing in a source is ever executed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rewardwrap.core.errors import UnknownName
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.fill import filled
from rewardwrap.data.readers.packed import only_name
from rewardwrap.data.reading import Note, Options, Reading, in_spaces

Reader = Callable[[Path, Options], Reading]
PACKED = ("", ".gz", ".bz2", ".xz", ".zip")
SUFFIXES = {
    ".npz": "npz",
    **{f".csv{packed}": "CSV" for packed in PACKED},
    **{f".tsv{packed}": "CSV" for packed in PACKED},
    **{f".jsonl{packed}": "JSON lines" for packed in PACKED},
    ".ndjson": "JSON lines",
    ".json": "JSON",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".feather": "Feather",
    ".arrow": "Feather",
    ".hdf5": "HDF5",
    ".h5": "HDF5",
    ".pkl": "SB3 buffer",
    ".pickle": "SB3 buffer",
    ".safetensors": "replay buffer of a checkpoint",
}
TABLES = ("CSV", "JSON lines", "JSON", "parquet", "Feather", "npz")
BUFFERS = ("SB3 buffer",)
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
    reading = _without(reader(path, given), given)
    notes = list(reading.notes)
    store = in_spaces(filled(reading.store, notes) if given.fill else reading.store, given)
    return Reading(store, reading.rule, notes, reading.left_out)


def _without(reading: Reading, options: Options) -> Reading:
    """The episodes without those that the user left out by name.

    Raises:
        UnknownName: An id that no episode has.
        DataError: No episode would be left.
    """
    asked = sorted(options.without - set(reading.left_out))
    if not asked:
        return reading
    ids = reading.store.ids.tolist()
    for name in asked:
        if name not in ids:
            raise UnknownName("episode", name, ids)
    kept = [i for i, name in enumerate(ids) if name not in asked]
    if not kept:
        raise DataError("--leave-out must leave an episode, got all of them. Name fewer.")
    note = Note("left out", f"episodes as asked: {', '.join(asked)}", len(ids) - len(kept), "note")
    return Reading(reading.store.select(kept), reading.rule, [note, *reading.notes])


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
        return _folder(path)
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


def _folder(path: Path) -> tuple[Reader, str]:
    """The reader of a folder that is neither a store, a checkpoint nor a Minari dataset."""
    from rewardwrap.data.readers import folder, hffolder

    if hffolder.is_folder(path):
        return hffolder.read, "parquet"
    found = folder.files(path)
    if found:
        return folder.read, SUFFIXES[found[0].suffix]
    raise DataError(
        "folder must be a saved store, a Minari dataset or a checkpoint with "
        f"{REPLAY}, of Hugging Face's datasets, or hold tables ({', '.join(folder.SUFFIXES)}), got {path}. "
        "Name the file in it that holds the data."
    )


def _kind(path: Path) -> str | None:
    name = path.name.lower()
    if name.endswith(".zip") and path.is_file():
        # a zip of one file is what that file is
        name = f"{only_name(path)}.zip".lower()
    return next((SUFFIXES[s] for s in sorted(SUFFIXES, key=len)[::-1] if name.endswith(s)), None)


def _of_kind(kind: str) -> Reader:
    match kind:
        case "npz":
            from rewardwrap.data.readers.npz import read as reader
        case "CSV":
            from rewardwrap.data.readers.csvfile import read as reader
        case "JSON lines":
            from rewardwrap.data.readers.arrowfile import read_jsonl as reader
        case "JSON":
            from rewardwrap.data.readers.jsonfile import read as reader
        case "parquet":
            from rewardwrap.data.readers.arrowfile import read_parquet as reader
        case "Feather":
            from rewardwrap.data.readers.arrowfile import read_feather as reader
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
        ("--next-obs", TABLES, options.next_obs),
        ("--terminated", TABLES, options.terminated),
        ("--truncated", TABLES, options.truncated),
        ("--order", TABLES, options.order),
        ("--sep", ("CSV",), options.sep),
        ("--decimal", ("CSV",), options.decimal),
        ("--actions", (*BUFFERS, "HDF5"), options.actions),
        ("--leave-out", (*TABLES, "HDF5"), options.without_columns),
        ("--drop-last", (*TABLES, "HDF5"), options.drop_last),
    ):
        if given and kind not in where:
            raise DataError(
                f"{name} must be used with {' or '.join(where)} files, got it for a {kind}. "
                "Leave it out: the source says this itself."
            )
