"""Splits that do not leak: whole episodes, or whole groups of them, on one side."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.data.columns import Columns, StrArray
from rewardwrap.data.errors import DataError
from rewardwrap.data.ragged import IntArray


def split_episodes(
    store: Columns, fraction: float, *, seed: int, by: str | Sequence[Any] | None = None
) -> tuple[IntArray, IntArray]:
    """The numbers of the episodes on each side of `EpisodeStore.split`."""
    group = groups_of(store, by)
    groups = int(group.max(initial=-1)) + 1
    what = "episodes" if by is None else "groups of episodes"
    held = held_out(groups, fraction, seed=seed, what=what)
    out = np.isin(group, held)
    return np.flatnonzero(~out), np.flatnonzero(out)


def groups_of(store: Columns, by: str | Sequence[Any] | None = None) -> IntArray:
    """``(E,)`` the group that an episode stays with: of its name and its copies, or of its label."""
    _, group = np.unique(_labels(store, by), return_inverse=True)
    content = contents(store) if by is None else np.arange(len(store))
    if len(np.unique(content)) == len(content):
        return group.astype(np.int64)
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    _, first, of = np.unique(content, return_index=True, return_inverse=True)
    edges = np.ones(len(group), bool), (group, group[first[of]])
    count = int(group.max()) + 1
    _, joined = connected_components(coo_matrix(edges, shape=(count, count)), directed=False)
    _, number = np.unique(joined[group], return_inverse=True)
    return number.astype(np.int64)


def contents(store: Columns) -> StrArray:
    """``(E,)`` digest of what was seen and done before each episode's last observation.

    The same under another name is a copy, whatever was paid for it: with copies on both sides of a
    split, rewards of pure noise reached a held-out R2 of .67.
    """
    leaves = [np.asarray(leaf) for leaf in tree.leaves(store.obs)]
    acted = [np.asarray(leaf) for leaf in tree.leaves(store.action)]
    found = []
    for seen, begin, steps in zip(store.first_obs, store.first_step, store.lengths, strict=True):
        hashed = hashlib.sha256()
        for column, start in (*((c, seen) for c in leaves), *((c, begin) for c in acted)):
            hashed.update(np.ascontiguousarray(column[start : start + steps]).data)
            hashed.update(b"|")
        found.append(hashed.hexdigest()[:16])
    return np.array(found, np.str_)


def check_fraction(fraction: float) -> None:
    """Refuse a share that would leave one side empty.

    Raises:
        DataError: Outside (0, 1).
    """
    if not 0.0 < fraction < 1.0:
        raise DataError(
            f"split: fraction must lie in (0, 1), got {fraction}. Use e.g. 0.2 to hold out a fifth."
        )


def held_out(groups: int, fraction: float, *, seed: int, what: str) -> IntArray:
    """Which of ``groups`` are held out: ``ceil(fraction * groups)`` of them, at most all but one.

    Raises:
        DataError: Fewer than two groups, or a fraction outside (0, 1).
    """
    check_fraction(fraction)
    if groups < 2:
        raise DataError(
            f"split: data must hold at least two {what}, got {groups}. "
            "Record more: one, or copies of one, cannot be both trained on and held out."
        )
    # 0.1 * 30 is a little more than 3
    count = min(math.ceil(round(fraction * groups, 9)), groups - 1)
    return np.sort(np.random.default_rng(seed).permutation(groups)[:count])


def _labels(store: Columns, by: str | Sequence[Any] | None) -> Any:
    if by is None:
        # the same episode twice, as after a bootstrap, is one group
        return np.char.add(np.char.add(store.source, "\n"), store.ids)
    if isinstance(by, str):
        if by != "source":
            raise DataError(
                f'split: by must be "source" or one label per episode, got "{by}". '
                "Pass the labels, e.g. by=[day_of(id) for id in store.ids]."
            )
        return store.source
    labels = np.asarray(by)
    if labels.shape != (len(store),):
        raise DataError(
            f"split: by must hold one label for each of {len(store)} episodes, got shape "
            f"{labels.shape}. Give a list as long as the store."
        )
    return labels


@dataclass(frozen=True)
class TransitionSplit:
    """Rows on each side of a split that cuts through episodes, and how much it leaks.

    Args:
        train: Step rows of ``store.transitions()``.
        heldout: The other step rows.
        shared_episodes: How many episodes have rows on both sides.
        note: The sentence that a report must show.
    """

    train: IntArray
    heldout: IntArray
    shared_episodes: int
    note: str


def transition_split(
    store: Columns,
    fraction: float,
    *,
    seed: int,
    i_know_rows_of_one_episode_are_on_both_sides: bool = False,
) -> TransitionSplit:
    """Split single steps: figures measured on the held-out rows are too good.

    Raises:
        DataError: Unless the keyword says that it is meant.
    """
    if not i_know_rows_of_one_episode_are_on_both_sides:
        raise DataError(
            "transition_split must be asked for by name, got no "
            "i_know_rows_of_one_episode_are_on_both_sides=True. "
            "Use store.split(fraction, seed=...), which keeps episodes whole."
        )
    heldout = held_out(store.steps, fraction, seed=seed, what="steps")
    out = np.zeros(store.steps, bool)
    out[heldout] = True
    sides = np.zeros((len(store), 2), bool)
    sides[store.episode_of_step, out.astype(int)] = True
    shared = int(sides.all(axis=1).sum())
    note = (
        f"split by transitions: {shared} of {len(store)} episodes have rows in train and held-out, "
        "so the held-out figures are too good"
    )
    return TransitionSplit(np.flatnonzero(~out), heldout, shared, note)
