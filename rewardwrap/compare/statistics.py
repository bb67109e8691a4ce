"""Statistics of a few independent runs, as pure functions of one score matrix.

Scores are a matrix (runs, tasks), or one number for each run, (runs,), which is one task. The
aggregates also take a batch of matrices (..., runs, tasks) and reduce its last two axes; that is
what makes ``bootstrap_interval`` fast. Everything here raises ``ScoresError`` on zero runs, NaN or
inf: a wrong number is worse than none.

Source: Agarwal et al., Deep reinforcement learning at the edge of the statistical precipice, 2021,
arXiv:2108.13264. Steps to a threshold follow Kaplan and Meier, 1958.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rewardwrap.compare.differences import (
    Difference,
    difference,
    fisher,
    holm,
    paired_difference,
    seeds_needed,
    stratified_difference,
    welch,
)
from rewardwrap.compare.intervals import (
    Interval,
    ScoresError,
    exact_interval,
    recommended_interval,
    sample,
    student_interval,
    two_modes,
    wilson_interval,
)

__all__ = [
    "Difference",
    "Interval",
    "ScoresError",
    "Survival",
    "area_under_curve",
    "bootstrap_interval",
    "difference",
    "exact_interval",
    "fisher",
    "holm",
    "iqm",
    "kaplan_meier",
    "mean",
    "median",
    "optimality_gap",
    "paired_difference",
    "performance_profile",
    "probability_of_improvement",
    "recommended_interval",
    "sample",
    "seeds_needed",
    "stratified_difference",
    "student_interval",
    "two_modes",
    "welch",
    "wilson_interval",
]

Array = NDArray[np.float64]

_CHUNK = 2**20
"""Resampled scores held at once; keeps the bootstrap under about 50 MB."""


def iqm(scores: ArrayLike) -> Any:
    """Interquartile mean: the mean of the middle half of all runs x tasks.

    Of N sorted scores floor(N/4) are cut from either end. Robust to a few outliers and, unlike the
    median, using half of the runs; with success rates it rounds towards 0 or 1, so read the mean.

    Args:
        scores: (..., runs, tasks) or (runs,).

    Returns:
        A float, or an array of the leading axes.
    """
    flat = np.sort(_flat(scores), axis=-1)
    cut = flat.shape[-1] // 4
    return flat[..., cut : flat.shape[-1] - cut].mean(axis=-1)


def mean(scores: ArrayLike) -> Any:
    """Mean of all runs x tasks; shapes as in ``iqm``."""
    return _flat(scores).mean(axis=-1)


def median(scores: ArrayLike) -> Any:
    """Median of all runs x tasks; shapes as in ``iqm``.

    Deviation: Agarwal et al. take the median over tasks of each task's mean, which is no median at
    all where there is one task.
    """
    return np.median(_flat(scores), axis=-1)


def optimality_gap(scores: ArrayLike, gamma: float = 1.0) -> Any:
    """How far runs stay below a target: mean of max(0, gamma - score). Smaller is better.

    Args:
        scores: (..., runs, tasks) or (runs,).
        gamma: Score beyond which more is not counted, e.g. 1.0 for normalised scores.
    """
    return np.maximum(0.0, gamma - _flat(scores)).mean(axis=-1)


def performance_profile(scores: ArrayLike, taus: ArrayLike) -> Array:
    """Share of the runs x tasks that score above each threshold: F(tau) = P(score > tau).

    Args:
        scores: (..., runs, tasks) or (runs,).
        taus: Thresholds, (K,).

    Returns:
        Shares in [0, 1], (..., K); never rising along ``taus`` when these are sorted.
    """
    flat = np.sort(_flat(scores), axis=-1)
    above = flat[..., None, :] > np.asarray(taus, dtype=np.float64)[:, None]
    shares: Array = above.mean(axis=-1)
    return shares


def probability_of_improvement(x: ArrayLike, y: ArrayLike) -> Any:
    """Chance that a run of x beats a run of y: mean over tasks of P(X > Y) + P(X = Y) / 2.

    Mann and Whitney's U / (n·m) for each task; 0.5 means neither.

    Args:
        x: (..., n, tasks) or (n,).
        y: (..., m, tasks) or (m,); runs may differ in number, tasks may not.
    """
    first, second = _matrix(x), _matrix(y)
    if first.shape[-1] != second.shape[-1]:
        raise ScoresError(
            f"scores must have the same tasks, got {first.shape[-1]} and {second.shape[-1]}. "
            "Drop the tasks that only one strategy was trained on."
        )
    signs = np.sign(first[..., :, None, :] - second[..., None, :, :])
    return 0.5 + 0.5 * signs.mean(axis=(-3, -2, -1))


def bootstrap_interval(
    fn: Callable[..., Any],
    scores: ArrayLike,
    *,
    other: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 50_000,
    rng: np.random.Generator | None = None,
) -> Interval:
    """Percentile bootstrap that resamples runs independently within each task.

    It covers less than it promises at few runs (Gaussian mean: 85 % at n = 5, 91 % at n = 10), so
    below 10 runs it is marked as not trusted; see ``recommended_interval``.

    Args:
        fn: Statistic of a batch (..., runs, tasks) -> (...), as all of this module are. One that
            reduces a whole batch to a single number is called once per resample, slowly.
        scores: (runs, tasks) or (runs,).
        other: Second sample (m, tasks) of a statistic ``fn(x, y)``, resampled on its own.
        confidence: Nominal coverage, in (0, 1).
        resamples: How many; 50 000 leave a noise of about 1 % of the width.
        rng: Where the randomness comes from; None is ``default_rng(0)``: same scores, same bounds.
    """
    samples = [_matrix(scores)] + ([] if other is None else [_matrix(other)])
    source = np.random.default_rng(0) if rng is None else rng
    runs = min(s.shape[0] for s in samples)
    batched = np.shape(fn(*(np.stack([s, s]) for s in samples))) == (2,)
    work = samples[0].size * (samples[1].shape[0] if len(samples) > 1 else 1)
    chunk = max(1, _CHUNK // work)
    found: list[Array] = []
    for start in range(0, resamples, chunk):
        drawn = [_resample(s, min(chunk, resamples - start), source) for s in samples]
        rows = fn(*drawn) if batched else [fn(*row) for row in zip(*drawn, strict=True)]
        found.append(np.asarray(rows, dtype=np.float64))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(found), [tail, 1 - tail])
    why = "" if runs >= 10 else f"the bootstrap covers too little with {runs} runs"
    return Interval(float(low), float(high), "bootstrap", runs >= 10, why)


@dataclass(frozen=True)
class Survival:
    """Share of the runs that have not reached the threshold, as a right-continuous step curve.

    Args:
        times: Steps at which at least one run reached it, (K,).
        surviving: Share that has not, from each of these on, (K,).
        reached: Runs that reached it.
        runs: All runs.
    """

    times: NDArray[np.int64]
    surviving: Array
    reached: int
    runs: int

    @property
    def median(self) -> int | None:
        """First step by which half of the runs have reached it; None: fewer than half did."""
        below = np.flatnonzero(self.surviving <= 0.5 + 1e-12)
        return int(self.times[below[0]]) if below.size else None


def kaplan_meier(times: ArrayLike, reached: ArrayLike) -> Survival:
    """Kaplan and Meier's estimate: S(t) = prod over t_i <= t of (1 - d_i / n_i).

    Runs that never reach the threshold stay in the risk set until they end: dropping them would
    make the worst strategy look fast.

    Args:
        times: Step at which the threshold was reached or the run ended, (runs,).
        reached: Which of the two it was, (runs,) bool.

    Source: Kaplan and Meier, Nonparametric estimation from incomplete observations, 1958.
    """
    when, hit = sample(times), np.asarray(reached, dtype=bool)
    if hit.shape != when.shape:
        raise ScoresError(
            f"reached must have one entry for each of {when.size} times, got shape {hit.shape}. "
            "Mark the runs that never reach the threshold as False."
        )
    events = np.unique(when[hit])
    at_risk = (when[None, :] >= events[:, None]).sum(axis=1)
    hits = ((when[None, :] == events[:, None]) & hit[None, :]).sum(axis=1)
    surviving = np.cumprod(1 - hits / at_risk)
    return Survival(events.astype(np.int64), surviving, int(hit.sum()), int(hit.size))


def area_under_curve(steps: ArrayLike, values: ArrayLike, grid: ArrayLike) -> float:
    """Mean height of a curve over a step grid: trapezoids / length, in the unit of the values.

    Args:
        steps: Where the curve was measured, increasing, (E,).
        values: What was measured, (E,).
        grid: Common steps on which curves are compared, (G,); one point gives the value there.
    """
    points = np.asarray(grid, dtype=np.float64)
    curve = np.interp(points, np.asarray(steps, dtype=np.float64), sample(values))
    if points.size == 1:
        return float(curve[0])
    return float(np.trapezoid(curve, points) / (points[-1] - points[0]))


def _matrix(scores: ArrayLike) -> Array:
    values = np.asarray(scores, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim < 2 or 0 in values.shape:
        raise ScoresError(
            f"scores must be a matrix (runs, tasks) with at least one of each, got shape "
            f"{np.shape(scores)}. Report a strategy without finished runs as such."
        )
    if not np.isfinite(values).all():
        raise ScoresError(
            f"scores must be finite, got {values[~np.isfinite(values)][0]}. Report the run as "
            "failed instead."
        )
    return values


def _flat(scores: ArrayLike) -> Array:
    values = _matrix(scores)
    return values.reshape(*values.shape[:-2], -1)


def _resample(scores: Array, count: int, rng: np.random.Generator) -> Array:
    runs = rng.integers(scores.shape[0], size=(count, *scores.shape))
    return np.take_along_axis(scores[None], runs, axis=1)
