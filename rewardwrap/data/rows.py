"""Flat rows cut into episodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core import tree
from rewardwrap.core.transitions import BoolArray
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.flat import Rows, checked
from rewardwrap.data.ragged import IntArray
from rewardwrap.data.reading import Note, Reading

UNKNOWN_SUCCESSOR = "successor_unknown"
ROUNDED = 1e-6
"""Share of a number by which two writings of it differ: float32 beside float64."""
BLOCK = 1 << 16
"""Rows that are compared at a time."""


def episodes_of(
    rows: Rows,
    *,
    rule: str,
    drop_last: bool = False,
    observation_space: Any = None,
    action_space: Any = None,
) -> Reading:
    """Cut rows where the name changes, after a flag, at further borders, and where rows do not join.

    * Rows of several names that interleave are put together, each name's in its own order.
    * With ``next_obs``, a row whose successor is not the next row's observation ends its piece:
      nothing is paired that did not follow. Pieces of one name keep it, and splits keep them together.
    * Without ``next_obs``, a last step's successor is unknown. It keeps its reward and its flags,
      ``info["successor_unknown"]`` is 1 there and the last observation is repeated; or it is left
      out with ``drop_last``.

    Raises:
        DataError: No rows, columns of different lengths, or values that are no numbers.
    """
    rows = checked(rows)
    notes: list[Note] = []
    rows = _together(rows, notes)
    begins = _borders(rows, notes)
    if drop_last and rows.next_obs is None:
        return _without_last(rows, begins, rule, notes, observation_space, action_space)
    starts = np.flatnonzero(begins)
    lengths = np.diff(starts, append=len(begins))
    last = starts + lengths - 1
    info = dict(rows.info)
    if rows.next_obs is None or (rows.unknown is not None and rows.unknown[last].any()):
        info = _marked(rows, last, info, notes)
    store = EpisodeStore(
        obs=_with_terminal(rows, lengths, last),
        action=rows.action,
        reward=rows.reward,
        terminated=rows.terminated,
        truncated=rows.truncated,
        lengths=lengths,
        ids=_ids(rows, starts, notes),
        source=np.full(len(starts), rows.source),
        info=info,
        observation_space=observation_space,
        action_space=action_space,
    )
    return Reading(store, rule, notes)


def grouped(names: Any) -> tuple[IntArray, Note | None]:
    """An order of rows with those of one name together, and what to say if it is another order."""
    names = np.asarray(names)
    begins = np.append(True, names[1:] != names[:-1])
    distinct, number = np.unique(names[begins], return_inverse=True)
    if len(distinct) == len(number):
        return np.arange(len(names)), None
    of = number[np.cumsum(begins) - 1]
    _, first = np.unique(of, return_index=True)
    order = np.argsort(first[of], kind="stable")
    moved = int((order != np.arange(len(order))).sum())
    sentence = (
        f"rows of {len(distinct)} episodes interleaved; each episode's rows were put together"
    )
    return order, Note("interleaved", sentence, moved, "note")


def _together(rows: Rows, notes: list[Note]) -> Rows:
    """Rows of one name next to each other, names in the order of their first row."""
    if rows.episode is None:
        return rows
    order, note = grouped(rows.episode)
    if note is None:
        return rows
    notes.append(note)
    begins = None if rows.begins is None else rows.begins[order]
    return replace(
        rows,
        obs=tree.take(rows.obs, order),
        action=tree.take(rows.action, order),
        next_obs=tree.map_leaves(lambda leaf: np.asarray(leaf)[order], rows.next_obs),
        reward=rows.reward[order],
        terminated=rows.terminated[order],
        truncated=rows.truncated[order],
        episode=np.asarray(rows.episode)[order],
        begins=begins,
        unknown=None if rows.unknown is None else rows.unknown[order],
        info={name: np.asarray(column)[order] for name, column in rows.info.items()},
    )


def _borders(rows: Rows, notes: list[Note]) -> BoolArray:
    begins = np.zeros(len(rows.reward), bool)
    begins[0] = True
    begins[1:] |= (rows.terminated | rows.truncated)[:-1]
    if rows.begins is not None:
        begins |= rows.begins
    if rows.episode is not None:
        names = np.asarray(rows.episode)
        begins[1:] |= names[1:] != names[:-1]
    if rows.next_obs is not None:
        torn = np.zeros(len(begins), bool)
        torn[1:] = ~_joins(rows)
        torn &= ~begins
        if torn.any():
            sentence = (
                f"{torn.sum()} rows do not continue the row before (its next_obs is another "
                "observation); an episode was cut before each, so that every successor is true"
            )
            notes.append(Note("gaps", sentence, int(torn.sum())))
        begins |= torn
    return begins


def _joins(rows: Rows) -> BoolArray:
    """``(N - 1,)``, whether the successor of a row is the observation of the next."""
    joined = np.ones(len(rows.reward) - 1, bool)
    for after, before in zip(tree.leaves(rows.next_obs), tree.leaves(rows.obs), strict=True):
        for begin in range(0, len(joined), BLOCK):
            place = slice(begin, min(begin + BLOCK, len(joined)))
            ahead, behind = np.asarray(before)[1:][place], np.asarray(after)[:-1][place]
            same = ahead == behind
            if ahead.dtype.kind == "f" and behind.dtype.kind == "f" and not same.all():
                # an empty cell contradicts nothing, nor does one that was written with fewer digits
                same |= np.isnan(ahead) | np.isnan(behind)
                same |= np.isclose(ahead, behind, rtol=ROUNDED, atol=0.0)
            joined[place] &= same.all(axis=tuple(range(1, same.ndim)))
    return joined


def _with_terminal(rows: Rows, lengths: IntArray, last: IntArray) -> Any:
    """Observations with each episode's terminal one behind it."""
    where = np.arange(len(rows.reward)) + np.repeat(np.arange(len(lengths)), lengths)

    def place(obs: Any, successor: Any) -> Any:
        obs = np.asarray(obs)
        out = np.empty((len(obs) + len(last), *obs.shape[1:]), obs.dtype)
        out[where] = obs
        out[where[last] + 1] = np.asarray(successor)[last]
        if rows.next_obs is not None and out.dtype.kind == "f" and np.isnan(out).any():
            # a cell that is empty in obs may be known as the successor of the row before
            known = np.asarray(successor)
            out[where + 1] = np.where(np.isnan(out[where + 1]), known, out[where + 1])
        return out

    if rows.next_obs is not None:
        return tree.map_leaves(place, rows.obs, rows.next_obs)
    out = tree.map_leaves(place, rows.obs, rows.obs)
    return out if rows.final is None else tree.put(out, -1, rows.final)


def _marked(rows: Rows, last: IntArray, info: dict[str, Any], notes: list[Note]) -> dict[str, Any]:
    unknown = last if rows.final is None else last[:-1]
    if rows.unknown is not None:
        unknown = last[rows.unknown[last]]
    mark = np.zeros(len(rows.reward))
    mark[unknown] = 1.0
    if len(unknown):
        sentence = (
            f"{len(unknown)} last steps have no recorded successor: they are kept, their last "
            f'observation is repeated and info["{UNKNOWN_SUCCESSOR}"] is 1; --drop-last leaves them out'
        )
        notes.append(Note("successors", sentence, len(unknown)))
    return info | {UNKNOWN_SUCCESSOR: mark}


def _without_last(
    rows: Rows, begins: BoolArray, rule: str, notes: list[Note], *spaces: Any
) -> Reading:
    """The last row of each episode serves as the terminal observation of the row before."""
    starts = np.flatnonzero(begins)
    lengths = np.diff(starts, append=len(begins))
    last = starts + lengths - 1
    kept = np.ones(len(begins), bool)
    kept[last] = False
    lost = int((rows.terminated | rows.truncated)[last].sum())
    sentence = (
        f"{len(last)} last steps were left out because no successor is recorded, {lost} of them "
        "with a flag; their episodes now end without one"
    )
    notes.append(Note("successors", sentence, len(last)))
    if not kept.any():
        raise DataError(
            "data must hold an episode of two rows or more when last steps are left out, got none. "
            "Keep them, or record next_obs."
        )
    whole = np.repeat(lengths > 1, lengths)
    store = EpisodeStore(
        obs=tree.take(rows.obs, whole),
        action=tree.take(rows.action, kept),
        reward=rows.reward[kept],
        terminated=rows.terminated[kept],
        truncated=rows.truncated[kept],
        lengths=(lengths - 1)[lengths > 1],
        ids=_ids(rows, starts, notes)[lengths > 1],
        source=np.full(int((lengths > 1).sum()), rows.source),
        info={name: np.asarray(column)[kept] for name, column in rows.info.items()},
        observation_space=spaces[0],
        action_space=spaces[1],
    )
    return Reading(store, rule, notes)


def _ids(rows: Rows, starts: IntArray, notes: list[Note]) -> NDArray[np.str_]:
    if rows.episode is None:
        return np.arange(len(starts)).astype(np.str_)
    ids = np.asarray(rows.episode)[starts].astype(np.str_)
    pieces = len(ids) - len(np.unique(ids))
    if pieces:
        sentence = (
            f"{len(ids)} pieces carry {len(np.unique(ids))} names; pieces of one name stay on one "
            "side of a split"
        )
        notes.append(Note("pieces", sentence, pieces, "note"))
    return ids
