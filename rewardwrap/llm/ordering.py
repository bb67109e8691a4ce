"""Trajectory order: a reward must rank stored good episodes above bad ones before anything is trained.

Source: CARD, "A Large Language Model-Driven Reward Code Design Framework via Dynamic Feedback", 2024,
arXiv 2410.14660, Trajectory Preference Evaluation. Deviation: episodes of every degree of skill are
compared pair by pair, not successes with failures, so that it also works where nothing succeeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
LEAST = 0.65
"""Share of pairs that must be in order; half is chance."""
GAP = 0.1
"""Pairs whose true returns differ by less than this share of the spread are not compared."""


@dataclass(frozen=True)
class Order:
    """How well a reward ranks stored episodes.

    Args:
        share: Pairs in order, ties counted half, in [0, 1]; None where no pair can be compared.
        pairs: How many were compared.
        worst: The pair that is furthest out of order: ``(better, worse)`` by true return, or None.
    """

    share: float | None
    pairs: int
    worst: tuple[int, int] | None = None

    @property
    def passes(self) -> bool:
        """Whether the reward may be trained: in order, or not to be judged."""
        return self.share is None or self.share >= LEAST


def order(shaped: FloatArray, true: FloatArray) -> Order:
    """Compare all pairs of episodes whose true returns differ clearly.

    Args:
        shaped: Return under the candidate, ``(episodes,)``.
        true: True return, ``(episodes,)``.

    Example:
        >>> import numpy as np
        >>> order(np.array([1.0, 5.0, 9.0]), np.array([-500.0, -90.0, -100.0]))
        Order(share=1.0, pairs=2, worst=None)
    """
    spread = float(np.ptp(true))
    better, worse = np.nonzero(true[:, None] - true[None, :] > max(GAP * spread, 1e-12))
    if not len(better):
        return Order(None, 0)
    margin = shaped[better] - shaped[worse]
    share = float(np.mean(np.where(margin == 0, 0.5, margin > 0)))
    least = int(np.argmin(margin))
    found = (int(better[least]), int(worse[least])) if margin[least] < 0 else None
    return Order(share, len(better), found)
