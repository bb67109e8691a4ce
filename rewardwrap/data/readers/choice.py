"""Which columns of a table are observation, action, reward and flags: known names, or the user's."""

from __future__ import annotations

from collections.abc import Container, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core.errors import UnknownName
from rewardwrap.data import boundary
from rewardwrap.data.errors import DataError
from rewardwrap.data.readers import names
from rewardwrap.data.readers.cells import numbers
from rewardwrap.data.reading import NONE, Note, Options

MANY = 12
"""Columns of one role that are printed one by one."""


def chosen(what: str, columns: dict[str, Any], asked: tuple[str, ...] | None) -> list[str]:
    """Columns by the user's names and patterns, or by the one known name that is there.

    Raises:
        DataError: No known name, or several; the sentence says which flag decides.
    """
    if asked is not None:
        return matching(columns, asked)
    words = names.OBS if what == "obs" else names.ACTION
    found = names.candidates(words, columns)
    if not found:
        cure = f"Rename them, or choose them with --{what} a,b,c"
        if len(columns) == 1:
            cure = "Name what stands between the cells with --sep"
        raise DataError(
            f"table must have columns {what} or {what}_<number>, got {', '.join(columns)}. {cure}."
        )
    return _only(what, found)


def matching(columns: dict[str, Any], asked: Sequence[str]) -> list[str]:
    """The columns that the user named, in that order; each may be a pattern.

    Raises:
        UnknownName: One that matches nothing.
    """
    found: list[str] = []
    for pattern in asked:
        hits = [pattern] if pattern in columns else \
            [name for name in columns if fnmatchcase(name, pattern)]  # fmt: skip
        if not hits:
            raise UnknownName("column", pattern, columns)
        found += [name for name in hits if name not in found]
    return found


def _only(what: str, found: list[list[str]]) -> list[str]:
    if len(found) > 1:
        shown = " or ".join(_short(each) for each in found)
        raise DataError(
            f"{what} must be one set of columns, got {shown}. "
            f"Choose with --{what}, or leave the other out with --leave-out."
        )
    return found[0]


def _short(family: list[str]) -> str:
    return family[0] if len(family) == 1 else f"{family[0]} to {family[-1]}"


def stacked(columns: dict[str, Any], chosen: list[str], kept: Container[str | None]) -> Any:
    """Columns side by side, entries of a dict as one; a lone ``action`` of whole numbers stays one number.

    Args:
        columns: Of the table; those that are copied are taken out of it, since they may be large.
        chosen: Which.
        kept: Columns that are still needed afterwards.
    """
    if all("/" in name for name in chosen):
        return _nested(columns, chosen)
    parts = [numbers(name, columns[name]) for name in chosen]
    if len(parts) == 1 and parts[0].ndim > 1:
        return parts[0]
    if chosen[0] in names.ACTION and len(parts) == 1 and parts[0].dtype.kind in "iu":
        return parts[0]  # a discrete action
    widths = [1 if part.ndim == 1 else part.shape[1] for part in parts]
    out = np.empty((len(parts[0]), sum(widths)), np.result_type(*parts))
    parts.clear()
    place = 0
    for name, width in zip(chosen, widths, strict=True):
        column = columns[name] if name in kept else columns.pop(name)
        out[:, place : place + width] = column.reshape(len(column), -1)
        place += width
    return out


def _nested(columns: dict[str, Any], chosen: list[str]) -> dict[str, Any]:
    """``obs/a/b`` as ``{"a": {"b": ...}}``."""
    found: dict[str, Any] = {}
    for name in chosen:
        *inner, last = name.split("/")[1:]
        place = found
        for key in inner:
            place = place.setdefault(key, {})
        place[last] = numbers(name, columns[name])
    return found


def reward(path: Path, columns: dict[str, Any], options: Options) -> str | None:
    """The reward column, which must be there or be disclaimed; None where it was.

    Raises:
        DataError: None, or several of the known names.
    """
    if options.reward == NONE:
        return None
    if options.reward is not None:
        boundary.column_reader(columns)(options.reward)
        return options.reward
    found = [name for name in names.REWARD if name in columns]
    if not found:
        raise DataError(
            f"{path} must have a column reward, got {', '.join(columns)}. "
            "Name it with --reward COLUMN, or say --reward none for data without rewards."
        )
    return _only("reward", [[name] for name in found])[0]


def flag(what: str, columns: dict[str, Any], asked: str | None) -> str | None:
    """The column of a flag: the user's, or the one known name that is there; None without any.

    Raises:
        DataError: Several of the known names that do not say the same.
    """
    if asked == NONE:
        return None
    if asked is not None:
        boundary.column_reader(columns)(asked)
        return asked
    known = boundary.TERMINATED if what == "terminated" else boundary.TRUNCATED
    found = [name for name in known if name in columns]
    if len(found) > 1 and any(
        not np.array_equal(columns[found[0]], columns[other]) for other in found[1:]
    ):
        return _only(what, [[name] for name in found])[0]
    return found[0] if found else None


def successors(
    path: Path, columns: dict[str, Any], obs: list[str], asked: tuple[str, ...] | None
) -> list[str] | None:
    """The successor of each observation column, or None where none is recorded.

    Raises:
        DataError: Several ways to name them, or successors of some columns alone.
    """
    if asked is not None:
        if asked == (NONE,):
            return None
        found = matching(columns, asked)
        if len(found) != len(obs):
            raise DataError(
                f"--next-obs must name one column for each of {len(obs)} of obs, got "
                f"{len(found)}. Name them in the order of obs: {', '.join(obs)}."
            )
        return found
    ways = {tuple(way) for way in _ways(obs)}
    whole = [list(way) for way in sorted(ways) if all(name in columns for name in way)]
    if whole:
        return _only("next-obs", whole)
    partly = next((way for way in sorted(ways) if any(name in columns for name in way)), None)
    if partly is not None:
        missing = ", ".join(name for name in partly if name not in columns)
        raise DataError(
            f"{path} must have a successor for each observation column, got none for "
            f"{missing}. Add them, or leave the others out with --leave-out."
        )
    return None


def _ways(obs: list[str]) -> list[list[str]]:
    """The names that successors of these columns may have, one list a way."""
    ways = [[f"next_{name}" for name in obs], [f"next.{name}" for name in obs],
            [f"{name}_next" for name in obs]]  # fmt: skip
    heads = {name.partition("/")[0] for name in obs if "/" in name}
    if len(heads) == 1 and all("/" in name for name in obs):
        return ways + [
            [f"{after}/{name.partition('/')[2]}" for name in obs] for after in names.NEXT_OBS
        ]
    word = next((w for w in sorted(names.OBS, key=len)[::-1]
                 if all(name == w or name in names.numbered(w, obs) for name in obs)), None)  # fmt: skip
    if word is not None:
        ways += [[after + name[len(word) :] for name in obs] for after in names.NEXT_OBS]
    return ways


def ask_about_the_rest(columns: dict[str, Any], used: set[str], options: Options) -> None:
    """Refuse to pass over a column that looks like one that matters.

    Raises:
        DataError: Names the column, and the flags that settle it.
    """
    settled = {"obs": options.obs, "action": options.action, "next-obs": options.next_obs}
    for name, column in columns.items():
        what = names.resembles(name) if name not in used else None
        if what is None or settled[what] is not None or np.asarray(column).dtype.kind not in "biuf":
            continue
        raise DataError(
            f'column "{name}" must be chosen or left out, got a name that resembles {what}. '
            f"Say --{what} with the columns that are meant, or --leave-out {name}."
        )


def left_out(columns: dict[str, Any], options: Options, notes: list[Note]) -> dict[str, Any]:
    """The columns without those that the user left out by name.

    Raises:
        UnknownName: A name that no column has.
    """
    out = matching(columns, options.without_columns)
    if out:
        notes.append(Note("left out", f"as asked: {', '.join(out)}", len(out), "note"))
    return {name: column for name, column in columns.items() if name not in out}


def say(roles: dict[str, list[str]], clock: str | None, notes: list[Note]) -> None:
    """Note which columns were chosen."""
    words = [f"{role} = {_some(names)}" for role, names in roles.items()]
    words += [f"order = {clock}"] if clock is not None else []
    notes.append(Note("columns", "; ".join(words), len(words), "note"))


def _some(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= MANY else f"{', '.join(names[:3])} ... {names[-1]}"
