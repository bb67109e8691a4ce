"""Rows in time: a column that counts steps puts them in order, and ids that restart are two runs."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np

from rewardwrap.core.transitions import BoolArray, FloatArray
from rewardwrap.data.errors import DataError
from rewardwrap.data.ragged import IntArray
from rewardwrap.data.readers import names as known
from rewardwrap.data.readers.cells import is_number
from rewardwrap.data.reading import NONE, Note

REGULAR, IRREGULAR = 1.5, 10.0
"""Times the usual step from which a step is a jump: of a clock that ticks alike, and of one that does not."""
_OF_DAY = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?")
FALLING = 0.8
"""Share of an episode's ticks that fall from which its clock counts down."""
EVEN, UNEVEN = 0.9, 0.2
"""Share of ticks that are alike in a clock; share that fall from which rows are no few that came late."""


def clock(columns: dict[str, Any], asked: str | None) -> str | None:
    """The column that counts: the user's, or the first known name; None without any."""
    if asked is not None:
        return None if asked == NONE else asked
    return next((name for name in known.ORDER if name in columns), None)


def seconds(name: str, column: Any) -> FloatArray:
    """A column of numbers or times as numbers.

    Raises:
        DataError: Text, or empty cells.
    """
    values = np.asarray(column)
    if values.dtype.kind == "M":
        values = values.astype("datetime64[ns]").astype(np.int64) / 1e9
    if values.dtype.kind == "O" and values.ndim == 1:
        values = _written(values)
    if values.dtype.kind not in "iuf" or values.ndim != 1 or not np.isfinite(values).all():
        got = _first_odd(name, values)
        raise DataError(
            f'column "{name}" must hold a number or a time in every row to put rows in order, got '
            f"{got}. Correct it (times as 2024-05-31T12:00:00), name another column with --order, or read "
            "rows as they lie with --order none."
        )
    return values.astype(np.float64)


def _written(cells: Any) -> Any:
    """Numbers and times of day that were written as text, in seconds; as it is where a cell is neither."""
    found = []
    for cell in cells:
        of_day = _OF_DAY.fullmatch(str(cell).strip())
        if of_day is None and (cell in (None, "") or not is_number(cell)):
            return cells
        found.append(float(cell) if of_day is None else
                     3600.0 * int(of_day[1]) + 60.0 * int(of_day[2]) + float(of_day[3] or 0))  # fmt: skip
    return np.array(found)


def _first_odd(name: str, values: Any) -> str:
    """The first cell that is no number, in words."""
    flat = values.reshape(len(values), -1)[:, 0].tolist()
    for row, cell in enumerate(flat):
        if not is_number(cell) or not np.isfinite(float("nan" if cell in (None, "") else cell)):
            again = ", the header again: take that line out" if str(cell).strip() == name else ""
            return f"{cell!r} in row {row}{again}"
    return f"several numbers a row ({values.shape})"


def require_no_other(columns: dict[str, Any], taken: set[str], inside: BoolArray) -> None:
    """Refuse rows without a clock whose ``index`` or ``tick`` runs backwards: that has to be asked.

    Args:
        columns: Of N rows, as they will be read.
        taken: Columns that mean something else.
        inside: ``(N - 1,)`` whether a row goes on with the episode of the one before.

    Raises:
        DataError: Names the column, and the flag that settles it.
    """
    for name, column in columns.items():
        values = np.asarray(column)
        if (
            name in taken
            or name.lower() not in known.PERHAPS_ORDER
            or values.dtype.kind not in "iufM"
        ):
            continue
        back = inside & (np.diff(values.astype(np.float64)) < 0) if values.ndim == 1 else inside[:0]
        if back.any():
            row = int(np.flatnonzero(back)[0])
            raise DataError(
                f'column "{name}" may count steps and must rise inside an episode then, got '
                f"{values[row + 1]} after {values[row]}. Say --order {name} to put rows in its "
                "order, or --order none to read them as they lie."
            )


def by_clock(
    names: Any, name: str, time: FloatArray, notes: list[Note], *, apart: IntArray | None = None
) -> tuple[IntArray, Any]:
    """An order of rows in which each episode's clock rises, and names in which a restart shows.

    Args:
        names: ``(N,)`` episode of each row.
        name: Of the column that counts.
        time: ``(N,)``.
        notes: What was done is added.
        apart: ``(N,)`` place of each row in the source; None where the user said that the clock orders rows.

    Raises:
        DataError: A clock that repeats itself inside an episode, or counts down where its rows lie together.
    """
    _, first, of = np.unique(names, return_index=True, return_inverse=True)
    order = np.argsort(first[of], kind="stable")
    begins = np.append(True, of[order][1:] != of[order][:-1])
    starts = np.append(np.flatnonzero(begins), len(order))
    labels = np.asarray(names).astype(np.str_).astype(object)
    moved = runs = 0
    for begin, end in pairwise(starts.tolist()):
        rows = order[begin:end]
        ticks = time[rows]
        if (np.diff(ticks) > 0).all():
            continue
        if len(np.unique(ticks)) == len(ticks):
            if apart is not None and (np.diff(apart[rows]) == 1).all():
                _refuse_falling(str(names[rows[0]]), name, ticks)
                _refuse_uneven(str(names[rows[0]]), name, ticks)
            order[begin:end] = rows[np.argsort(ticks, kind="stable")]
            moved += 1
            continue
        if apart is not None:
            _refuse_falling(str(names[rows[0]]), name, ticks)
        piece = np.cumsum(np.append(False, np.diff(ticks) <= 0))
        _refuse_mixed(str(names[rows[0]]), name, ticks, piece)
        runs += int(piece[-1])
        for i in range(1, int(piece[-1]) + 1):
            labels[rows[piece == i]] = f"{names[rows[0]]} (run {i + 1})"
    if moved:
        sentence = f"rows of {moved} episodes were put in the order of {name}"
        notes.append(Note("order", sentence, moved))
    if not runs:
        return order, names
    sentence = (
        f"{runs} episodes carry the id of an earlier one, as {name} starts again: read as runs "
        "of their own"
    )
    notes.append(Note("restarts", sentence, runs))
    return order, labels.astype(np.str_)


def _refuse_falling(episode: str, name: str, ticks: FloatArray) -> None:
    """Rows that lie together and whose clock falls: newest first, or it counts what is left.

    Rows of a few that came late are put in order; those that fall nearly all the way may be in time already.
    """
    falls = np.diff(ticks) < 0
    if falls.mean() < FALLING:
        return
    row = int(falls.argmax())
    raise DataError(
        f'column "{name}" must rise inside an episode, got {ticks[row + 1]:.10g} after {ticks[row]:.10g} in '
        f"episode {episode}: it counts down. Say --order {name} if rows were written newest first, or "
        "--order none if they lie in time and it counts what is left."
    )


def _refuse_uneven(episode: str, name: str, ticks: FloatArray) -> None:
    """Rows that lie together and whose clock goes up and down in steps of any size: perhaps no clock."""
    step = np.diff(np.sort(ticks))
    usual = np.median(step)
    even = (np.abs(step - usual) <= 0.1 * usual).mean() >= EVEN
    falls = np.diff(ticks) < 0
    if even or falls.mean() < UNEVEN:
        return
    row = int(falls.argmax())
    raise DataError(
        f'column "{name}" must rise inside an episode, got {ticks[row + 1]:.10g} after {ticks[row]:.10g} in '
        f"episode {episode}, and steps of all sizes: it may count nothing. Say --order {name} to put rows in "
        "its order, or --order none to read them as they lie."
    )


def _refuse_mixed(episode: str, name: str, ticks: FloatArray, piece: IntArray) -> None:
    """Runs one after the other rise and start again; anything else is two runs mixed."""
    again = np.flatnonzero(np.diff(ticks) <= 0) + 1
    if len(again) * 2 < len(ticks) and (np.diff(ticks) != 0).all() and \
            (ticks[again] <= ticks[0] + 0.5 * np.ptp(ticks)).all():  # fmt: skip
        return
    row = int(again[0])
    raise DataError(
        f'column "{name}" must rise inside an episode, got {ticks[row]:g} after {ticks[row - 1]:g} '
        f"in episode {episode}. Give runs their own ids, cut where it restarts with --boundary "
        f"'gap:{name}>1', name another column with --order, or read rows as they lie with --order none."
    )


def by_blocks(names: Any, notes: list[Note]) -> Any:
    """Names in which a restart shows, for rows without a clock.

    Names that come back after single rows of others interleave. Names that come back in whole
    passes, in the same order, are runs of their own: to cut is safe, since no row is paired with
    one that did not follow. Anything else is asked about.

    Raises:
        DataError: Names that come back in no order.
    """
    names = np.asarray(names)
    begins = np.append(True, names[1:] != names[:-1])
    blocks = names[begins]
    lengths = np.diff(np.append(np.flatnonzero(begins), len(names)))
    if len(np.unique(blocks)) == len(blocks) or (lengths == 1).all():
        return names
    seen: dict[Any, int] = {}
    turn = np.empty(len(blocks), np.int64)
    for i, block in enumerate(blocks.tolist()):
        turn[i] = seen[block] = seen.get(block, 0) + 1
    if (np.diff(turn) < 0).any() or (lengths == 1).any():
        back = next(block for block, times in seen.items() if times > 1)
        raise DataError(
            f"rows of one id must lie together or be ordered by a column, got id {back} in "
            f"{seen[back]} places among others. Name the column that counts steps with --order, "
            "or cut episodes with --boundary."
        )
    runs = int((turn > 1).sum())
    notes.append(Note("restarts", f"{runs} episodes carry the id of an earlier one and do not "
                      "follow it: read as runs of their own", runs))  # fmt: skip
    label = [str(b) if t == 1 else f"{b} (run {t})" for b, t in zip(blocks, turn, strict=True)]
    return np.repeat(np.array(label), lengths)


def require_steady(name: str, time: FloatArray, begins: BoolArray, episodes: Any) -> None:
    """The clock rises in usual steps inside each episode.

    Raises:
        DataError: It runs backwards, stands or jumps: rows are missing, or a border is.
    """
    inside = ~begins[1:]
    step = np.diff(time)
    if not inside.any():
        return
    usual = float(np.median(step[inside]))
    alike = np.abs(step[inside] - usual) <= 0.1 * abs(usual)
    limit = (REGULAR if alike.mean() >= 0.9 else IRREGULAR) * usual
    wrong = np.flatnonzero(inside & ((step <= 0) | (step > limit)))
    if not wrong.size:
        return
    row = int(wrong[0])
    of = "" if episodes is None else f" of episode {episodes[row]}"
    if (step[inside] < 0).mean() >= FALLING:
        raise DataError(
            f'column "{name}" must count up inside an episode, got {time[row + 1]:.10g} after '
            f"{time[row]:.10g}{of}"
            ": it counts down. Turn the rows round if they were written newest first, or say --order none if "
            "they lie in time and it counts what is left."
        )
    how = "runs backwards" if step[row] < 0 else "stands still" if step[row] == 0 else "jumps"
    raise DataError(
        f'column "{name}" must count on inside an episode, got {time[row + 1]:.10g} after '
        f"{time[row]:.10g}{of}: it {how} there ({len(wrong)} times in all). Cut there with "
        f"--boundary 'gap:{name}>{usual if usual > 0 else 1:g}', name another column with --order, or read "
        "rows as they lie with --order none."
    )
