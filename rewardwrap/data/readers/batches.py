"""Sources that are too large for memory, block by block: `rewardwrap ingest --stream`.

A block holds some hundred thousand rows. Its last episode waits for the next block, so that no episode
is cut; what has to be known of all rows at once (rows of several episodes that interleave, medians to
fill with) cannot be streamed, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.data import boundary
from rewardwrap.data.errors import DataError
from rewardwrap.data.readers import borders, rlds
from rewardwrap.data.readers.sources import blocks
from rewardwrap.data.readers.table import prepared, read_columns
from rewardwrap.data.reading import Note, Options, Reading, in_spaces

ROWS = 200_000
"""Rows of a block, at most; fewer where they are wide."""


@dataclass
class _Names:
    """Ids that were there already: one that comes back in a later block is another run."""

    seen: dict[str, int] = field(default_factory=dict)
    count: int = 0

    def __call__(self, reading: Reading, *, named: bool) -> Reading:
        store = reading.store
        if not named:
            ids = np.array([str(self.count + i) for i in range(len(store))])
            self.count += len(store)
            return replace(reading, store=replace(store, ids=ids))
        runs: dict[str, str] = {}
        for name in dict.fromkeys(store.ids.tolist()):
            turn = self.seen[name] = self.seen.get(name, 0) + 1
            runs[name] = name if turn == 1 else f"{name} (run {turn})"
        again = sum(name != run for name, run in runs.items())
        notes = list(reading.notes)
        if again:
            sentence = f"{again} episodes carry the id of one in an earlier block: read as runs of their own"
            notes.append(Note("restarts", sentence, again))
        ids = np.array([runs[name] for name in store.ids.tolist()])
        return replace(reading, store=replace(store, ids=ids), notes=notes)


def readings(path: Path, options: Options, *, rows: int = ROWS) -> Iterator[Reading]:
    """The episodes of a source, some at a time, in the order in which they lie.

    Raises:
        DataError: A source that cannot be streamed, rows of one episode that do not lie together, or
            what `readers.table` asks.
    """
    if options.fill:
        raise DataError(
            "--stream must read cells as they are, got --fill median, which needs all of them at once. "
            "Fill before, or leave --stream out."
        )
    names, waiting = _Names(), None
    for block in blocks(path, options, rows):
        columns = block if waiting is None else _after(path, waiting, block)
        begin, named = _last_begin(path, columns, options)
        waiting = {name: column[begin:].copy() for name, column in columns.items()}
        if begin:
            whole = {name: column[:begin] for name, column in columns.items()}
            yield from _read(path, whole, options, names, named=named)
    if waiting is None:
        raise DataError(f"{path} must hold at least one row, got none. Check the export.")
    _, named = _last_begin(path, waiting, options)
    yield from _read(path, waiting, options, names, named=named)


def _read(
    path: Path, columns: dict[str, Any], options: Options, names: _Names, *, named: bool
) -> Iterator[Reading]:
    if options.without and _all_left_out(path, columns, options):
        return
    reading = read_columns(path, columns, options, [])
    if any(note.check == "interleaved" for note in reading.notes):
        raise DataError(
            "rows of one episode must lie together to be streamed, got several that interleave. "
            "Sort the file by episode, or leave --stream out."
        )
    reading = names(reading, named=named)
    yield replace(reading, store=in_spaces(reading.store, options))


def _all_left_out(path: Path, columns: dict[str, Any], options: Options) -> bool:
    known, _, rules = prepared(path, columns, options)
    ids = borders.names_of(known, rules)
    return ids is not None and bool(np.isin(ids.astype(np.str_), sorted(options.without)).all())


def _last_begin(path: Path, columns: dict[str, Any], options: Options) -> tuple[int, bool]:
    """Where the last episode of a block begins, and whether rows carry names."""
    known, steps_of_rlds, rules = prepared(path, columns, options)
    ids = borders.names_of(known, rules)
    count = len(next(iter(known.values())))
    begins = boundary.begins(rules, boundary.column_reader(known), count, names=ids)
    if steps_of_rlds:
        begins |= rlds.begins(known)
    for name in (*boundary.TERMINATED, *boundary.TRUNCATED, options.terminated, options.truncated):
        if name in known:
            begins[1:] |= np.asarray(known[name])[:-1] > 0
    return int(np.flatnonzero(begins)[-1]), ids is not None


def _after(path: Path, waiting: dict[str, Any], block: dict[str, Any]) -> dict[str, Any]:
    if set(waiting) != set(block):
        other = sorted(set(waiting) ^ set(block))[0]
        raise DataError(
            f'{path} must hold the same columns in all parts, got one that differs in "{other}". '
            "Read the parts apart."
        )
    return {name: np.concatenate([waiting[name], block[name]]) for name in waiting}
