"""One proposed reward on its way through the stages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

STAGES = ("extract", "gate", "probe", "critic", "order", "incentive", "short", "full")
"""In the order of their cost; a candidate is rejected at the first that it does not pass."""


@dataclass
class Candidate:
    """A reward function that somebody proposed.

    Args:
        id: ``r<round>s<sample>``.
        round: From 1.
        sample: From 1.
        source: The code; empty where the answer held none.
        stage: Where it was rejected, or the last stage that it passed.
        reason: Why it was rejected; empty while it is in the race.
        components: Names of its terms, once known.
        order: Share of stored episode pairs in order, None where that cannot be judged.
        short: Mean true score over the seeds of the short training.
        full: The same of the full training.
    """

    id: str
    round: int
    sample: int
    source: str = ""
    stage: str = ""
    reason: str = ""
    components: tuple[str, ...] = ()
    order: float | None = None
    short: float | None = None
    full: float | None = None

    @property
    def alive(self) -> bool:
        """Still in the race."""
        return not self.reason

    @property
    def sha256(self) -> str:
        """Of the source."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    def reject(self, stage: str, reason: str) -> None:
        """Out of the race."""
        self.stage, self.reason = stage, reason

    @property
    def best_known(self) -> float | None:
        """The score of its longest training."""
        return self.full if self.full is not None else self.short
