"""Answers that contradict each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rewardwrap.core.transitions import FloatArray
from rewardwrap.data.fragments import Fragments


@dataclass(frozen=True)
class Contradictions:
    """What `Preferences.contradictions` found.

    Args:
        repeated: Pairs of clips that were answered more than once, in either order.
        contradicting: Those of them for which both clips were called better.
        rows: For each contradicting pair, the rows of ``Preferences`` that answer it.
        votes: ``(contradicting, 2)`` how often the one and the other was called better.
    """

    repeated: int
    contradicting: int
    rows: list[list[int]]
    votes: list[tuple[int, int]]

    def __str__(self) -> str:
        answers = sum(len(rows) for rows in self.rows)
        return (
            f"{self.contradicting} of {self.repeated} pairs answered more than once were answered "
            f"both ways ({answers} answers)"
        )


def contradictions(a: Fragments, b: Fragments, preferred: FloatArray) -> Contradictions:
    """Find pairs answered both ways; ties and skipped questions contradict nothing."""
    both = [np.stack([clip.episode, clip.start, clip.length], axis=1) for clip in (a, b)]
    clips, number = np.unique(np.concatenate(both), axis=0, return_inverse=True)
    one, other = number.reshape(2, -1)
    swapped = one > other
    pair = np.where(swapped, other * len(clips) + one, one * len(clips) + other)
    better = np.where(swapped, 1.0 - preferred, preferred)
    answered = np.flatnonzero(~np.isnan(better))
    order = answered[np.argsort(pair[answered], kind="stable")]
    borders = np.flatnonzero(np.diff(pair[order])) + 1
    questions = [q for q in np.split(order, borders) if len(q) > 1]
    votes = [(int((better[q] < 0.5).sum()), int((better[q] > 0.5).sum())) for q in questions]
    torn = [i for i, (left, right) in enumerate(votes) if left and right]
    return Contradictions(
        repeated=len(questions),
        contradicting=len(torn),
        rows=[questions[i].tolist() for i in torn],
        votes=[votes[i] for i in torn],
    )
