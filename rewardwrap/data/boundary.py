"""Where episodes begin in a table: rules that the user states.

| rule | a new episode begins |
|---|---|
| ``flag:COLUMN`` | after a row in which the column is true |
| ``id:COLUMN`` | where the column changes; rows of one value are put together |
| ``gap:COLUMN>X`` | where the column jumps by more than X, or runs backwards |
| ``length:N`` | after every N rows (of one name, where there are names) |
| ``file`` | with every file of a folder |
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rewardwrap.core.errors import UnknownName
from rewardwrap.core.transitions import BoolArray
from rewardwrap.data.checks import flags
from rewardwrap.data.errors import DataError

_GAP = re.compile(r"(?P<column>.+?)\s*>\s*(?P<limit>[^>]+)")
FORMS = "flag:COLUMN, id:COLUMN, gap:COLUMN>X, length:N or, for a folder, file"
FILE = "file"
"""The rule, and the column that a folder's tables get by it: the name of the file."""
TERMINATED = ("terminated", "terminal", "terminals", "termination", "terminations")
TRUNCATED = ("truncated", "TimeLimit.truncated", "timeout", "timeouts", "truncation", "truncations")


@dataclass(frozen=True)
class Flag:
    """``flag:COLUMN``."""

    column: str


@dataclass(frozen=True)
class Name:
    """``id:COLUMN``."""

    column: str


@dataclass(frozen=True)
class Gap:
    """``gap:COLUMN>X``; for a column of times, X is in seconds."""

    column: str
    limit: float


@dataclass(frozen=True)
class Length:
    """``length:N``."""

    steps: int


Rule = Flag | Name | Gap | Length


def parse(text: str) -> Rule:
    """Read one rule.

    Example:
        >>> parse("gap:time>0.5")
        Gap(column='time', limit=0.5)

    Raises:
        DataError: It is none of them.
    """
    if text == FILE:
        return Name(FILE)
    form, _, rest = text.partition(":")
    if rest and form == "flag":
        return Flag(rest)
    if rest and form == "id":
        return Name(rest)
    if form == "length" and rest.isdecimal() and int(rest) > 0:
        return Length(int(rest))
    gap = _GAP.fullmatch(rest) if form == "gap" else None
    if gap:
        try:
            return Gap(gap["column"], float(gap["limit"]))
        except ValueError:
            pass
    raise DataError(f'boundary must be {FORMS}, got "{text}". Write e.g. --boundary id:episode.')


def begins(
    rules: list[Rule], read: Callable[[str], Any], rows: int, *, names: Any = None
) -> BoolArray:
    """``(N,)`` borders of all rules.

    Args:
        rules: What the user stated.
        read: Returns a column by name.
        rows: N.
        names: ``(N,)`` names, rows of one name together; None where there is none.
    """
    found = np.zeros(rows, bool)
    found[:1] = True
    if names is not None:
        found[1:] = names[1:] != names[:-1]
    first = np.maximum.accumulate(np.where(found, np.arange(rows), 0))
    for rule in rules:
        match rule:
            case Length(steps):
                found |= (np.arange(rows) - first) % steps == 0
            case Flag(column):
                found[1:] |= flags(column, read(column))[:-1]
            case Gap(column, limit):
                found[1:] |= _jumps(column, read(column), limit)
    return found


def _jumps(name: str, values: Any, limit: float) -> BoolArray:
    column = np.asarray(values)
    if column.dtype.kind == "M":
        column = column.astype("datetime64[ns]").astype(np.int64) / 1e9
    if column.dtype.kind not in "iuf" or not np.isfinite(column).all():
        raise DataError(
            f'boundary: column "{name}" must hold a number or a time in every row, got dtype '
            f"{column.dtype} or empty cells. Fill them, or use another rule: {FORMS}."
        )
    step = np.diff(column.astype(np.float64))
    jumps: BoolArray = (step > limit) | (step < 0)
    return jumps


def column_reader(columns: dict[str, Any]) -> Callable[[str], Any]:
    """Reads columns of a table, and names what exists where one does not."""

    def read(name: str) -> Any:
        if name not in columns:
            raise UnknownName("column", name, columns)
        return columns[name]

    return read
