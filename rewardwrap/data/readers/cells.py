"""Arrow columns as numpy, empty cells as NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from rewardwrap.data.errors import DataError


def as_numpy(name: str, column: Any) -> np.ndarray[Any, Any]:
    """One column of a table.

    Numbers keep their dtype unless cells are empty; lists of one width are ``(N, width)``; anything
    else is an array of objects, for names and to be refused as a number.

    Raises:
        DataError: Lists of different widths.
    """
    import pyarrow as pa

    kind = pa.types
    if kind.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if kind.is_list(column.type) or kind.is_large_list(column.type):
        return _lists(name, column)
    if kind.is_fixed_size_list(column.type):
        return _lists(name, column.cast(pa.list_(column.type.value_type)))
    if kind.is_decimal(column.type) or kind.is_null(column.type):
        column = column.cast(pa.float64())
    if kind.is_boolean(column.type) and column.null_count:
        column = column.cast(pa.int8())
    if kind.is_integer(column.type) and column.null_count:
        column = column.cast(pa.float64())
    values: np.ndarray[Any, Any] = column.to_numpy()
    return values


def _lists(name: str, column: Any) -> np.ndarray[Any, Any]:
    import pyarrow.compute as pc

    widths = pc.list_value_length(column).to_numpy()
    if len(widths) and not (widths == widths[0]).all():
        odd = int(np.flatnonzero(widths != widths[0])[0])
        raise DataError(
            f'column "{name}" must have one width in all rows, got {widths[0]} in row 0 and '
            f"{widths[odd]} in row {odd}. Pad the rows, or split the file."
        )
    flat = as_numpy(name, pc.list_flatten(column))
    return flat.reshape(len(widths), -1)


def numbers(name: str, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Refuse a column of text with the first cell that is no number.

    Raises:
        DataError: Names column, row and cell.
    """
    if values.dtype.kind in "biuf":
        return values
    row = next((i for i, cell in enumerate(values) if not _is_number(cell)), 0)
    raise DataError(
        f'column "{name}" must hold numbers, got {values[row]!r} in row {row}. '
        "Correct the cell, or choose other columns with --obs and --action."
    )


def _is_number(cell: Any) -> bool:
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return True
