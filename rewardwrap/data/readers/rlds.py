"""Tables of RLDS steps: an episode's final row holds its last observation and no transition.

Source: Ramos et al., RLDS, 2021, arXiv:2111.02767: where ``is_last``, action, reward and discount
have no meaning; ``is_terminal`` says whether the end was the environment's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rewardwrap.core.transitions import BoolArray
from rewardwrap.data.checks import flags
from rewardwrap.data.errors import DataError
from rewardwrap.data.flat import Rows
from rewardwrap.data.readers import finals
from rewardwrap.data.reading import Note

FIRST, LAST, TERMINAL = "is_first", "is_last", "is_terminal"
FLAGS = (FIRST, LAST, TERMINAL)


def begins(columns: dict[str, Any]) -> BoolArray:
    """``(N,)`` borders that the flags state."""
    last = _read(columns, LAST)
    found = np.append(True, last[:-1])
    return found | _read(columns, FIRST) if FIRST in columns else found


def transitions(rows: Rows, columns: dict[str, Any], notes: list[Note]) -> Rows:
    """The steps among the rows: 120 of 126 where six episodes have 21 rows each.

    Args:
        rows: One for each row of the table, with all borders in ``begins``, without successors.
        columns: Where the flags stand.
        notes: What was done is added.

    Raises:
        DataError: An end of the environment's own in a row that is not the last.
    """
    last = _read(columns, LAST)
    terminal = _read(columns, TERMINAL) if TERMINAL in columns else np.zeros_like(last)
    if (terminal & ~last).any():
        row = int(np.flatnonzero(terminal & ~last)[0])
        raise DataError(
            f"{TERMINAL} must stand in rows that are {LAST} only, got it in row {row}. "
            f"If these are no RLDS steps, say --terminated {TERMINAL}."
        )
    paid = int((np.nan_to_num(np.asarray(rows.reward, np.float64))[last] != 0).sum())
    sentence = f"{int(last.sum())} final rows ({LAST}) gave their observation as successor and are no steps"
    more = f"; {paid} of them carry a reward, which RLDS gives no meaning" if paid else ""
    notes.append(Note("RLDS", sentence + more, int(last.sum()), "warning" if paid else "note"))
    return finals.steps_among(rows, last, terminal & last, last & ~terminal)


def _read(columns: dict[str, Any], name: str) -> BoolArray:
    if name not in columns:
        raise DataError(
            f"RLDS steps must say which rows are {name}, got {', '.join(columns)}. Add the column, "
            f"or say what ends an episode: --terminated {TERMINAL} --next-obs A,B."
        )
    found: BoolArray = flags(name, columns[name])
    return found


def ask_about_step_type(columns: dict[str, Any]) -> None:
    """Refuse rows of dm_env, whose reward and end belong to the action of the row before.

    Raises:
        DataError: A column ``step_type`` of 0, 1 and 2: first, mid, last.
    """
    column = columns.get("step_type")
    if column is None or column.dtype.kind not in "iuf" or not np.isin(column, (0, 1, 2)).all():
        return
    if (column == 0).any() and (column == 2).any():
        raise DataError(
            'column "step_type" must be left out or be told as flags, got first, mid and last as dm_env has '
            "them, where a row's reward came with it. Move rewards one row up and write is_first, is_last "
            "and is_terminal, or read every row as a step with --leave-out step_type."
        )
