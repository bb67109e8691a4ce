"""Several annotators, one answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rewardwrap.annotate.annotator import Query, Synchronous
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray


class Majority(Synchronous):
    """Says what most of its annotators say; skipped votes do not count, a draw is a tie.

    Args:
        annotators: Two or more that answer at once.
        least: Votes that a question needs; with fewer it is skipped.
        name: For the record.

    Raises:
        ConfigError: Fewer than two annotators, or a ``least`` that they cannot reach.
    """

    def __init__(
        self, annotators: Sequence[Synchronous], *, least: int = 1, name: str = "majority"
    ) -> None:
        if len(annotators) < 2 or not 1 <= least <= len(annotators):
            raise ConfigError(
                "Majority: must have two annotators or more and 1 <= least <= their number, got "
                f"{len(annotators)} and {least}. A single annotator needs no majority."
            )
        super().__init__(name)
        self.annotators, self.least = tuple(annotators), least

    def answer(self, query: Query) -> FloatArray:
        """Count ``b``, ``a`` and ties; whichever has most wins."""
        votes = np.stack([each.answer(query) for each in self.annotators])
        return vote(votes, least=self.least)


def vote(votes: FloatArray, *, least: int = 1) -> FloatArray:
    """``(m, n)`` answers -> ``(n,)``: the most frequent of a, tie, b; a draw among them is a tie.

    An answer counts for the side it leans to: above 0.5 for b, below for a.

    >>> vote(np.array([[1.0, 0.0, np.nan], [1.0, 1.0, np.nan], [0.0, 0.5, np.nan]]))
    array([1. , 0.5, nan])
    """
    count = np.stack([(votes < 0.5).sum(0), (votes == 0.5).sum(0), (votes > 0.5).sum(0)])
    most = count.max(axis=0)
    winners = count == most
    said = np.where(winners.sum(axis=0) > 1, 0.5, np.array([0.0, 0.5, 1.0])[count.argmax(axis=0)])
    said[count.sum(axis=0) < least] = np.nan
    return said
