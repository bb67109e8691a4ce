"""Arrays that code makes: ``np.zeros``, ``np.full_like``, ``np.array``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rewardwrap.calculus.arrays import Arrays, Rows, is_constant
from rewardwrap.calculus.graph import DTYPES, MAX_CONSTANT, Box, Outside
from rewardwrap.calculus.words import TYPES, Dtype


class Made:
    """Makes arrays.

    Args:
        arrays: Operations of the style.
    """

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays

    def filled(self, shape: Any, value: Any, dtype: Any = None) -> Any:
        """``np.full``, ``zeros`` and ``ones``: in each row, or known now."""
        sizes = shape if isinstance(shape, tuple | list) else (shape,)
        if dtype is not None:
            value = self.arrays.cast(value, dtype_of(dtype))
        if sizes and isinstance(sizes[0], Rows):
            rest = tuple(sizes[1:])
            _require_sizes(rest)
            return self.arrays.full(rest, value)
        _require_sizes(sizes)
        if not is_constant(value):
            raise Outside("a fill with a column")
        return np.full(tuple(sizes), value)

    def alike(self, value: Any, number: Any, dtype: Any = None) -> Any:
        """``np.full_like`` and its kin."""
        if not isinstance(value, Box):
            raise Outside("a fill like something known")
        name = dtype_of(dtype) if dtype is not None else value.node.dtype.name
        if name not in DTYPES or not is_constant(number) or np.ndim(number):
            raise Outside(f"a fill of {name}")
        if DTYPES[name].kind in "iu" and isinstance(number, float):
            raise Outside("numbers cut to whole ones")
        return self.arrays.full(value.node.row, DTYPES[name].type(number))

    def array(self, value: Any, dtype: Any = None) -> Any:
        """``np.array`` and ``np.asarray``."""
        made = self._as_array(value)
        return made if dtype is None else self.arrays.cast(made, dtype_of(dtype))

    def _as_array(self, value: Any) -> Any:
        if isinstance(value, Box):
            value.shared = True
            return Box(value.node, shared=True)
        if is_constant(value):
            return np.asarray(value)
        if isinstance(value, list | tuple):
            items = [self._as_array(v) if isinstance(v, list | tuple) else v for v in value]
            if self.arrays.batched and any(isinstance(item, Box) for item in items):
                raise Outside("an array of columns along the batch")
            return self.arrays.stacked(items, 0)
        raise Outside("an array of something that is no number")


def listed(value: Any) -> list[Any]:
    """What is written out, as a list."""
    if isinstance(value, list | tuple):
        return [*value]
    if isinstance(value, dict):
        return [*value]
    if isinstance(value, np.ndarray) and value.ndim:
        return [*value]
    raise Outside("a list that is not written out")


def dtype_of(value: Any) -> str:
    """The name of a type of numbers."""
    if isinstance(value, Dtype):
        return value.name
    if isinstance(value, str) and value in TYPES:
        return TYPES[value]
    raise Outside("a dtype that is not written out")


def _require_sizes(sizes: Any) -> None:
    if (
        not all(type(n) is int and 0 < n <= MAX_CONSTANT for n in sizes)
        or math.prod(sizes) > MAX_CONSTANT
    ):
        raise Outside("a shape that is not written out")
