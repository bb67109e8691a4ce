"""A store on disk: a folder that any other program can read too. Never pickle.

| file | content |
|---|---|
| ``store.json`` | format version, counts, structure of nested columns, spaces, fingerprint |
| ``steps.parquet`` | one row per step: reward, terminated, truncated, ``info/<name>`` |
| ``episodes.parquet`` | one row per episode: id, source, length |
| ``obs*.npy``, ``action*.npy`` | one array per leaf, observations with T + 1 rows per episode |
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rewardwrap.data.checks import named_leaves
from rewardwrap.data.columns import Columns
from rewardwrap.data.errors import DataError
from rewardwrap.data.spaces import from_json, to_json
from rewardwrap.files import whole_folder
from rewardwrap.limits import parsed

Store = TypeVar("Store", bound=Columns)

FORMAT = 1
MANIFEST = "store.json"
STEPS, EPISODES = "steps.parquet", "episodes.parquet"
OURS = (MANIFEST, STEPS, EPISODES, "obs*.npy", "action*.npy", "report.json")


def save(store: Columns, folder: str | os.PathLike[str]) -> Path:
    """Write ``store``; an older store in ``folder`` is replaced whole, anything else is refused.

    Raises:
        DataError: The folder holds something else.
    """
    target = Path(folder)
    check_free(target)
    with whole_folder(target, replace=True) as aside:
        import pyarrow as pa
        import pyarrow.parquet as pq

        info = {f"info/{name}": column for name, column in store.info.items()}
        flags = {"terminated": store.terminated, "truncated": store.truncated}
        pq.write_table(pa.table({"reward": store.reward, **flags, **info}), aside / STEPS)
        words = {name: pa.array(getattr(store, name).tolist(), pa.string()) for name in _WORDS}
        table = pa.table({"id": words["ids"], "source": words["source"], "length": store.lengths})
        pq.write_table(table, aside / EPISODES)
        written: dict[str, Any] = {
            "format": FORMAT,
            "episodes": len(store),
            "steps": store.steps,
            "fingerprint": store.fingerprint(),
            "observation_space": to_json(store.observation_space),
            "action_space": to_json(store.action_space),
        }
        for name in ("obs", "action"):
            written[name] = structure_of(getattr(store, name), name)
            for leaf, file in zip(_leaves(store, name), files_of(written[name]), strict=True):
                np.save(aside / file, np.ascontiguousarray(leaf), allow_pickle=False)
        (aside / MANIFEST).write_text(json.dumps(written, indent=1), encoding="utf-8")
    return target


_WORDS = ("ids", "source")


def _leaves(store: Columns, name: str) -> list[np.ndarray[Any, Any]]:
    return [array for _, array in named_leaves(getattr(store, name), name)]


def structure_of(columns: Any, name: str) -> Any:
    """The nesting of a column with the names of its files for arrays."""
    return _structure(columns, name, iter(range(10**6)))


def _structure(columns: Any, name: str, numbers: Any) -> Any:
    """The nesting with file names for arrays; keys may be anything, so files are numbered."""
    if isinstance(columns, dict):
        return {"dict": {str(k): _structure(v, name, numbers) for k, v in columns.items()}}
    if isinstance(columns, tuple | list):
        return {"tuple": [_structure(node, name, numbers) for node in columns]}
    return f"{name}{next(numbers)}.npy"


def files_of(structure: Any) -> list[str]:
    """The files of a nested column, in the order of its leaves."""
    if isinstance(structure, str):
        return [structure]
    inner = structure["dict"].values() if "dict" in structure else structure["tuple"]
    return [file for node in inner for file in files_of(node)]


def check_free(folder: Path) -> None:
    """Refuse early what `save` would refuse after the work.

    Raises:
        DataError: A file, or a folder that holds something else.
    """
    found = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    others = [name for name in found if not any(fnmatchcase(name, each) for each in OURS)]
    if others or (folder.exists() and not folder.is_dir()):
        what = f"with {others[0]} in it" if others else "which is a file"
        raise DataError(
            f"folder to write must be new, empty or hold older data alone, got {folder} {what}. "
            "Choose another name; nothing was overwritten."
        )


def is_saved_store(folder: Path) -> bool:
    """Whether ``folder`` holds what `save` writes."""
    return (folder / MANIFEST).is_file()


def load(folder: str | os.PathLike[str], make: Callable[..., Store]) -> Store:
    """Read columns and ``make`` a store of them; nothing in the folder is executed.

    Raises:
        DataError: No store, another format, or a file cut short.
    """
    source = Path(folder)
    written = _manifest(source)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        steps = pq.read_table(source / STEPS)
        episodes = pq.read_table(source / EPISODES)
        store = make(
            obs=_arrays(source, written["obs"]),
            action=_arrays(source, written["action"]),
            reward=steps["reward"].to_numpy(),
            terminated=steps["terminated"].to_numpy(),
            truncated=steps["truncated"].to_numpy(),
            lengths=episodes["length"].to_numpy(),
            ids=np.array(episodes["id"].to_pylist(), np.str_),
            source=np.array(episodes["source"].to_pylist(), np.str_),
            info={
                name.removeprefix("info/"): steps[name].to_numpy()
                for name in steps.column_names
                if name.startswith("info/")
            },
            observation_space=from_json(written["observation_space"]),
            action_space=from_json(written["action_space"]),
        )
    except (
        *(OSError, EOFError, ValueError, KeyError, TypeError, MemoryError),
        *(zipfile.BadZipFile, pa.ArrowException),
    ) as error:
        raise DataError(
            f"{source} must be a whole store, got: {error} It was cut short or changed; "
            "save it again."
        ) from error
    if (len(store), store.steps) != (written["episodes"], written["steps"]):
        raise DataError(
            f"{source} must hold {written['episodes']} episodes and {written['steps']} steps, got "
            f"{len(store)} and {store.steps}. It was changed by hand; save it again."
        )
    return store


def _manifest(source: Path) -> dict[str, Any]:
    if not (source / MANIFEST).is_file():
        raise DataError(
            f"folder must hold {MANIFEST}, got {source}. "
            "Make one with `rewardwrap ingest SOURCE --out DIR` or store.save(folder)."
        )
    try:
        written = parsed((source / MANIFEST).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(
            f"{source / MANIFEST} must be JSON, got {error}. It was cut short; save it again."
        ) from error
    found = written.get("format") if isinstance(written, dict) else type(written).__name__
    if found != FORMAT:
        raise DataError(
            f"{source / MANIFEST} must have format {FORMAT}, got {found}. "
            "Save it again with this version."
        )
    return dict(written)


def _arrays(source: Path, structure: Any) -> Any:
    if isinstance(structure, str):
        # a manifest from elsewhere must not lead out of its folder
        return np.load(source / Path(structure).name, allow_pickle=False)
    if "dict" in structure:
        return {key: _arrays(source, node) for key, node in structure["dict"].items()}
    return tuple(_arrays(source, node) for node in structure["tuple"])
