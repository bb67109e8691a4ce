"""One number of many runs: means of the middle, profiles, the chance to beat, areas under curves.

Scores are a matrix (runs, tasks), one number for each run, (runs,), which is one task, or a batch of
matrices (..., runs, tasks), of which the last two axes are reduced.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rewardwrap.statistics.scores import Array, ScoresError, matrix, sample


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
    first, second = matrix(x), matrix(y)
    if first.shape[-1] != second.shape[-1]:
        raise ScoresError(
            f"scores must have the same tasks, got {first.shape[-1]} and {second.shape[-1]}. "
            "Drop the tasks that only one strategy was trained on."
        )
    signs = np.sign(first[..., :, None, :] - second[..., None, :, :])
    return 0.5 + 0.5 * signs.mean(axis=(-3, -2, -1))


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


def _flat(scores: ArrayLike) -> Array:
    values = matrix(scores)
    return values.reshape(*values.shape[:-2], -1)
