"""npz files: flat columns by exact names, a table, or trajectories of imitation.

| columns | read as |
|---|---|
| ``obs, action, reward, next_obs, terminated, truncated, episode`` | steps, exactly |
| ``obs, acts, indices, terminal`` (and ``rews``) | trajectories of imitation: T + 1 observations each |
| other known names (``observations``, ``terminals`` ...) | a table, see `readers.table` |
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.data.boundary import TERMINATED, TRUNCATED
from rewardwrap.data.errors import DataError
from rewardwrap.data.flat import Rows
from rewardwrap.data.readers.episodic import Whole, kept_ids, read_whole, say_done
from rewardwrap.data.readers.names import DONE, EPISODE, ORDER, REWARD
from rewardwrap.data.readers.table import read_columns
from rewardwrap.data.reading import Note, Options, Reading
from rewardwrap.data.rows import episodes_of
from rewardwrap.limits import require_modest

IMITATION = {"obs", "acts", "indices", "terminal"}
OBJECTS = ("infos", "info")
"""Columns that are left out where they hold objects; others are refused."""
ONE = {*REWARD, *EPISODE, *ORDER, *DONE, *TERMINATED, *TRUNCATED}
"""Columns of one number a row, which some keep as a column of width one."""
COLUMNS = ("obs", "action", "reward", "next_obs", "terminated", "truncated", "episode")


def read(path: Path, options: Options) -> Reading:
    """Read an npz. Dict observations are columns ``obs.KEY``; other columns of N numbers are info.

    Raises:
        DataError: The file is cut short, or lacks a column; objects in it are never unpickled.
    """
    notes: list[Note] = []
    columns = _arrays(path, options, notes)
    found = {name: nested(name, columns) for name in COLUMNS}
    if set(columns) >= IMITATION:
        return _imitation(path, columns, options, notes)
    if any(column is None for column in found.values()) or _chosen(options):
        return _table(path, columns, options, notes)
    steps = np.shape(found["reward"])[:1]
    taken = {name for name in columns if name.partition(".")[0] in COLUMNS}
    info = {
        name: column
        for name, column in columns.items()
        if name not in taken and column.shape == steps and column.dtype.kind in "biuf"
    }
    rows = Rows(**found, info=info, source=path.name)
    reading = episodes_of(rows, rule="column episode, and after terminated or truncated")
    return Reading(reading.store, reading.rule, notes + reading.notes)


def _chosen(options: Options) -> bool:
    named = (options.obs, options.action, options.reward, options.next_obs, options.terminated,
             options.truncated, options.order)  # fmt: skip
    return any(each is not None for each in named) or bool(
        options.boundary or options.without_columns
    )


def _table(path: Path, columns: dict[str, Any], options: Options, notes: list[Note]) -> Reading:
    """Arrays of N rows each under names that tables have."""
    whole = {
        re.sub(r"^(obs|next_obs|action)\.", r"\1/", name): c
        for name, c in columns.items()
        if c.ndim
    }
    sizes = {name: len(column) for name, column in whole.items()}
    if not sizes or len(set(sizes.values())) > 1 or not min(sizes.values()):
        raise DataError(
            f"{path} must hold columns of one length, one row a step, got "
            f"{', '.join(f'{name} {size}' for name, size in sizes.items()) or 'nothing'}. "
            "Save obs, action, reward, next_obs, terminated, truncated, episode with np.savez."
        )
    flat = {name: c.reshape(-1) if c.ndim == 2 and c.shape[1] == 1 and name in ONE else c
            for name, c in whole.items()}  # fmt: skip
    return read_columns(path, flat, options, notes)


def _imitation(path: Path, columns: dict[str, Any], options: Options, notes: list[Note]) -> Reading:
    """Trajectories as imitation saved them: ``indices`` parts actions, observations one later each."""
    at = np.asarray(columns["indices"], np.int64)
    parts = {
        "obs": np.split(columns["obs"], at + np.arange(len(at)) + 1),
        "action": np.split(columns["acts"], at),
        "reward": np.split(columns["rews"], at) if "rews" in columns else None,
    }
    ids = [str(i) for i in range(len(at) + 1)]
    kept = kept_ids(ids, options)
    episodes = []
    for i, name in enumerate(ids):
        action = parts["action"][i]  # type: ignore[index]
        reward = np.full(len(action), np.nan) if parts["reward"] is None else parts["reward"][i]
        if name in kept:
            episodes.append(Whole(name, obs=parts["obs"][i], action=action, reward=reward))  # type: ignore[index]
    say_done("terminal", int(np.sum(columns["terminal"])), notes)
    return read_whole(path, episodes, options, notes, rule="trajectories of imitation")


def nested(name: str, columns: dict[str, Any]) -> Any:
    """The column ``name``, or a dict of the columns ``name.KEY``; None where there is neither."""
    if name in columns:
        return columns[name]
    inner = {
        key.partition(".")[2]: column
        for key, column in columns.items()
        if key.partition(".")[0] == name and "." in key
    }
    return inner or None


def _arrays(path: Path, options: Options, notes: list[Note]) -> dict[str, Any]:
    columns = {}
    try:
        if zipfile.is_zipfile(path):
            require_modest(path)
        with path.open("rb") as handle:  # numpy leaves it open where the archive is torn
            file = np.load(handle, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise DataError(f"{path} must be an npz archive, got one array. Use np.savez.")
            for i, name in enumerate(file.files):
                if name in OBJECTS and _holds_objects(path, name):
                    sentence = f"{name} holds objects, which are never unpickled"
                    notes.append(Note("columns", sentence, 1))
                else:
                    columns[name] = file[name]
                options.progress(i + 1, len(file.files))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise DataError(
            f"{path} must be a whole npz file, got: {error}. It was cut short; write it again."
        ) from error
    except RewardwrapError:
        raise
    except ValueError as error:  # numpy's refusal to unpickle says the same
        raise DataError(
            f"{path} must hold arrays of numbers, got objects or no array ({error}). "
            "Nothing in it was executed; save each column as numbers with np.savez."
        ) from error
    return columns


def _holds_objects(path: Path, name: str) -> bool:
    """Whether a member is an array of pickled objects, by its head."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        head: Any = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            head = np.lib.format.read_array_header_2_0
        return bool(head(file)[2].hasobject)
