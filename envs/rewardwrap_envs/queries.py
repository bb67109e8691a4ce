"""The small database of QueryBuild: four tables in memory, which can be read and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

SCHEMAS = (
    ("pets", ("name", "age", "kind")),
    ("cars", ("brand", "price", "year")),
    ("books", ("title", "pages", "year")),
    ("towns", ("name", "people", "area")),
)
TOKENS = ("select", "from", "where", "table", "column 1", "column 2", "column 3", "> 3", "end")
SELECT, FROM, WHERE, TABLE, COLUMN, ABOVE, END = 0, 1, 2, 3, 4, 7, 8
ROWS, STEPS, EVERY = 50, 20_000, 10


def jaccard(one: set[Any], other: set[Any]) -> float:
    """Shared over all; 1 where both are empty."""
    return len(one & other) / len(one | other) if one | other else 1.0


def parses(tokens: Sequence[int]) -> float:
    """How far a parser of ``select C from T where D > 3`` gets, as a share of its eight tokens.

    >>> parses((SELECT, COLUMN, FROM, FROM)), parses((WHERE, COLUMN))
    (0.375, 0.0)
    """
    wanted = (SELECT, COLUMN, FROM, TABLE, WHERE, COLUMN, ABOVE, END)
    kinds = [COLUMN if COLUMN <= token < ABOVE else token for token in tokens]
    stands = [kind == want for kind, want in zip(kinds, wanted, strict=False)]
    return [*stands, False].index(False) / len(wanted)


def text(schema: int, tokens: Sequence[int]) -> str:
    """The tokens as SQL."""
    table, columns = SCHEMAS[schema]
    words = {TABLE: table, END: "", **{COLUMN + k: name for k, name in enumerate(columns)}}
    return " ".join(words.get(token, TOKENS[token]) for token in tokens).strip()


@cache
def answer(schema: int, tokens: tuple[int, ...]) -> tuple[Any, ...] | None:
    """The rows that a query finds, sorted; None where it does not run, or was cut."""
    base = database()
    left = [STEPS]

    def tired() -> int:
        left[0] -= EVERY
        return int(left[0] < 0)

    base.set_progress_handler(tired, EVERY)
    try:
        ran = base.execute(text(schema, tokens))
        rows = ran.fetchmany(ROWS + 1)
    except (sqlite3.Error, sqlite3.Warning):
        return None
    # sqlite runs an empty text and finds nothing
    return None if ran.description is None or len(rows) > ROWS else tuple(sorted(rows, key=repr))


@cache
def database() -> sqlite3.Connection:
    """The four tables of eight rows, filled once and read only from then on."""
    base = sqlite3.connect(":memory:", check_same_thread=False)
    rng = np.random.default_rng(0)
    for table, columns in SCHEMAS:
        base.execute(f"create table {table} ({', '.join(columns)})")
        rows = rng.integers(1, 8, size=(8, 3)).tolist()
        base.executemany(f"insert into {table} values (?, ?, ?)", rows)
    base.execute("pragma query_only = on")
    base.set_authorizer(_reading)
    return base


def _reading(action: int, *_: Any) -> int:
    allowed = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ)
    return sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY
