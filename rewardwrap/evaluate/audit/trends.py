"""What windows of episodes show: shaped and true return part, ends, one term, rising disagreement.

Each is a pure function of columns, one row an episode, so that it works live and on what a run left
behind. Where potentials were verified, their pay is left out before.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FloatArray = NDArray[np.float64]

WINDOW = 60
"""Episodes that are looked at together."""
FEWEST = 20
"""Episodes without which nothing is said about a trend."""
FAR = 8.0
"""Robust deviations that make an outlier."""
LEVEL = 0.999
"""Level of every interval: many windows are looked at in a training."""


@dataclass(frozen=True)
class Slope:
    """Change over the window, from its first to its last episode, with its interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.3g} [{self.low:+.3g}, {self.high:+.3g}]"


@dataclass(frozen=True)
class Parting:
    """Shaped and true return over one window."""

    shaped: Slope
    true: Slope
    rank: float
    why: str


def slope(values: FloatArray) -> Slope:
    """Theil and Sen's slope times the window, with its rank interval (Sen 1968)."""
    if np.ptp(values) == 0:
        return Slope(0.0, 0.0, 0.0)
    found = stats.theilslopes(values, alpha=LEVEL)
    span = len(values) - 1
    return Slope(*(float(x) * span for x in (found.slope, found.low_slope, found.high_slope)))


def rank_correlation(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Spearman's coefficient and its p value; 0 and 1 where one of them is constant."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0, 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = stats.spearmanr(x, y)
    return float(found.statistic), float(found.pvalue)


def parting(shaped: FloatArray, true: FloatArray, spread: float) -> Parting | None:
    """Whether shaped return rises while the true one does not, or the two rank episodes oppositely.

    "Does not rise": the whole interval of the true change lies below a quarter of the shaped change.
    Both are in one unit, unless the true reward was rescaled: then the comparison is by sign alone.

    Args:
        shaped: ``(n,)`` returns as the learner got them, without verified potentials.
        true: ``(n,)`` true returns of the same episodes.
        spread: Spread of the shaped returns of all episodes so far; changes below a tenth count as none.
    """
    if len(shaped) < FEWEST or np.array_equal(shaped, true):
        return None
    half = len(shaped) // 2
    if shaped[half:].mean() - shaped[:half].mean() <= 0.02 * spread:
        return None  # most windows end here, and slopes are dear
    up = slope(shaped)
    if up.low <= 0:
        return None
    real = slope(true)
    rank, p = rank_correlation(shaped, true)
    if up.value > 0.1 * spread and real.value <= 0 and real.high < 0.25 * up.value:
        why = "falls" if real.high < 0 else "does not rise"
        return Parting(up, real, rank, why)
    if rank < -0.5 and p < 1 - LEVEL:
        return Parting(up, real, rank, "ranks the episodes the other way round")
    return None


@dataclass(frozen=True)
class Ending:
    """How length goes with the returns of episodes that terminated."""

    length: Slope
    with_shaped: float
    with_true: float
    pay: float
    shortest: NDArray[np.int64]


def early_end(
    length: FloatArray, shaped: FloatArray, true: FloatArray, terminated: NDArray[np.bool_]
) -> Ending | None:
    """Whether ending sooner pays the learner without doing the task better, and is done more and more.

    Args:
        length: ``(n,)`` steps.
        shaped: ``(n,)`` without verified potentials.
        true: ``(n,)``.
        terminated: ``(n,)``.
    """
    if terminated.sum() < FEWEST or np.array_equal(shaped, true):
        return None
    pay = float(shaped.sum() / max(1.0, length.sum()))
    half = len(length) // 2
    if pay >= 0 or length[half:].mean() >= length[:half].mean():
        return None
    ended = np.flatnonzero(terminated)
    with_shaped, p = rank_correlation(length[ended], shaped[ended])
    with_true, _ = rank_correlation(length[ended], true[ended])
    falls = slope(length)
    if with_shaped > -0.5 or p > 1 - LEVEL or with_true < -0.1 or falls.high >= 0:
        return None
    order = ended[np.argsort(length[ended], kind="stable")]
    return Ending(falls, with_shaped, with_true, pay, order[:10])


@dataclass(frozen=True)
class Takeover:
    """Share of one term, early and late."""

    term: int
    early: float
    late: float
    variance: float


def takeover(
    sizes: FloatArray, returns: FloatArray, shaped: FloatArray, early: FloatArray
) -> Takeover | None:
    """Whether one term makes up most of what is paid, and did not at first.

    Args:
        sizes: ``(n, k)`` sum of |term| over each episode of the window.
        returns: ``(n, k)`` sums of the terms.
        shaped: ``(n,)`` their total.
        early: ``(k,)`` shares over the first episodes.
    """
    if len(sizes) < FEWEST:
        return None
    late = shares(sizes)
    term = int(np.argmax(late))
    if late[term] < 0.8 or early[term] > 0.5:
        return None
    return Takeover(
        term, float(early[term]), float(late[term]), variance_share(returns, shaped)[term]
    )


def shares(sizes: FloatArray) -> FloatArray:
    """``(n, k)`` sums of |term| -> ``(k,)`` shares; all 0 where nothing was paid."""
    total = sizes.sum()
    found: FloatArray = sizes.sum(axis=0) / total if total > 0 else np.zeros(sizes.shape[1])
    return found


def variance_share(returns: FloatArray, shaped: FloatArray) -> FloatArray:
    """``cov(term, shaped) / var(shaped)``; they add up to 1 over the addends."""
    centred = shaped - shaped.mean()
    variance = float(centred @ centred)
    if variance <= 0:
        return np.zeros(returns.shape[1])
    found: FloatArray = (returns - returns.mean(axis=0)).T @ centred / variance
    return found


@dataclass(frozen=True)
class Unsure:
    """Disagreement of an ensemble over one window."""

    disagreement: Slope
    shaped: Slope
    rank: float


def unsure(disagreement: FloatArray, shaped: FloatArray) -> Unsure | None:
    """Whether an ensemble agrees less and less while the learner collects more and more."""
    if len(shaped) < FEWEST or not np.isfinite(disagreement).all():
        return None
    rises, up = slope(disagreement), slope(shaped)
    rank, p = rank_correlation(disagreement, shaped)
    if rises.low > 0 and up.low > 0 and rank > 0.5 and p < 1 - LEVEL:
        return Unsure(rises, up, rank)
    return None


def robust_z(value: FloatArray, reference: FloatArray) -> FloatArray:
    """Distance from the median in robust deviations (1.4826 MAD, at least a 1000th of the size)."""
    median = float(np.median(reference))
    floor = 1e-3 * max(float(np.abs(reference).max()), 1e-9)
    found: FloatArray = (value - median) / max(
        1.4826 * float(np.median(np.abs(reference - median))), floor
    )
    return found
