"""What every lane saw and was paid, step after step, until its episode is over.

A step costs two array assignments; everything else waits for the end of an episode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core import tree

FloatArray = NDArray[np.float64]

WIDEST = 64
"""Numbers of an observation that are kept; wider ones are thinned evenly."""
LONGEST = 20_000
"""Steps of one episode that are kept; of a longer one only the last."""


@dataclass(eq=False)
class Episode:
    """One finished episode.

    Args:
        number: From 0, in the order in which episodes ended.
        lane: Where it was played.
        step: Steps of the learner at its end.
        terminated: Whether the task ended, rather than the clock.
        terms: ``(T, k)`` every recorded term.
        states: ``(T + 1, d)`` observations, the last one after the last step; None if unknown.
        phi: ``(2, p)`` each checked potential at both ends; None where they are not to be compared.
        residual: ``(p,)`` how far each is from telescoping; filled in later.
    """

    number: int
    lane: int
    step: int
    terminated: bool
    terms: FloatArray
    states: NDArray[Any] | None
    phi: FloatArray | None
    residual: FloatArray

    @property
    def length(self) -> int:
        """Steps."""
        return len(self.terms)

    @property
    def before(self) -> NDArray[Any] | None:
        """``(T, d)`` observations before each step; None if unknown."""
        return None if self.states is None else self.states[:-1]


class Tape:
    """The running episodes of all lanes.

    Args:
        lanes: Number of lanes.
        terms: Number of recorded terms.
        first: First observations of all lanes, as the environment returned them; None keeps none.
    """

    def __init__(self, lanes: int, terms: int, first: Any) -> None:
        self.lanes = lanes
        self._read = None if first is None else reader(first, lanes)
        self._terms = np.zeros((1024, lanes, terms))
        seen = np.zeros((lanes, 0)) if self._read is None else self._read(first)
        self._states = np.zeros((1024, *seen.shape), seen.dtype)
        # row r holds what step r paid and the observation after it; row 0 only that of the reset
        self._states[0] = seen
        self._row = 1
        self._starts = np.ones(lanes, int)

    def add(self, terms: Any, obs: Any) -> None:
        """Record one step of all lanes."""
        row = self._row
        if row == len(self._terms):
            row = self._make_room()
        self._terms[row] = terms
        if self._read is not None:
            self._states[row] = self._read(obs)
        self._row = row + 1

    def cut(self, lane: int, last: Any) -> tuple[FloatArray, NDArray[Any] | None]:
        """The episode that ended in a lane with the newest row: ``(T, k)`` terms, ``(T + 1, d)`` states.

        Args:
            lane: Which.
            last: Its terminal observation; None if states are not kept.
        """
        start, stop = int(self._starts[lane]), self._row
        self._starts[lane] = stop
        terms = self._terms[start:stop, lane].copy()
        if self._read is None or last is None:
            return terms, None
        states = np.empty((stop - start + 1, self._states.shape[2]), self._states.dtype)
        states[:-1] = self._states[start - 1 : stop - 1, lane]
        states[-1] = self._read(tree.lift(last))[0]
        return terms, states

    def forget(self) -> None:
        """Drop what the running episodes hold so far."""
        self._starts[:] = self._row

    def _make_room(self) -> int:
        """Move the rows that are still needed to the front, or double the space for them."""
        keep = max(int(self._starts.min()) - 1, self._row - LONGEST)
        size = len(self._terms)
        if self._row - keep > size // 2:
            self._terms = np.concatenate([self._terms, np.zeros_like(self._terms)])
            self._states = np.concatenate([self._states, np.zeros_like(self._states)])
        else:
            kept = self._row - keep
            self._terms[:kept] = self._terms[keep : self._row].copy()
            self._states[:kept] = self._states[keep : self._row].copy()
            self._starts = np.maximum(self._starts - keep, 1)
            self._row = kept
        return self._row


def reader(first: Any, lanes: int) -> Any:
    """A function from observations, any nesting, to ``(lanes, d)`` numbers with ``d`` bounded."""
    parts = [np.asarray(leaf) for leaf in tree.leaves(first)]
    width = sum(int(np.prod(part.shape[1:])) for part in parts)
    stride = -(-width // WIDEST)
    if len(parts) == 1 and stride == 1:
        if parts[0].ndim == 2 and parts[0].dtype != object:
            return np.asarray
        return lambda obs: np.asarray(obs).reshape(len(obs), -1)

    def flat(obs: Any) -> NDArray[Any]:
        rows = [np.asarray(leaf).reshape(len(leaf), -1) for leaf in tree.leaves(obs)]
        joined = rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)
        return joined[:, ::stride]

    return flat
