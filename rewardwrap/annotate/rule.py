"""Annotators that compute their answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rewardwrap.annotate.annotator import Query, Synchronous
from rewardwrap.annotate.teachers import Teacher
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import DataError, Fragments, Labels

Score = Callable[[Fragments], FloatArray]


class Rule(Synchronous):
    """Prefers the clip with the higher score: a check that can be written down.

    ``P(b) = 1`` where ``score(b) - score(a) > margin``, 0 where it is below ``-margin``, 0.5 between;
    a score of NaN says "cannot tell" and skips the question.

    Args:
        score: n clips -> ``(n,)``.
        margin: Least difference that counts, at least 0.
        name: For the record.

    Raises:
        ConfigError: A negative margin.
    """

    def __init__(self, score: Score, *, margin: float = 0.0, name: str = "rule") -> None:
        if not margin >= 0:
            raise ConfigError(f"Rule: margin must be at least 0, got {margin}. 0 has no ties.")
        super().__init__(name)
        self.score, self.margin = score, margin

    def answer(self, query: Query) -> FloatArray:
        """Compare the scores."""
        gap = self._scores(query.b) - self._scores(query.a)
        said = np.where(gap > self.margin, 1.0, np.where(gap < -self.margin, 0.0, 0.5))
        said[np.isnan(gap)] = np.nan
        return said

    def label(self, clips: Fragments) -> Labels:
        """The scores themselves."""
        return Labels(
            clips, "fragment", self._scores(clips), annotator=np.full(len(clips), self.name)
        )

    def _scores(self, clips: Fragments) -> FloatArray:
        found = np.asarray(self.score(clips), np.float64)
        if found.shape != (len(clips),):
            raise DataError(
                f"rule {self.name!r} must give {len(clips)} scores, one for each clip, got shape "
                f"{found.shape}. Sum over the steps of a clip."
            )
        return found


class Taught(Synchronous):
    """A synthetic teacher behind the protocol.

    Args:
        teacher: Calibrated, where it has thresholds.
        seed: Of its mistakes.
        name: For the record.
    """

    def __init__(self, teacher: Teacher, *, seed: int, name: str = "teacher") -> None:
        super().__init__(name)
        self.teacher = teacher
        self._rng = np.random.default_rng(seed)

    def answer(self, query: Query) -> FloatArray:
        """Ask the teacher."""
        return self.teacher.answer(query.a, query.b, self._rng)
