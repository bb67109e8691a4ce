"""What every statistic of this room takes, and the sentence for what it refuses."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rewardwrap.core.errors import RewardwrapError

Array = NDArray[np.float64]


class ScoresError(RewardwrapError, ValueError):
    """Scores from which the number that was asked for cannot be computed."""


def sample(scores: ArrayLike, *, at_least: int = 1) -> NDArray[np.float64]:
    """One finite score for each run as an array (runs,).

    Raises:
        ScoresError: Fewer than ``at_least`` runs, more than one axis, NaN or inf.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.size < at_least:
        raise ScoresError(
            f"scores must be one number for each of at least {at_least} runs, got shape "
            f"{values.shape}. Train more seeds, or average the tasks of a run first."
        )
    if not np.isfinite(values).all():
        raise ScoresError(
            f"scores must be finite, got {values[~np.isfinite(values)][0]}. Report the run as "
            "failed instead."
        )
    return values


def matrix(scores: ArrayLike) -> Array:
    """Finite scores as (..., runs, tasks); one number for each run is one task.

    Raises:
        ScoresError: No run, no task, NaN or inf.
    """
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
