"""How far people agree, with each other and with themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import DataError

NAN = float("nan")


def raw_agreement(one: Sequence[str], other: Sequence[str]) -> float:
    """Share of questions that two labelers answered alike; NaN for none."""
    _same_length(one, other)
    return float(np.mean([x == y for x, y in zip(one, other, strict=True)])) if len(one) else NAN


def cohen_kappa(one: Sequence[str], other: Sequence[str]) -> float:
    """``(p_o - p_e) / (1 - p_e)``: agreement of two labelers beyond chance.

    ``p_o`` is the share answered alike, ``p_e`` the sum over answers of the product of both labelers'
    shares. 1 is full agreement, 0 is chance, NaN where it is not defined: no common question, or both
    always say the same one word.

    Source: Cohen, A coefficient of agreement for nominal scales, 1960, doi:10.1177/001316446002000104.

    >>> one, other = "y" * 25 + "n" * 25, "y" * 20 + "n" * 5 + "y" * 10 + "n" * 15
    >>> round(cohen_kappa(one, other), 3)
    0.4
    """
    _same_length(one, other)
    if not len(one):
        return NAN
    words = sorted({*one, *other})
    shares = [np.array([list(x).count(w) for w in words]) / len(x) for x in (one, other)]
    chance = float(shares[0] @ shares[1])
    return (raw_agreement(one, other) - chance) / (1 - chance) if chance < 1 else NAN


def fleiss_kappa(counts: FloatArray) -> float:
    """Agreement of any number of labelers beyond chance.

    With ``n_ij`` answers j to question i and ``n_i`` answers in all to it,
    ``P_i = sum_j n_ij (n_ij - 1) / (n_i (n_i - 1))``, ``p_j`` the share of answer j among all of them,
    ``kappa = (mean P_i - sum p_j^2) / (1 - sum p_j^2)``. Questions with fewer than two answers are
    left out; NaN where none is left or only one answer was ever given.

    Args:
        counts: ``(questions, answers)`` how often each answer was given.

    Source: Fleiss, Measuring nominal scale agreement among many raters, 1971, doi:10.1037/h0031619.
        Deviation: questions may have different numbers of answers; with equal ones it is his formula.
    """
    table = np.asarray(counts, np.float64)
    if table.ndim != 2 or (table < 0).any():
        raise DataError(
            f"counts must be (questions, answers), at least 0, got shape {table.shape}. "
            "Count how often each answer was given to each question."
        )
    table = table[table.sum(axis=1) >= 2]
    if not len(table):
        return NAN
    given = table.sum(axis=1)
    alike = (table * (table - 1)).sum(axis=1) / (given * (given - 1))
    chance = float(np.square(table.sum(axis=0) / table.sum()).sum())
    return (float(alike.mean()) - chance) / (1 - chance) if chance < 1 else NAN


def side_bias(left: int, right: int) -> tuple[float, float]:
    """Share of "left" among left and right answers, and how likely chance strays as far.

    Sides are dealt at random, so without a habit the share is a half. The second number is the
    two-sided binomial p-value.

    >>> share, p = side_bias(9, 1)
    >>> share, round(p, 4)
    (0.9, 0.0215)
    """
    if not left + right:
        return NAN, NAN
    from scipy.stats import binomtest

    return left / (left + right), float(binomtest(left, left + right).pvalue)


def _same_length(one: Sequence[str], other: Sequence[str]) -> None:
    if len(one) != len(other):
        raise DataError(
            f"labelers must have answered the same questions, got {len(one)} and {len(other)}. "
            "Compare their common ones."
        )
