"""What columns must satisfy before they are episodes, and the hash that names them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.data.errors import DataError

if TYPE_CHECKING:
    from rewardwrap.data.episodes import EpisodeStore


def column(name: str, values: Any, dtype: Any) -> np.ndarray[Any, Any]:
    """``values`` as a one-dimensional column of ``dtype``, where that loses nothing.

    Raises:
        DataError: Another shape, objects, or values that the dtype cannot say.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(
            f"{name} must have one number per row, got shape {array.shape}. "
            "Give a one-dimensional column."
        )
    if dtype is np.str_:
        return array.astype(np.str_)
    plain(name, array)
    if dtype is np.bool_ and array.dtype != np.bool_:
        return flags(name, array)
    if not np.can_cast(array.dtype, dtype, casting="same_kind"):
        raise DataError(
            f"{name} must be {np.dtype(dtype).name}, got {array.dtype}. Convert the column first."
        )
    return array.astype(dtype, copy=False)


def flags(name: str, values: Any) -> np.ndarray[Any, Any]:
    """Zeros and ones as booleans.

    Raises:
        DataError: NaN or any other number: a border that is not known must not be guessed.
    """
    array = np.asarray(values)
    if array.dtype == np.bool_:
        return array
    wrong = array[~np.isin(array, (0, 1))]
    if wrong.size:
        raise DataError(
            f"{name} must be true or false in every row, got {wrong[0]} in {wrong.size} of "
            f"{array.size}. Fill or drop those rows: a border that is missing cannot be guessed."
        )
    return array.astype(bool)


def plain(name: str, array: np.ndarray[Any, Any]) -> None:
    """Refuse anything but numbers and booleans.

    Raises:
        DataError: Objects, text or records.
    """
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{name} must hold numbers, got dtype {array.dtype}. "
            "Convert it to numbers; ragged rows and text are not read."
        )


def columns_fit(store: EpisodeStore) -> None:
    """Every column has the rows that the lengths promise.

    Raises:
        DataError: Names the column.
    """
    steps, episodes = len(store.reward), len(store.lengths)
    if (store.lengths < 1).any() or store.lengths.sum() != steps:
        raise DataError(
            f"lengths must be at least 1 and add up to the {steps} rewards, got "
            f"{episodes} of sum {store.lengths.sum()}. Drop episodes without a step."
        )
    for name, columns, rows in (
        ("terminated", store.terminated, steps),
        ("truncated", store.truncated, steps),
        ("ids", store.ids, episodes),
        ("source", store.source, episodes),
        *((f'info["{key}"]', each, steps) for key, each in store.info.items()),
        ("action", store.action, steps),
        ("obs", store.obs, steps + episodes),
    ):
        for leaf in tree.leaves(columns):
            array = np.asarray(leaf)
            if name in ("action", "obs"):
                plain(name, array)
            if array.ndim == 0 or len(array) != rows:
                raise DataError(
                    f"{name} must have {rows} rows for {steps} steps in {episodes} episodes, got "
                    f"shape {array.shape}. obs holds one more than the steps of each episode: "
                    "the terminal observation comes last."
                )


def borders_fit(store: EpisodeStore) -> None:
    """Flags stand on last steps only.

    Raises:
        DataError: A step inside an episode is flagged.
    """
    last = np.zeros(len(store.reward), bool)
    last[np.cumsum(store.lengths) - 1] = True
    inside = np.flatnonzero((store.terminated | store.truncated) & ~last)
    if inside.size:
        raise DataError(
            "terminated and truncated must be set on the last step of an episode only, got "
            f"{inside.size} steps inside one, the first in row {inside[0]}. "
            "Split the rows where a flag is set."
        )


def named_leaves(columns: Any, name: str) -> list[tuple[str, np.ndarray[Any, Any]]]:
    """``("obs", array)``, or ``("obs/key/0", array)`` for each leaf of a nested column."""
    if isinstance(columns, dict):
        return [x for key in columns for x in named_leaves(columns[key], f"{name}/{key}")]
    if isinstance(columns, tuple | list):
        return [x for i, node in enumerate(columns) for x in named_leaves(node, f"{name}/{i}")]
    return [(name, np.asarray(columns))]


def fingerprint(store: EpisodeStore) -> str:
    """sha256 over names, dtypes, shapes and bytes of all columns."""
    from rewardwrap.data.spaces import to_json

    hashed = hashlib.sha256()
    leaves = named_leaves(store.obs, "obs") + named_leaves(store.action, "action")
    names = ("reward", "terminated", "truncated", "lengths")
    leaves += [(name, getattr(store, name)) for name in names]
    leaves += [(f"info/{name}", store.info[name]) for name in sorted(store.info)]
    for name, array in leaves:
        hashed.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        hashed.update(np.ascontiguousarray(array).data)
    words = {
        "ids": store.ids.tolist(),
        "source": store.source.tolist(),
        "observation_space": to_json(store.observation_space),
        "action_space": to_json(store.action_space),
    }
    hashed.update(json.dumps(words, sort_keys=True).encode())
    return hashed.hexdigest()
