"""Where things lie in the two blocks of shared memory; read on both sides of the wall.

| block | who writes | head (64 bytes) | body |
|---|---|---|---|
| requests | the trainer; the worker reads | sequence, operation, rows, bytes of text | JSON, or columns |
| answers | the worker | sequence, status, bytes of text | ``(1 + k, rows)`` float64, or text |
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

HEAD = 64
REQUEST = struct.Struct("<QIII")
ANSWER = struct.Struct("<QII")
ANSWER_HEAD = struct.Struct(f"<QII{HEAD - ANSWER.size}x")
"""The same with everything up to the body."""

TEXT = 65_536
"""Longest text of an answer, bytes."""

BOOT, LOAD, SCHEMA, CALL, PROBE = range(5)
DONE, RAISED, MEMORY, DENIED, OUTPUT, REFUSED = range(6)
REASON_OF = {
    RAISED: "crash",
    MEMORY: "memory",
    DENIED: "syscall",
    OUTPUT: "output",
    REFUSED: "gate",
}


@dataclass(frozen=True)
class Column:
    """One array of a batch.

    Args:
        place: ``"obs"``, ``"action"``, ``"next_obs"``, ``"info"``, or ``"obs."`` and ``"next_obs."`` for
            named fields that the trainer computes.
        path: Keys inside a nested observation, or the one name in ``info`` or of the field.
        dtype: Of kind f, i, u or b, as numpy spells it.
        shape: Of one row.
    """

    place: str
    path: tuple[str | int, ...]
    dtype: str
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Size of one row."""
        return int(self.dtype[2:]) * math.prod(self.shape)

    def plain(self) -> list[Any]:
        """As JSON."""
        return [self.place, list(self.path), self.dtype, list(self.shape)]

    @classmethod
    def of(cls, plain: Sequence[Any]) -> Column:
        """From JSON."""
        place, path, dtype, shape = plain
        return cls(place, tuple(path), dtype, tuple(shape))


def offsets(columns: Sequence[Column], rows: int) -> list[int]:
    """Where each column starts, and where the last one ends; all on borders of 64 bytes."""
    at, found = HEAD, []
    for column in columns:
        found.append(at)
        at += -(-column.row_bytes * rows // 64) * 64
    return [*found, at]
