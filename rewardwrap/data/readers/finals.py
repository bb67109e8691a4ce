"""Rows that are no steps: the observation after the last action, with nothing done and nothing paid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.transitions import BoolArray
from rewardwrap.data.checks import flags
from rewardwrap.data.errors import DataError
from rewardwrap.data.flat import Rows
from rewardwrap.data.reading import Note


def empty_finals(rows: Rows, notes: list[Note]) -> Rows:
    """The steps among rows of which the last of each episode has neither action nor reward.

    A log of T + 1 observations leaves both cells of the last row empty. It is no step, it is the
    successor of the one before, which takes over its flags.

    Args:
        rows: With all borders in ``begins``; returned as they are where they have successors.
        notes: What was done is added.
    """
    action = np.asarray(rows.action)
    if rows.next_obs is not None or action.dtype.kind != "f" or rows.begins is None:
        return rows
    nothing = np.isnan(action).reshape(len(action), -1).all(axis=1)
    nothing &= np.isnan(np.asarray(rows.reward, np.float64))
    ends = np.append(np.asarray(rows.begins, bool)[1:], True)
    if not nothing.any() or (nothing & ~ends).any() or nothing.all():
        return rows
    sentence = (
        f"{int(nothing.sum())} last rows have neither action nor reward: they gave their observation as "
        "successor and are no steps"
    )
    notes.append(Note("final rows", sentence, int(nothing.sum()), "note"))
    said = {name: flags(name, getattr(rows, name)) for name in ("terminated", "truncated")}
    return steps_among(rows, nothing, **said)


def steps_among(rows: Rows, last: BoolArray, terminated: BoolArray, truncated: BoolArray) -> Rows:
    """Rows without final ones, which become successors and hand their flags to the step before.

    Args:
        rows: With all borders in ``begins``, without successors.
        last: ``(N,)`` rows that are no steps.
        terminated: ``(N,)`` as the rows say it; a step also ends where its final row says so.
        truncated: The same.

    Raises:
        DataError: No step is left.
    """
    kept = ~last
    if not kept.any():
        raise DataError("steps must hold a row that is not the last of its episode, got none.")
    after = np.append(~np.asarray(rows.begins)[1:], False)
    ahead = np.minimum(np.arange(len(last)) + 1, len(last) - 1)
    ends = after & last[ahead]

    def of(take: Callable[[Any], Any], value: Any) -> Any:
        return None if value is None else take(value)

    where = np.where(after, ahead, np.arange(len(last)))
    return replace(
        rows,
        obs=tree.take(rows.obs, kept),
        action=tree.take(rows.action, kept),
        next_obs=tree.take(rows.obs, where[kept]),
        unknown=~after[kept],
        reward=np.asarray(rows.reward)[kept],
        terminated=(terminated | (ends & terminated[ahead]))[kept],
        truncated=(truncated | (ends & truncated[ahead]))[kept],
        episode=of(lambda names: np.asarray(names)[kept], rows.episode),
        begins=np.asarray(rows.begins)[kept],
        info={name: np.asarray(column)[kept] for name, column in rows.info.items()},
    )
