"""Trajectory order: a reward must rank stored good episodes above bad ones before anything is trained.

Source: CARD, "A Large Language Model-Driven Reward Code Design Framework via Dynamic Feedback", 2024,
arXiv 2410.14660, Trajectory Preference Evaluation. Deviation: episodes of every degree of skill are
compared pair by pair, not successes with failures, so that it also works where nothing succeeds; and a
reward is refused only where its order is surely bad, not where few episodes make it look so.
Source of the variance: M. G. Kendall, "A new measure of rank correlation", Biometrika, 1938.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
LEAST = 0.65
"""Share of pairs that must be in order; half is chance."""
BOUND = 1.645
"""Standard errors: a reward is refused where chance explains its order in less than 5 % of pools."""
FEWEST = 6
"""Episodes below which no order is bad enough to refuse a reward."""
GAP = 0.1
"""Pairs whose true returns differ by less than this share of the spread are not compared."""


@dataclass(frozen=True)
class Order:
    """How well a reward ranks stored episodes.

    Args:
        share: Pairs in order, ties counted half, in [0, 1]; None where no pair can be compared.
        pairs: How many were compared.
        worst: The pair that is furthest out of order: ``(better, worse)`` by true return, or None.
        error: Standard error of the share, from the number of episodes; infinite below `FEWEST`.
    """

    share: float | None
    pairs: int
    worst: tuple[int, int] | None = None
    error: float = 0.0

    @property
    def passes(self) -> bool:
        """Whether the reward may be trained: in order, or not surely out of it."""
        return self.share is None or self.share + BOUND * self.error >= LEAST


def order(shaped: FloatArray, true: FloatArray) -> Order:
    """Compare all pairs of episodes whose true returns differ clearly.

    Args:
        shaped: Return under the candidate, ``(episodes,)``.
        true: True return, ``(episodes,)``.

    The share of n episodes is ``(tau + 1) / 2``, and Kendall's tau of two unrelated orders has variance
    ``2 (2n + 5) / (9 n (n - 1))``: pairs share episodes, so 190 pairs of 20 episodes say little more than
    20 numbers do, and a sensible reward falls below the line by chance.

    Example:
        >>> import numpy as np
        >>> found = order(np.array([1.0, 5.0, 9.0]), np.array([-500.0, -90.0, -100.0]))
        >>> found.share, found.pairs, found.worst
        (1.0, 2, None)
    """
    spread = float(np.ptp(true))
    better, worse = np.nonzero(true[:, None] - true[None, :] > max(GAP * spread, 1e-12))
    if not len(better):
        return Order(None, 0)
    margin = shaped[better] - shaped[worse]
    share = float(np.mean(np.where(margin == 0, 0.5, margin > 0)))
    least = int(np.argmin(margin))
    found = (int(better[least]), int(worse[least])) if margin[least] < 0 else None
    n = len(np.union1d(better, worse))
    error = math.sqrt(2 * (2 * n + 5) / (9 * n * (n - 1))) / 2 if n >= FEWEST else math.inf
    return Order(share, len(better), found, error)
