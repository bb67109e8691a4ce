"""What a column must satisfy by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from rewardwrap.data.errors import DataError


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


def named_leaves(columns: Any, name: str) -> list[tuple[str, np.ndarray[Any, Any]]]:
    """``("obs", array)``, or ``("obs/key/0", array)`` for each leaf of a nested column."""
    if isinstance(columns, dict):
        return [x for key in columns for x in named_leaves(columns[key], f"{name}/{key}")]
    if isinstance(columns, tuple | list):
        return [x for i, node in enumerate(columns) for x in named_leaves(node, f"{name}/{i}")]
    return [(name, np.asarray(columns))]
