"""What networks of one's own share, whichever library runs them: blocks of rows, and one member."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from rewardwrap.core.transitions import FloatArray, Transitions, take

BLOCK = 4096
"""Rows at a time."""


class OwnNet(ABC):
    """A network that was not made here, as an ensemble of one."""

    members = 1

    def __call__(self, batch: Transitions) -> FloatArray:
        """The reward of every row, ``(B,)`` float64."""
        rows = batch.lanes
        if rows <= BLOCK:
            return self._paid(batch)
        parts = [take(batch, slice(b, min(b + BLOCK, rows))) for b in range(0, rows, BLOCK)]
        return np.concatenate([self._paid(part) for part in parts])

    def all(self, batch: Transitions) -> FloatArray:
        """What its only member says, ``(1, B)``."""
        return self(batch)[None]

    def combine(self, each: FloatArray) -> FloatArray:
        """``(1, B) -> (B,)``."""
        one: FloatArray = each[0]
        return one

    @abstractmethod
    def _paid(self, batch: Transitions) -> FloatArray:
        """The reward of the rows of one block."""
