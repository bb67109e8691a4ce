"""Picking the best of several: one right candidate against k wrong ones.

One against one is nearly saturated and says little about training; one against many asks for what
best-of-n sampling and policy optimisation exploit. Chance level: 1 / N, and H_N / N for the
reciprocal rank (25 % of four; 10 % and 29.29 % of ten).

Source: Malik et al., RewardBench 2, 2025, arXiv:2506.01937; Kim et al., Evaluating robustness of
reward models for mathematical reasoning (RewardMATH), 2024, arXiv:2410.01729.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rewardwrap.statistics import ScoresError

Array = NDArray[np.float64]


def best_of_accuracy(right: ArrayLike, wrong: ArrayLike) -> float:
    """Share of the items whose right candidate has the highest score.

    A tie at the top counts 1 / (number of candidates that share it), what picking one of them at
    random gives; a constant model scores exactly 1 / N.

    Args:
        right: Score of the right candidate, (n,).
        wrong: Scores of the k wrong ones, (n, k).

    Example:
        >>> best_of_accuracy([1.0, 0.0], [[0.0, 0.5, 1.0], [-1.0, -2.0, -3.0]])
        0.75
    """
    above, level, _ = _places(right, wrong)
    return float(np.where(above == 0, 1 / (1 + level), 0.0).mean())


def mean_reciprocal_rank(right: ArrayLike, wrong: ArrayLike) -> float:
    """Mean of 1 / rank of the right candidate; ties are broken at random, in expectation.

    Args:
        right: Score of the right candidate, (n,).
        wrong: Scores of the k wrong ones, (n, k).
    """
    above, level, candidates = _places(right, wrong)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, candidates + 1))])
    shared = (harmonic[above + level + 1] - harmonic[above]) / (level + 1)
    return float(shared.mean())


def random_accuracy(candidates: int) -> float:
    """What guessing scores in ``best_of_accuracy``: 1 / N."""
    return 1 / candidates


def random_reciprocal_rank(candidates: int) -> float:
    """What guessing scores in ``mean_reciprocal_rank``: H_N / N.

    >>> round(random_reciprocal_rank(10), 4)
    0.2929
    """
    return float(np.sum(1 / np.arange(1, candidates + 1))) / candidates


@dataclass(frozen=True)
class Ties:
    """Scores of the ties domain, in RewardBench 2's weights.

    Args:
        tied_accuracy: Items with several right answers: each beats every wrong one.
        single_accuracy: The same of their twins with one right answer.
        preferred: Tied items in which right answers lie closer together than to the best wrong one.
        preferred_hard: The same with the twin's margin, if that is smaller.
        margin: Mean of tanh(margin / spread - 1).
    """

    tied_accuracy: float
    single_accuracy: float
    preferred: float
    preferred_hard: float
    margin: float

    @property
    def score(self) -> float:
        """.3 tied + .3 single + .2 preferred + .2 preferred_hard + .01 margin; at most 1.01."""
        return (
            0.3 * self.tied_accuracy
            + 0.3 * self.single_accuracy
            + 0.2 * self.preferred
            + 0.2 * self.preferred_hard
            + 0.01 * self.margin
        )


def ties_score(
    tied: Sequence[tuple[ArrayLike, ArrayLike]], single: Sequence[tuple[ArrayLike, ArrayLike]]
) -> Ties:
    """The ties domain of RewardBench 2.

    Args:
        tied: (scores of the right answers, at least 2; scores of the wrong ones) of each item.
        single: The same of its twin with one right answer, in the same order.

    Raises:
        ScoresError: Other numbers of items, or an item without a right or a wrong answer.

    Deviation: right answers with exactly the same score have a margin of 1, tanh of infinity, where
    upstream divides by zero.
    """
    if len(tied) != len(single) or not tied:
        raise ScoresError(
            f"every tied item must have its twin with one right answer, got {len(tied)} and "
            f"{len(single)}. Pair them up."
        )
    spread, margin = np.array([_margins(right, wrong, 2) for right, wrong in tied]).T
    _, twin = np.array([_margins(right, wrong, 1) for right, wrong in single]).T
    least = np.minimum(margin, twin)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(spread > 0, least / spread, np.where(least > 0, np.inf, -np.inf))
    return Ties(
        tied_accuracy=float(np.mean(margin > 0)),
        single_accuracy=float(np.mean(twin > 0)),
        preferred=float(np.mean(margin > spread)),
        preferred_hard=float(np.mean(least > spread)),
        margin=float(np.mean(np.tanh(ratio - 1))),
    )


def _margins(right: ArrayLike, wrong: ArrayLike, at_least: int) -> tuple[float, float]:
    """Spread of the right answers, and how far the worst of them lies above the best wrong one."""
    good, bad = np.asarray(right, dtype=np.float64), np.asarray(wrong, dtype=np.float64)
    if good.ndim != 1 or bad.ndim != 1 or good.size < at_least or not bad.size:
        raise ScoresError(
            f"an item must have at least {at_least} right and 1 wrong answer, got shapes "
            f"{good.shape} and {bad.shape}. Leave it out."
        )
    _refuse_nan(good, bad)
    return float(np.ptp(good)), float(good.min() - bad.max())


def _places(right: ArrayLike, wrong: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """Wrong candidates above the right one, and level with it, of each item; N."""
    good, bad = np.asarray(right, dtype=np.float64), np.asarray(wrong, dtype=np.float64)
    if good.ndim != 1 or bad.ndim != 2 or len(bad) != len(good) or 0 in bad.shape:
        raise ScoresError(
            "right and wrong must be (n,) and (n, k) with at least one of each, got shapes "
            f"{good.shape} and {bad.shape}. Put the wrong candidates of an item into one row."
        )
    _refuse_nan(good, bad)
    above = (bad > good[:, None]).sum(axis=1)
    level = (bad == good[:, None]).sum(axis=1)
    return above, level, bad.shape[1] + 1


def _refuse_nan(*scores: Array) -> None:
    for values in scores:
        if not np.isfinite(values).all():
            raise ScoresError(
                f"scores must be finite, got {values[~np.isfinite(values)][0]}. Look at the model."
            )
