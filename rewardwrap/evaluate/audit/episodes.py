"""What single episodes show: a broken telescope, numbers that are not finite, farming, outliers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rewardwrap.evaluate.audit import trends, words
from rewardwrap.evaluate.audit.columns import Columns
from rewardwrap.evaluate.audit.finding import Clip, Finding
from rewardwrap.evaluate.audit.loops import Loops
from rewardwrap.evaluate.audit.potentials import TOLERANCE
from rewardwrap.evaluate.audit.tape import Episode
from rewardwrap.evaluate.audit.terms import Terms

FloatArray = NDArray[np.float64]

AT_LEAST = 100
"""Steps between two searches for loops: of shorter episodes only some are searched."""


class Batch:
    """Episodes that are looked at together, their steps one after the other.

    Args:
        episodes: The episodes.
        terms: What is known of the recorded terms.

    Attributes:
        rows: ``(T, k)`` every term of every step.
        weights: ``(T,)`` discount of each step in its own episode.
        borders: ``(n + 1,)`` where each episode begins; the last is T.
    """

    def __init__(self, episodes: list[Episode], terms: Terms) -> None:
        self.episodes, self.terms = episodes, terms
        self.rows = np.concatenate([e.terms for e in episodes])
        self.lengths = np.array([e.length for e in episodes])
        self.borders = np.concatenate([[0], np.cumsum(self.lengths)])
        self.weights = np.concatenate([terms.weights(n) for n in self.lengths.tolist()])

    def per_episode(self, steps: FloatArray) -> FloatArray:
        """``(T, ...)`` numbers of steps -> ``(n, ...)`` their sums."""
        found: FloatArray = np.add.reduceat(steps, self.borders[:-1])
        return found

    def per_step(self, episodes: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """``(n, ...)`` flags of episodes -> ``(T, ...)`` the same for each of their steps."""
        return np.repeat(episodes, self.lengths, axis=0)

    def holds(self) -> NDArray[np.bool_]:
        """``(n, p)`` whether each potential telescopes."""
        found: NDArray[np.bool_] = (
            np.abs(np.array([e.residual for e in self.episodes])) <= TOLERANCE
        )
        return found

    def pay(self, holds: NDArray[np.bool_] | None) -> tuple[FloatArray, NDArray[np.bool_]]:
        """``(T,)`` what the learner got without verified potentials, and where that is a bonus.

        Args:
            holds: From `holds`; None where potentials were not checked.

        Returns:
            The pay, and ``(n,)`` whether it differs from the true reward in any step.
        """
        rows, starts = self.rows, self.borders[:-1]
        true, pay = rows[:, self.terms.true], rows[:, self.terms.shaped]
        if holds is not None:
            pay = pay - (rows[:, self.terms.columns] * self.per_step(holds)).sum(axis=1)
        # rounding of a sum of terms is no bonus
        gap = np.maximum.reduceat(np.abs(pay - true), starts)
        size = np.maximum.reduceat(np.abs(rows).max(axis=1), starts)
        bonus = ~(gap <= 1e-9 * (1.0 + size))
        return np.where(self.per_step(bonus), pay, true), bonus


def broken(batch: Batch, holds: NDArray[np.bool_]) -> Iterator[Finding]:
    """Potentials that do not telescope."""
    for i in np.flatnonzero(~holds.all(axis=1)):
        episode = batch.episodes[i]
        for j in np.flatnonzero(~holds[i]):
            potential = batch.terms.potentials[j]
            yield words.broken_telescope(episode, potential, float(episode.residual[j]))


def unfinite(batch: Batch) -> Iterator[Finding]:
    """Terms that are NaN or infinite."""
    names = batch.terms.names
    for episode in batch.episodes:
        bad = ~np.isfinite(episode.terms)
        if bad.any():
            # a NaN shows in everything around it: the innermost term is its source
            inner = [*range(1, len(names) - 1)][::-1]
            term = next(i for i in (0, *inner, len(names) - 1) if bad[:, i].any())
            step = int(np.flatnonzero(bad[:, term])[0])
            yield words.not_finite(episode, names[term], step)


def outliers(
    batch: Batch, pay: FloatArray, true: FloatArray, columns: Columns
) -> Iterator[Finding]:
    """Episodes paid unlike all before.

    Args:
        batch: The episodes.
        pay: ``(n,)`` their pay without verified potentials.
        true: ``(n,)`` their true return.
        columns: Those before, without these.
    """
    before = columns.tail("pay", trends.WINDOW)
    beyond = np.abs(pay - np.median(before)) > np.ptp(before)
    if not beyond.any():
        return
    z = trends.robust_z(pay, before)
    z_true = trends.robust_z(true, columns.tail("true", trends.WINDOW))
    for i in np.flatnonzero((np.abs(z) > trends.FAR) & beyond & (np.abs(z_true) < np.abs(z) / 2)):
        episode, numbers = batch.episodes[i], (float(pay[i]), float(z[i]), float(z_true[i]))
        found = words.far_off(episode.number, *numbers, len(before))
        found.episodes, found.steps = [episode.number], [episode.step]
        whole = (0, episode.length - 1)
        found.clip = Clip.of(episode.number, episode.terms, episode.before, whole)
        yield found


class Farming:
    """Loops that pay and staying that pays.

    Args:
        loops: Remembers the best way out of each state.
    """

    def __init__(self, loops: Loops) -> None:
        self._loops = loops
        self._unlooked = AT_LEAST

    def look(
        self, episode: Episode, terms: Terms, pay: FloatArray, true: FloatArray
    ) -> Iterator[Finding]:
        """One episode with a bonus.

        Args:
            episode: The episode.
            terms: What is known of its terms.
            pay: ``(T,)`` without verified potentials.
            true: ``(T,)`` the true reward.
        """
        if not np.isfinite(pay).all():
            return
        self._unlooked += len(pay)
        if episode.states is not None and self._unlooked >= AT_LEAST:
            self._unlooked = 0
            loop = self._loops.loop(episode.states[:-1], pay, true, terminated=episode.terminated)
            if loop is not None:
                yield words.paying_loop(episode, loop, *terms.payer(episode, loop.start, loop.stop))
        stay = self._loops.stay(pay, true, terminated=episode.terminated)
        if stay is not None:
            term, _ = terms.payer(episode, stay.start, stay.stop)
            yield words.paying_survival(episode, stay, term)
