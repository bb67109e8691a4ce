"""Steps that are kept for histograms and surfaces, and whole episodes to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.evaluate.audit.episodes import Batch
from rewardwrap.evaluate.audit.finding import Clip
from rewardwrap.evaluate.audit.tape import Episode

FloatArray = NDArray[np.float64]

SAMPLE = 20_000
"""Steps that are kept, at most twice as many."""


class Sample:
    """A sample of single steps, every one as likely to be in it as any other.

    Args:
        lanes: Number of lanes.
        rng: Draws.
    """

    def __init__(self, lanes: int, rng: np.random.Generator) -> None:
        self._lanes, self._rng = lanes, rng
        self._parts: list[tuple[FloatArray, NDArray[Any], NDArray[Any]]] = []
        self._size, self._rate = 0, 1.0
        self._first: Episode | None = None
        self._newest: Episode | None = None

    def add(self, batch: Batch) -> None:
        """Keep steps at random, thinned by half whenever there are too many."""
        waiting, starts = batch.episodes, batch.borders[:-1]
        picked = np.flatnonzero(self._rng.random(len(batch.rows)) < self._rate)
        owner = np.searchsorted(starts, picked, side="right") - 1
        steps = np.array([[e.step, e.number] for e in waiting])[owner]
        at = picked - starts[owner]
        # rows come step after step from the end of each episode backwards
        learner = steps[:, 0] - (batch.lengths[owner] - 1 - at) * self._lanes
        places = np.column_stack([learner, steps[:, 1], at])
        seen = [np.zeros((e.length, 0)) if e.before is None else e.before for e in waiting]
        states = np.concatenate(seen)[picked]
        self._parts.append((batch.rows[picked], places, states))
        self._size += len(picked)
        if self._size > 2 * SAMPLE:
            terms, places, states = (np.concatenate(x) for x in zip(*self._parts, strict=True))
            half = np.sort(self._rng.choice(len(terms), len(terms) // 2, replace=False))
            self._parts = [(terms[half], places[half], states[half])]
            self._size, self._rate = len(half), self._rate / 2
        self._first, self._newest = self._first or waiting[0], waiting[-1]

    def steps(self, terms: int) -> tuple[FloatArray, NDArray[np.int64], FloatArray]:
        """``(m, k)`` terms, ``(m, 3)`` learner's step, episode and its step, ``(m, d)`` states."""
        if not self._parts:
            return np.zeros((0, terms)), np.zeros((0, 3), np.int64), np.zeros((0, 0))
        rows, places, states = (np.concatenate(x) for x in zip(*self._parts, strict=True))
        return rows, places, states.astype(float)

    def clips(self) -> list[Clip]:
        """The first and the newest episode."""
        kept = [e for e in (self._first, self._newest) if e is not None]
        shown = {e.number: e for e in kept}.values()
        return [Clip.of(e.number, e.terms, e.before, (0, e.length - 1)) for e in shown]
