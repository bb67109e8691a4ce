"""CSV and parquet tables, one row per step.

| columns | meaning |
|---|---|
| ``obs``, ``obs_*`` (or ``observation*``, ``state*``) | observation before the action |
| ``action``, ``action_*`` (or ``act*``) | action; a lone ``action`` of whole numbers is discrete |
| ``reward`` | reward; an empty cell is a missing one |
| ``next_<each obs column>`` | true successor; all of them or none |
| ``terminated``, ``truncated`` (or ``terminal``, ``timeout``) | flags |
| every other column of numbers | info |
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.data import boundary
from rewardwrap.data.errors import DataError
from rewardwrap.data.flat import Rows
from rewardwrap.data.readers import choice
from rewardwrap.data.readers.cells import as_numpy
from rewardwrap.data.reading import Note, Options, Reading
from rewardwrap.data.rows import episodes_of, grouped

NAMES = ("episode", "episode_id")
DONE = ("done", "dones")


def read_csv(path: Path, options: Options) -> Reading:
    """Read a CSV file with a header line, compressed or not.

    Raises:
        DataError: A line that was cut short, a column that lacks, or no rule for borders.
    """
    import pyarrow as pa
    from pyarrow import csv

    notes = []
    try:
        table = csv.read_csv(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{path} must be a CSV table with a header and equally many cells in each line, got: "
            f"{_first_line(error)}. It may have been cut short; write it again."
        ) from error
    if path.suffix == ".csv" and not _ends_a_line(path):
        sentence = "the last line does not end: its last cell may have been cut short"
        notes.append(Note("cut short", sentence, 1))
    return _read(path, table, options, notes)


def read_parquet(path: Path, options: Options) -> Reading:
    """Read a parquet file, row group by row group.

    Raises:
        DataError: A file that was cut short, a column that lacks, or no rule for borders.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            groups = []
            for i in range(file.num_row_groups):
                groups.append(file.read_row_group(i))
                options.progress(i + 1, file.num_row_groups)
            table = pa.concat_tables(groups) if groups else file.schema_arrow.empty_table()
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path} must be a whole parquet file, got: {_first_line(error)}. "
            "It was cut short; write it again."
        ) from error
    return _read(path, table, options, [])


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) in (b"\n", b"\r")


def _read(path: Path, table: Any, options: Options, notes: list[Note]) -> Reading:
    if len(set(table.column_names)) < table.num_columns:
        twice = next(n for n in table.column_names if table.column_names.count(n) > 1)
        raise DataError(f'{path} must name each column once, got "{twice}" twice. Rename one.')
    columns = {name: as_numpy(name, table[name]) for name in table.column_names}
    if not table.num_rows:
        raise DataError(f"{path} must hold at least one row, got a header alone. Check the export.")
    rules = _rules(path, columns, options)
    columns, names = _by_name(columns, rules, notes)
    read = boundary.column_reader(columns)
    obs, action = (
        choice.chosen("obs", columns, options.obs),
        choice.chosen("action", columns, options.action),
    )
    used = {*obs, *action, *NAMES}
    rows = Rows(
        obs=choice.stacked(columns, obs),
        action=choice.stacked(columns, action),
        reward=choice.reward(path, columns, options, used),
        terminated=choice.flag(columns, boundary.TERMINATED, used, table.num_rows),
        truncated=choice.flag(columns, boundary.TRUNCATED, used, table.num_rows),
        next_obs=choice.successors(path, columns, obs, used),
        episode=names,
        begins=boundary.begins(rules, read, table.num_rows, names=names),
        info=_info(columns, used | _asked(rules), notes),
        source=path.name,
    )
    _say_done(rules, notes)
    reading = episodes_of(rows, rule=_in_words(rules), drop_last=options.drop_last)
    return Reading(reading.store, reading.rule, notes + reading.notes)


def _rules(path: Path, columns: dict[str, Any], options: Options) -> list[boundary.Rule]:
    """The stated rules; without any, a column with the usual name of an id, or flags."""
    if options.boundary:
        return [boundary.parse(text) for text in options.boundary]
    named = next((name for name in NAMES if name in columns), None)
    if named:
        return [boundary.Name(named)]
    usual = (*boundary.TERMINATED, *boundary.TRUNCATED, *DONE)
    flagged = [boundary.Flag(name) for name in usual if name in columns]
    if not flagged:
        raise DataError(
            f"{path} must come with a rule for where episodes begin, got columns "
            f"{', '.join(columns)}. State one: --boundary {boundary.FORMS}."
        )
    return list(flagged)


def _by_name(
    columns: dict[str, Any], rules: list[boundary.Rule], notes: list[Note]
) -> tuple[dict[str, Any], Any]:
    """Columns with the rows of one name together, and the names as text."""
    read = boundary.column_reader(columns)
    named = [read(rule.column) for rule in rules if isinstance(rule, boundary.Name)]
    if not named:
        return columns, None
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
    order, note = grouped(names)
    if note is None:
        return columns, names
    notes.append(note)
    return {name: column[order] for name, column in columns.items()}, names[order]


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


def _asked(rules: list[boundary.Rule]) -> set[str]:
    """Columns that a rule used up; a gap's column is still worth keeping."""
    return {rule.column for rule in rules if isinstance(rule, boundary.Flag | boundary.Name)}


def _info(columns: dict[str, Any], used: set[str], notes: list[Note]) -> dict[str, Any]:
    left = {name: column for name, column in columns.items() if name not in used}
    info = {n: c for n, c in left.items() if c.dtype.kind in "biuf" and c.ndim == 1}
    out = [name for name in left if name not in info]
    if out:
        sentence = f"columns without one number per row were left out: {', '.join(out)}"
        notes.append(Note("columns", sentence, len(out), "note"))
    return info


def _say_done(rules: list[boundary.Rule], notes: list[Note]) -> None:
    known = (*boundary.TERMINATED, *boundary.TRUNCATED)
    unclear = [r.column for r in rules if isinstance(r, boundary.Flag) and r.column not in known]
    if unclear:
        sentence = (
            f'"{unclear[0]}" says that an episode ended but not why: such ends carry neither flag; '
            "rename the column to terminated or truncated if it is one of them"
        )
        notes.append(Note("borders", sentence, len(unclear)))


def _in_words(rules: list[boundary.Rule]) -> str:
    words = []
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
