"""Which columns say where episodes of a table begin, and what each row's episode is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.data import boundary
from rewardwrap.data.checks import flags as flags_of
from rewardwrap.data.errors import DataError
from rewardwrap.data.readers import names as known
from rewardwrap.data.reading import NONE, Note, Options


def rules_of(
    path: Path, columns: dict[str, Any], options: Options, steps_of_rlds: bool, notes: list[Note]
) -> list[boundary.Rule]:
    """The stated rules; without any, a column with the usual name of an id, or flags."""
    if options.boundary:
        return [boundary.parse(text) for text in options.boundary]
    named = [name for name in known.EPISODE if name in columns]
    runs = runs_apart(columns, named[:1], notes)
    done = [boundary.Flag(name) for name in known.DONE if name in columns]
    if named:
        return [*map(boundary.Name, [named[0], *runs]), *done]
    if steps_of_rlds:
        return [*map(boundary.Name, runs)]
    asked = [name for name in (options.terminated, options.truncated) if name in columns]
    usual = (*boundary.TERMINATED, *boundary.TRUNCATED, *known.DONE)
    flagged = [boundary.Flag(name) for name in (*asked, *usual) if name in columns and name]
    if not flagged:
        raise DataError(
            f"{path} must come with a rule for where episodes begin, got columns "
            f"{', '.join(name for name in columns if name.isprintable())}. State one: --boundary "
            f"{boundary.FORMS}."
        )
    return [*map(boundary.Name, runs), *dict.fromkeys(flagged)]


def runs_apart(columns: dict[str, Any], named: list[str], notes: list[Note]) -> list[str]:
    """Columns such as ``env`` that tell apart what one id, or no id, would join; each is said.

    Rows of several environments interleave. An id that counts within each of them, or none at all,
    would put rows one after the other that did not follow.
    """
    found: list[str] = []
    for name in known.RUN:
        column = columns.get(name)
        if column is None or column.dtype.kind not in "iuO" or column.ndim != 1:
            continue
        before = _coded([columns[each] for each in (*named, *found)], len(column))
        after = _coded([columns[each] for each in (*named, *found, name)], len(column))
        # one that changes with every row names no run
        if before < after <= max(1, len(column) // 2):
            found.append(name)
    if found:
        both = " and ".join([*named, *found])
        sentence = f"{both} together tell runs apart" if named else f"{both} tells runs apart"
        notes.append(Note("runs", sentence, len(found)))
    return found


def _coded(columns: list[Any], rows: int) -> int:
    """How many different rows there are."""
    code = np.zeros(rows, np.int64)
    for column in columns:
        _, own = np.unique(
            column.astype(np.str_) if column.dtype.kind == "O" else column, return_inverse=True
        )
        _, code = np.unique(code * (int(own.max(initial=0)) + 1) + own, return_inverse=True)
    return int(code.max(initial=0)) + 1


def names_of(columns: dict[str, Any], rules: list[boundary.Rule]) -> Any:
    """The id of each row, of all id rules together; None without one."""
    read = boundary.column_reader(columns)
    named = [read(rule.column) for rule in rules if isinstance(rule, boundary.Name)]
    if not named:
        return None
    for column in named:
        if _empty(column).any():
            raise DataError(
                f"boundary: an id must stand in every row, got {int(_empty(column).sum())} empty "
                "cells. Fill them: a row without a name belongs to no episode."
            )
    # text only where it must be: a million names of numbers compare quicker as numbers
    names = _plain_names(named[0])
    for more in named[1:]:
        both = names.astype(np.str_), _plain_names(more).astype(np.str_)
        names = np.char.add(np.char.add(both[0], "/"), both[1])
    return names


def _plain_names(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Whole numbers without a point, other objects as text."""
    if column.dtype.kind == "O":
        return column.astype(np.str_)
    if column.dtype.kind == "f" and (column == np.round(column)).all():
        return column.astype(np.int64)
    return column


def _empty(column: np.ndarray[Any, Any]) -> Any:
    if column.dtype.kind == "f":
        return np.isnan(column)
    if column.dtype.kind == "M":
        return np.isnat(column)
    return np.array([cell is None for cell in column]) if column.dtype.kind == "O" \
        else np.zeros(len(column), bool)  # fmt: skip


def used_up(rules: list[boundary.Rule]) -> set[str]:
    """Columns that a rule used up; a gap's column is still worth keeping."""
    return {rule.column for rule in rules if isinstance(rule, boundary.Flag | boundary.Name)}


REASONS = ("terminated", "truncated")


def with_both_reasons(
    one: dict[str, Any],
    rules: list[boundary.Rule],
    columns: dict[str, Any],
    options: Options,
    notes: list[Note],
) -> dict[str, Any]:
    """Flags with the other reason, where ``done`` stands beside one: an end without the one has the other.

    Args:
        one: Role -> its column.
        rules: Of the table.
        columns: Of the table.
        options: Where the user said that a flag is none, it stays none.
        notes: What was concluded is added.
    """  # fmt: skip
    known_ones = [role for role in REASONS if role in one]
    done = _unclear(rules)
    said = options.terminated, options.truncated
    if not done or done[0] not in known.DONE or len(known_ones) != 1 or NONE in said:
        return one
    here, other = known_ones[0], REASONS[1 - REASONS.index(known_ones[0])]
    flags = [
        flags_of(name, column) for name, column in ((done[0], columns[done[0]]), (here, one[here]))
    ]
    found = flags[0] & ~flags[1]
    if found.any():
        sentence = (
            f'{int(found.sum())} ends that "{done[0]}" tells and {here} does not were {other}'
        )
        notes.append(Note("borders", sentence, int(found.sum()), "note"))
    return one | {other: found}


def _unclear(rules: list[boundary.Rule]) -> list[str]:
    clear = (*boundary.TERMINATED, *boundary.TRUNCATED)
    return [r.column for r in rules if isinstance(r, boundary.Flag) and r.column not in clear]


def say_done(rules: list[boundary.Rule], reasons: int, notes: list[Note]) -> None:
    """Ends whose reason nothing tells: those of ``done``, where less than one reason has a column."""
    unclear = _unclear(rules)
    if unclear and not (reasons and unclear[0] in known.DONE):
        sentence = (
            f'"{unclear[0]}" says that an episode ended but not why: such ends carry neither flag; '
            "rename the column to terminated or truncated if it is one of them"
        )
        notes.append(Note("borders", sentence, len(unclear)))


def in_words(rules: list[boundary.Rule], steps_of_rlds: bool) -> str:
    words = ["after is_last"] if steps_of_rlds else []
    for rule in rules:
        match rule:
            case boundary.Flag(column):
                words.append(f"after {column}")
            case boundary.Name(column):
                words.append(f"where {column} changes")
            case boundary.Gap(column, limit):
                words.append(f"where {column} jumps by more than {limit:g} or runs backwards")
            case boundary.Length(steps):
                words.append(f"after every {steps} rows")
    return ", ".join((*words, "and after terminated or truncated"))
