"""How a reward model ranks: correlations, AUC, errors, within one policy and across policies.

Across policies almost any model looks good, since experts and beginners differ in everything; the
number that says what training will climb is the one within a policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rewardwrap.statistics.scores import ScoresError

Array = NDArray[np.float64]


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rho: the correlation of the ranks, ties sharing their mean rank.

    Args:
        x: (n,), n >= 2.
        y: (n,).

    Raises:
        ScoresError: Fewer than 2, different lengths, NaN, or one side constant.
    """
    first, second = _columns(x, y)
    _refuse_constant(first, second)
    from scipy import stats

    ranks = np.corrcoef(stats.rankdata(first), stats.rankdata(second))
    return float(ranks[0, 1])


def kendall(x: ArrayLike, y: ArrayLike) -> float:
    """Kendall's tau-b: (concordant - discordant) / sqrt((n0 - ties_x)(n0 - ties_y)).

    Args:
        x: (n,), n >= 2.
        y: (n,).

    Raises:
        ScoresError: As for spearman.
    """
    first, second = _columns(x, y)
    _refuse_constant(first, second)
    from scipy import stats

    return float(stats.kendalltau(first, second).statistic)


def r2(predicted: ArrayLike, true: ArrayLike) -> float:
    """Share of the variance explained: 1 - sum (y - p)² / sum (y - mean y)²; negative if worse
    than the mean.

    Args:
        predicted: (n,).
        true: (n,), not constant.
    """
    guess, target = _columns(predicted, true)
    spread = float(np.sum(np.square(target - target.mean())))
    if spread == 0:
        raise ScoresError(
            f"true must vary for r2, got {target[0]:g} everywhere. Use mae, or more policies."
        )
    return 1 - float(np.sum(np.square(target - guess))) / spread


def mae(predicted: ArrayLike, true: ArrayLike) -> float:
    """Mean absolute error, in the unit of the values."""
    guess, target = _columns(predicted, true, at_least=1)
    return float(np.mean(np.abs(guess - target)))


def auc(score: ArrayLike, outcome: ArrayLike) -> float:
    """Area under the ROC curve: P(score of a 1 > score of a 0), ties 1/2.

    Args:
        score: (n,); any rising map of it gives the same number.
        outcome: 0 or 1, (n,), both present.

    Raises:
        ScoresError: One outcome is missing, or neither 0 nor 1.

    Example:
        >>> auc([0.9] * 4 + [0.6] * 2 + [0.2] * 2, [1, 1, 1, 0, 1, 0, 0, 0])
        0.8125
    """
    values, labels = _columns(score, outcome)
    if not np.isin(labels, (0.0, 1.0)).all():
        raise ScoresError(
            f"outcome must be 0 or 1, got {labels[~np.isin(labels, (0.0, 1.0))][0]:g}. "
            "Threshold it first."
        )
    ones = labels == 1
    positives, negatives = int(ones.sum()), int((~ones).sum())
    if positives == 0 or negatives == 0:
        raise ScoresError(
            f"outcome must hold both 0 and 1, got only {labels[0]:g}. Add samples of the other."
        )
    from scipy import stats

    rank_sum = float(stats.rankdata(values)[ones].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


@dataclass(frozen=True)
class PolicyRanking:
    """Rank correlation of a model with the truth, by where the samples come from.

    Args:
        within: Mean over the policies that have one of their own.
        across: Over the mean of each policy.
        pooled: Over all samples at once.
        by_policy: Of each policy; None where the truth or the model does not vary.
    """

    within: float | None
    across: float | None
    pooled: float
    by_policy: dict[Any, float | None]


def rank_by_policy(
    score: ArrayLike, true: ArrayLike, policy: ArrayLike, *, statistic: str = "spearman"
) -> PolicyRanking:
    """Rank correlation within each policy, across the policies' means, and of everything.

    Args:
        score: What the model gives a trajectory or segment, (n,).
        true: Its true return, (n,).
        policy: Name or number of the policy that played it, (n,).
        statistic: "spearman" or "kendall".

    Raises:
        ScoresError: No such statistic, different lengths, or nothing that varies.
    """
    measures = {"spearman": spearman, "kendall": kendall}
    if statistic not in measures:
        raise ScoresError(
            f'statistic must be "spearman" or "kendall", got {statistic!r}. Choose one.'
        )
    values, target = _columns(score, true)
    names = np.asarray(policy)
    if names.shape != values.shape:
        raise ScoresError(
            f"policy must name one for each of {values.size} samples, got shape {names.shape}. "
            "Repeat its name."
        )
    measure = measures[statistic]
    known = list(dict.fromkeys(names.tolist()))
    by_policy = {
        name: measure(values[names == name], target[names == name])
        if _varies(values[names == name]) and _varies(target[names == name])
        else None
        for name in known
    }
    means = np.array([[v[names == name].mean() for name in known] for v in (values, target)])
    own = [found for found in by_policy.values() if found is not None]
    return PolicyRanking(
        within=float(np.mean(own)) if own else None,
        across=measure(*means) if _varies(means[0]) and _varies(means[1]) else None,
        pooled=measure(values, target),
        by_policy=by_policy,
    )


def _varies(values: Array) -> bool:
    return values.size > 1 and bool(np.ptp(values) > 0)


def _refuse_constant(first: Array, second: Array) -> None:
    for values in (first, second):
        if not _varies(values):
            raise ScoresError(
                f"values must vary to be ranked, got {values[0]:g} everywhere. "
                "A constant model has no rank correlation; add samples or look at the model."
            )


def _columns(x: ArrayLike, y: ArrayLike, *, at_least: int = 2) -> tuple[Array, Array]:
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape or first.size < at_least:
        raise ScoresError(
            f"values must be two columns of the same length, at least {at_least}, got shapes "
            f"{first.shape} and {second.shape}. Flatten them."
        )
    for values in (first, second):
        if not np.isfinite(values).all():
            raise ScoresError(
                f"values must be finite, got {values[~np.isfinite(values)][0]}. "
                "Find out where it comes from."
            )
    return first, second
