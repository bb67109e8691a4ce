"""Missing cells of observations and actions filled, and flagged.

A cell is the median of its column's nearest known values in the same episode, one before and one
after; where the episode knows none, of the column. Nothing is taken from another episode's time, and
rewards are never filled: a missing one stays missing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.transitions import FloatArray
from rewardwrap.data.checks import named_leaves
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.ragged import IntArray
from rewardwrap.data.reading import Note
from rewardwrap.rewards.gaps import MISSING


def filled(store: EpisodeStore, notes: list[Note]) -> EpisodeStore:
    """The store without missing cells; ``info["obs_0_missing"]`` is 1 where one was filled.

    ``info["next_obs_0_missing"]`` says the same of what followed, so that a model that is fitted on a step
    knows all of it (`rewardwrap.rewards.gaps`).

    Complete data come back as they are.

    Raises:
        DataError: A column of which no cell is known.
    """
    seen_of = np.repeat(np.arange(len(store)), store.lengths + 1)
    flags: dict[str, FloatArray] = {}
    changed = {}
    for name, episode, rows in (
        ("obs", seen_of, store.obs_row_of_step),
        ("action", store.episode_of_step, np.arange(store.steps)),
    ):
        parts = iter([
            _leaf(leaf, array, episode, rows, flags)
            for leaf, array in named_leaves(getattr(store, name), name)
        ])  # fmt: skip
        changed[name] = tree.map_leaves(lambda _, parts=parts: next(parts), getattr(store, name))
    if not flags:
        return store
    shown = [flag for flag in flags if not flag.startswith("next_")]
    count = int(sum(flags[flag].sum() for flag in shown))
    sentence = (
        f"{count} missing cells were filled with the median of their neighbours in time; "
        f"{', '.join(f'info/{flag}' for flag in shown)} say where"
    )
    notes.append(Note("filled", sentence, count))
    return replace(store, **changed, info={**store.info, **flags})


def _leaf(
    name: str, array: Any, episode: IntArray, rows: IntArray, flags: dict[str, FloatArray]
) -> Any:
    if array.dtype.kind != "f" or not np.isnan(array).any():
        return array
    flat = array.reshape(len(array), -1).copy()
    for i in np.flatnonzero(np.isnan(flat).any(axis=0)):
        label = name.replace("/", "_") + (f"_{i}" if array.ndim > 1 else "")
        missing = np.isnan(flat[:, i])
        if missing.all():
            raise DataError(
                f"{label} must have a known cell to be filled from, got none in {len(flat)} rows. "
                f"Leave the column out: --leave-out {label}."
            )
        flat[missing, i] = _from_neighbours(flat[:, i], missing, episode)
        flags[label + MISSING] = missing[rows].astype(np.float64)
        if name.startswith("obs"):
            flags[f"next_{label}{MISSING}"] = missing[rows + 1].astype(np.float64)
    return flat.reshape(array.shape)


def _from_neighbours(column: Any, missing: Any, episode: IntArray) -> Any:
    index = np.arange(len(column))
    before = np.maximum.accumulate(np.where(missing, -1, index))
    after = np.minimum.accumulate(np.where(missing, len(column), index)[::-1])[::-1]
    pair = []
    for near in (before[missing], after[missing]):
        inside = (near >= 0) & (near < len(column))
        near = np.where(inside, near, 0)
        same = inside & (episode[near] == episode[missing])
        pair.append(np.where(same, column[near], np.nan))
    both = np.stack(pair)
    known = ~np.isnan(both)
    total = np.where(known, both, 0.0).sum(axis=0)
    whole = np.median(column[~missing])
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), whole)
