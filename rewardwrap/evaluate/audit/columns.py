"""The columns of an audit: one row for each finished episode, in the order in which episodes ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDE = ("sums", "discounted", "sizes", "residual")
"""Columns with several numbers a row: one for each term, or for each checked potential."""
NARROW = (
    "step", "lane", "length", "terminated", "disagreement", "player", "pay", "pay_discounted",
    "true", "true_discounted",
)  # fmt: skip


class Columns:
    """Grows by the episodes that were looked at together.

    Attributes:
        count: Rows so far.
    """

    def __init__(self) -> None:
        self._parts: dict[str, list[Any]] = {name: [] for name in (*WIDE, *NARROW)}
        self.count = 0

    def add(self, **parts: Sequence[Any] | NDArray[Any]) -> None:
        """Append the same number of rows to some columns."""
        for name, part in parts.items():
            self._parts[name].append(part)
        if "sums" in parts:
            self.count += len(parts["sums"])

    def whole(self, name: str, width: int = 0) -> NDArray[Any]:
        """A column; ``(0, width)`` where a wide one is empty."""
        parts = self._parts[name]
        if parts:
            return np.concatenate(parts)
        return np.zeros((0, width) if name in WIDE else 0)

    def tail(self, name: str, count: int) -> NDArray[Any]:
        """The last rows of a column."""
        parts: list[Any] = []
        for part in reversed(self._parts[name]):
            parts.append(part)
            count -= len(part)
            if count <= 0:
                break
        joined = np.concatenate(parts[::-1])
        return joined[max(0, -count) :]
