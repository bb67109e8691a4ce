"""Arrow columns as numpy, empty cells as NaN; objects within cells, and lists that were written as text."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from rewardwrap.data.errors import DataError

NULLS = ("", "na", "n/a", "#n/a", "nan", "null", "none")
"""What people write into cells that are empty."""
TRUE, FALSE = ("true", "yes", "t", "y", "1"), ("false", "no", "f", "n", "0")
_LIST = re.compile(r"\s*(?:array\(|tensor\()?[\[(].*[\])]\s*", re.DOTALL)
_BRACKETED = re.compile(r"\s*\([^\s,()\[\]]*\)\s*")
"""A number in brackets is negative to an accountant; a vector of one, as Python writes it, has a comma."""
_MARKS = re.compile(
    r"array\(|tensor\(|(?:np\.)?float\d+\(|(?:np\.)?u?int\d+\(|,\s*dtype=[\w.]+|[\[\](),]"
)
"""What Python writes around and between the numbers of a list, an array or a tensor."""


def spread(table: Any) -> Any:
    """The table with objects in cells as columns of their own, ``obs/position``."""
    import pyarrow as pa

    while any(pa.types.is_struct(field.type) for field in table.schema):
        names, columns = [], []
        for name, column in zip(table.column_names, table.columns, strict=True):
            if pa.types.is_struct(column.type):
                inner = [column.type.field(i).name for i in range(column.type.num_fields)]
                names += [f"{name}/{each}" for each in inner]
                columns += column.flatten()
            else:
                names.append(name)
                columns.append(column)
        table = pa.table(columns, names=names)
    return table


def vectors(name: str, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Cells such as ``"[0.1, 0.2]"``, as pandas writes vectors to CSV, as ``(N, width)``; else as they are.

    Raises:
        DataError: Vectors of different widths, or shortened ones.
    """
    if values.dtype.kind != "O" or not len(values) or not isinstance(values[0], str):
        return values
    if not _LIST.fullmatch(values[0]) or _BRACKETED.fullmatch(values[0]):
        return values
    rows = []
    for i, cell in enumerate(values):
        if not isinstance(cell, str) or "..." in cell or not _LIST.fullmatch(cell):
            shown = repr(cell)[:60]
            raise DataError(
                f'column "{name}" must hold a whole vector in every row, got {shown} in row {i}. '
                "Write one column a number, or a parquet file."
            )
        try:
            rows.append([float(word) for word in _MARKS.sub(" ", cell).split()])
        except ValueError as error:
            raise DataError(
                f'column "{name}" must hold vectors of numbers, got {cell[:60]!r} in row {i}. '
                "Correct the cell."
            ) from error
        if len(rows[-1]) != len(rows[0]):
            raise DataError(
                f'column "{name}" must have one width in all rows, got {len(rows[0])} in row 0 and '
                f"{len(rows[-1])} in row {i}. Pad the rows, or split the file."
            )
    return np.array(rows, np.float64)


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
    """A column as numbers, those that were written as text too; refuses it with the first cell that is none.

    Raises:
        DataError: Names column, row and cell.
    """
    if values.dtype.kind in "biuf":
        return values
    row = next((i for i, cell in enumerate(values) if not is_number(cell)), None)
    if row is None and values.dtype.kind == "O":
        return np.array([float("nan") if _is_empty(cell) else float(cell) for cell in values])
    row = row or 0
    cell = values[row]
    cure = "Correct the cell, leave it empty, or choose other columns"
    if isinstance(cell, str) and cell.strip() == name:
        cure = "The header stands there again: take that line out"
    elif isinstance(cell, str) and _BRACKETED.fullmatch(cell):
        cure = "If brackets mean that it is negative, write -"
    elif isinstance(cell, str) and row == 0:
        cure = "If the first row holds units, take that line out; else choose other columns"
    raise DataError(f'column "{name}" must hold numbers, got {cell!r} in row {row}. {cure}.')


def is_number(cell: Any) -> bool:
    """Whether a cell is a number, or empty in a usual word."""
    if _is_empty(cell):
        return True
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    # Python reads 1_000, which no table means
    return not (isinstance(cell, str) and "_" in cell)


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in NULLS)


def truths(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Words for true and false as booleans; anything else as it is.

    Example:
        >>> truths(np.array([" True", "no", "F"], object)).tolist()
        [True, False, False]
    """
    if values.dtype.kind != "O":
        return values
    said = [str(cell).strip().lower() for cell in values]
    if all(word in TRUE or word in FALSE for word in said):
        return np.array([word in TRUE for word in said], bool)
    return values
