"""Rows of ragged data: where each piece begins, and index arrays over many pieces at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def starts(lengths: Any) -> IntArray:
    """First row of each piece when pieces lie end to end.

    Example:
        >>> starts([3, 2, 4]).tolist()
        [0, 3, 5]
    """
    lengths = np.asarray(lengths, np.int64)
    first: IntArray = np.cumsum(lengths) - lengths
    return first


def ranges(start: Any, lengths: Any) -> IntArray:
    """``start[i], start[i] + 1, ...`` of every piece, end to end.

    Example:
        >>> ranges([10, 0], [2, 3]).tolist()
        [10, 11, 0, 1, 2]
    """
    lengths = np.asarray(lengths, np.int64)
    offset = np.repeat(np.asarray(start, np.int64) - starts(lengths), lengths)
    return offset + np.arange(lengths.sum())
