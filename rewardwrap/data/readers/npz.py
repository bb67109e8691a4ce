"""npz files with flat columns ``obs, action, reward, next_obs, terminated, truncated, episode``."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.data.errors import DataError
from rewardwrap.data.flat import Rows
from rewardwrap.data.reading import Options, Reading
from rewardwrap.data.rows import episodes_of
from rewardwrap.limits import require_modest

COLUMNS = ("obs", "action", "reward", "next_obs", "terminated", "truncated", "episode")


def read(path: Path, options: Options) -> Reading:
    """Read an npz. Dict observations are columns ``obs.KEY``; other columns of N numbers are info.

    Raises:
        DataError: The file is cut short, holds objects (they are never unpickled), or lacks a column.
    """
    columns = _arrays(path, options)
    found = {name: nested(name, columns) for name in COLUMNS}
    missing = [name for name in COLUMNS if found[name] is None]
    if missing:
        raise DataError(
            f"{path} must hold {', '.join(COLUMNS)}, got {', '.join(columns) or 'nothing'}. "
            f"Add {', '.join(missing)}, one row per step."
        )
    steps = np.shape(found["reward"])[:1]
    taken = {name for name in columns if name.partition(".")[0] in COLUMNS}
    info = {
        name: column
        for name, column in columns.items()
        if name not in taken and column.shape == steps and column.dtype.kind in "biuf"
    }
    rows = Rows(**found, info=info, source=path.name)
    return episodes_of(rows, rule="column episode, and after terminated or truncated")


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


def _arrays(path: Path, options: Options) -> dict[str, Any]:
    columns = {}
    try:
        if zipfile.is_zipfile(path):
            require_modest(path)
        with path.open("rb") as handle:  # numpy leaves it open where the archive is torn
            file = np.load(handle, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise DataError(f"{path} must be an npz archive, got one array. Use np.savez.")
            for i, name in enumerate(file.files):
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
