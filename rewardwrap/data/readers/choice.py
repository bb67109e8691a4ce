"""Which columns of a table are observation, action, reward and flags."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core.errors import UnknownName
from rewardwrap.data import boundary
from rewardwrap.data.errors import DataError
from rewardwrap.data.readers.cells import numbers
from rewardwrap.data.reading import Options

OBS, ACTION = ("obs", "observation", "state"), ("action", "act")
REWARD = ("reward", "rewards")
NO_REWARD = "none"


def chosen(what: str, columns: dict[str, Any], asked: tuple[str, ...] | None) -> list[str]:
    """Columns by the user's names and patterns, or by the usual prefix."""
    if asked is not None:
        found: list[str] = []
        for pattern in asked:
            matching = [name for name in columns if fnmatchcase(name, pattern)]
            if not matching:
                raise UnknownName("column", pattern, columns)
            found += [name for name in matching if name not in found]
        return found
    for prefix in OBS if what == "obs" else ACTION:
        family = [n for n in columns if n == prefix or n.startswith((f"{prefix}_", f"{prefix}."))]
        if family:
            return _in_order(family, len(prefix) + 1)
    raise DataError(
        f"table must have columns {what} or {what}_*, got {', '.join(columns)}. "
        f"Rename them, or choose them with --{what} a,b,c."
    )


def _in_order(family: list[str], start: int) -> list[str]:
    """By number where all are numbered, as in obs_2, obs_10; as in the file otherwise."""
    if all(name[start:].isdecimal() for name in family):
        return sorted(family, key=lambda name: int(name[start:]))
    return family


def stacked(columns: dict[str, Any], names: list[str]) -> Any:
    """Columns side by side; a lone ``action`` of whole numbers stays one number."""
    parts = [numbers(name, columns[name]) for name in names]
    if len(parts) == 1 and parts[0].ndim > 1:
        return parts[0]
    if names[0] in ACTION and len(parts) == 1 and parts[0].dtype.kind in "iu":
        return parts[0]  # a discrete action
    wide = [part if part.ndim > 1 else part[:, None] for part in parts]
    return np.concatenate(wide, axis=1)


def reward(path: Path, columns: dict[str, Any], options: Options, used: set[str]) -> Any:
    """The reward column, which must be there or be disclaimed."""
    if options.reward == NO_REWARD:
        return np.full(len(next(iter(columns.values()))), np.nan)
    name = options.reward or next((name for name in REWARD if name in columns), None)
    if name is None:
        raise DataError(
            f"{path} must have a column reward, got {', '.join(columns)}. "
            "Name it with --reward COLUMN, or say --reward none for data without rewards."
        )
    used.add(name)
    return numbers(name, boundary.column_reader(columns)(name))


def flag(columns: dict[str, Any], names: tuple[str, ...], used: set[str], rows: int) -> Any:
    """The first of ``names`` that exists; nothing is flagged where none does."""
    name = next((name for name in names if name in columns), None)
    if name is None:
        return np.zeros(rows, bool)
    used.add(name)
    return numbers(name, columns[name])


def successors(path: Path, columns: dict[str, Any], obs: list[str], used: set[str]) -> Any:
    """The columns ``next_<obs column>``, or None where there is none at all."""
    wanted = [f"next_{name}" for name in obs]
    missing = [name for name in wanted if name not in columns]
    if len(missing) == len(wanted):
        return None
    if missing:
        raise DataError(
            f"{path} must have a successor for each observation column, got none for "
            f"{', '.join(missing)}. Add them, or leave all next_* columns out."
        )
    used.update(wanted)
    return stacked(columns, wanted)
