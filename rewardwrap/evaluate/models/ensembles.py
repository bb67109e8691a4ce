"""Whether the members of an ensemble know when they are wrong.

Members that share data and initialisation err together, and their disagreement then says nothing.

Source: Coste et al., Reward model ensembles help mitigate overoptimization, 2023, arXiv:2310.02743.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rewardwrap.statistics import ScoresError
from rewardwrap.statistics.ranking import auc, spearman

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Disagreement:
    """What the spread of an ensemble is worth.

    Args:
        error_correlation: Mean correlation of two members' errors; near 1 they err together.
        pairwise: Of every two, (M, M).
        auroc: P(spread is larger where the error of the mean is large), .5 is useless.
        rank_correlation: Spearman of spread and |error|.
        mean_error: Mean |error| of the ensemble's mean.
    """

    error_correlation: float
    pairwise: Array
    auroc: float
    rank_correlation: float
    mean_error: float


def ensemble_disagreement(
    predictions: ArrayLike, true: ArrayLike, *, large: float = 0.5
) -> Disagreement:
    """Error correlation of the members, and whether their standard deviation finds errors.

    Args:
        predictions: Of each member, (M, n), M >= 2, on the scale of the truth.
        true: (n,).
        large: An error is large above this quantile of |mean - true|, in (0, 1).

    Raises:
        ScoresError: Fewer than 2 members or 3 samples, NaN, members without errors that vary.
    """
    members, target = np.asarray(predictions, dtype=np.float64), np.asarray(true, dtype=np.float64)
    if members.ndim != 2 or members.shape[0] < 2 or members.shape[1:] != target.shape:
        raise ScoresError(
            "predictions must be (members, n) with at least 2 members for true (n,), got shapes "
            f"{members.shape} and {target.shape}. Stack the members along the first axis."
        )
    if target.size < 3 or not (np.isfinite(members).all() and np.isfinite(target).all()):
        raise ScoresError(
            f"predictions must be finite on at least 3 samples, got {target.size} samples. "
            "Look for NaN in the members."
        )
    if not 0 < large < 1:
        raise ScoresError(f"large must lie in (0, 1), got {large:g}. 0.5 is the median error.")
    errors = members - target
    if not (np.ptp(errors, axis=1) > 0).all():
        raise ScoresError(
            "the error of every member must vary to be correlated, got a constant one. "
            "Is a member the truth itself?"
        )
    pairwise: Array = np.asarray(np.corrcoef(errors))
    off = pairwise[np.triu_indices(len(members), 1)]
    error = np.abs(members.mean(axis=0) - target)
    spread = members.std(axis=0)
    # members that agree up to rounding say nothing: half of the pairs ordered rightly, by ties
    useful = bool(np.ptp(spread) > 1e-9 * np.abs(members).max() and np.ptp(error) > 0)
    return Disagreement(
        error_correlation=float(off.mean()),
        pairwise=pairwise,
        auroc=auc(spread, (error > np.quantile(error, large)).astype(float)) if useful else 0.5,
        rank_correlation=spearman(spread, error) if useful else 0.0,
        mean_error=float(error.mean()),
    )
