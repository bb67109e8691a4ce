"""Whether two strategies differ: differences of means, corrected p values, seeds still needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special  # scipy.stats takes a second to load

from rewardwrap.statistics.intervals import wilson_interval
from rewardwrap.statistics.scores import ScoresError, sample


@dataclass(frozen=True)
class Difference:
    """A difference of two means with its interval and p value.

    Args:
        value: mean(x) - mean(y).
        low: Lower bound of the interval of the difference.
        high: Upper bound.
        p: Two-sided p value of "no difference".
        method: ``"welch"``, ``"fisher"``, ``"boschloo"``, ``"paired"`` or ``"identical"``.
    """

    value: float
    low: float
    high: float
    p: float
    method: str

    def within(self, low: float, high: float) -> Difference:
        """With the part of its interval between two bounds of the difference."""
        return replace(self, low=max(self.low, low), high=min(self.high, high))


def welch(x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95) -> Difference:
    """Welch's test and interval of mean(x) - mean(y), variances not assumed equal.

    t = (mean x - mean y) / sqrt(sx²/n + sy²/m) with Satterthwaite's degrees of freedom.

    Args:
        x: Scores of one strategy, (n,), at least 2.
        y: Scores of the other, (m,), at least 2.
        confidence: Nominal coverage of the interval, in (0, 1).

    Raises:
        ScoresError: NaN, fewer than two runs, or no spread in either (use ``difference``).

    Source: Welch, The generalization of Student's problem, 1947.
    """
    first, second = sample(x, at_least=2), sample(y, at_least=2)
    parts = np.array([first.var(ddof=1) / first.size, second.var(ddof=1) / second.size])
    if parts.sum() == 0 or (np.ptp(first) == 0 and np.ptp(second) == 0):
        raise ScoresError(
            f"scores must spread in one of the two strategies, got {first[0]:g} and {second[0]:g} "
            "in every run. Use difference(), which tests such scores as success rates."
        )
    weights = parts / parts.sum()  # divided first: the squares of tiny variances underflow
    freedom = 1 / float(np.sum(weights**2 / [first.size - 1, second.size - 1]))
    value = float(first.mean() - second.mean())
    return _student(value, math.sqrt(parts.sum()), freedom, confidence, "welch")


def fisher(
    successes: tuple[int, int], runs: tuple[int, int], *, confidence: float = 0.95
) -> Difference:
    """Fisher's exact test of two success rates, with Newcombe's interval of p₁ - p₂.

    low = d - sqrt((p₁-l₁)² + (u₂-p₂)²), high = d + sqrt((u₁-p₁)² + (p₂-l₂)²), where l and u are
    Wilson's limits of either rate.

    Args:
        successes: Runs that succeeded under either strategy.
        runs: All runs of either.
        confidence: Nominal coverage of the interval, in (0, 1).

    Source: Fisher, The logic of inductive inference, 1935; Newcombe, Interval estimation for the
    difference between independent proportions, 1998, method 10.
    """
    from scipy import stats

    p = float(stats.fisher_exact(_table(successes, runs)).pvalue)
    return Difference(*_newcombe(successes, runs, confidence), p, "fisher")


@cache
def boschloo(
    successes: tuple[int, int], runs: tuple[int, int], *, confidence: float = 0.95
) -> Difference:
    """Boschloo's exact test of two success rates, with the interval of `fisher`.

    Of all tables that Fisher's one-sided test finds at least as extreme, the largest chance that any
    common rate gives them; the two-sided p value is twice the smaller of both sides. Never over its
    level and never weaker than Fisher's, which fixes the number of all successes: 10/10 against 4/10
    gives 0.0035 where Fisher's gives 0.011.

    Args:
        successes: Runs that succeeded under either strategy.
        runs: All runs of either, at least 1.
        confidence: Nominal coverage of the interval, in (0, 1).

    Source: Boschloo, Raised conditional level of significance for the 2 x 2 table, 1970.
    """
    from scipy import stats

    if successes[0] == successes[1] and runs[0] == runs[1]:
        # whatever the common rate, either side is at least as likely as not
        p = 1.0
    else:
        p = float(stats.boschloo_exact(_table(successes, runs)).pvalue)
    return Difference(*_newcombe(successes, runs, confidence), p, "boschloo")


def _table(successes: tuple[int, int], runs: tuple[int, int]) -> list[list[int]]:
    return [list(successes), [n - k for k, n in zip(successes, runs, strict=True)]]


def _newcombe(
    successes: tuple[int, int], runs: tuple[int, int], confidence: float
) -> tuple[float, float, float]:
    """p₁ - p₂ and its interval."""
    one, two = (k / n for k, n in zip(successes, runs, strict=True))
    (low1, high1), (low2, high2) = (
        wilson_interval(k, n, confidence=confidence) for k, n in zip(successes, runs, strict=True)
    )
    low = one - two - math.hypot(one - low1, high2 - two)
    high = one - two + math.hypot(high1 - one, two - low2)
    return one - two, low, high


def difference(x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95) -> Difference:
    """mean(x) - mean(y) by the test that the scores allow.

    Scores that take two values in all are success rates (Fisher, scaled to the values); scores
    that are all equal are "identical" with p = 1; anything else is Welch's.

    Args:
        x: Scores of one strategy, (n,), at least 2.
        y: Scores of the other, (m,), at least 2.
        confidence: Nominal coverage of the interval, in (0, 1).
    """
    first, second = sample(x, at_least=2), sample(y, at_least=2)
    found = np.unique(np.concatenate([first, second]))
    if found.size == 1:
        return Difference(0.0, 0.0, 0.0, 1.0, "identical")
    if found.size > 2:
        return welch(first, second, confidence=confidence)
    low, high = float(found[0]), float(found[1])
    successes = (int(np.sum(first == high)), int(np.sum(second == high)))
    rates = fisher(successes, (first.size, second.size), confidence=confidence)
    size = high - low
    return Difference(rates.value * size, rates.low * size, rates.high * size, rates.p, "fisher")


def paired_difference(
    x: ArrayLike,
    y: ArrayLike,
    *,
    seeds: tuple[Sequence[int], Sequence[int]] | None = None,
    confidence: float = 0.95,
) -> Difference:
    """Mean of x - y by shared seed, with Student's interval and test of the differences.

    Args:
        x: Scores of one strategy, (n,).
        y: Scores of the other, (m,).
        seeds: Seeds of either; only shared ones are paired. None: row i belongs to row i.
        confidence: Nominal coverage of the interval, in (0, 1).

    Raises:
        ScoresError: Fewer than two pairs, or unequal lengths without ``seeds``.
    """
    first, second = sample(x, at_least=0), sample(y, at_least=0)
    if seeds is not None:
        shared = sorted(set(seeds[0]) & set(seeds[1]))
        first = first[[list(seeds[0]).index(seed) for seed in shared]] if shared else first[:0]
        second = second[[list(seeds[1]).index(seed) for seed in shared]] if shared else second[:0]
    if first.size != second.size or first.size < 2:
        raise ScoresError(
            f"scores must pair up in at least 2 runs, got {first.size} and {second.size}. "
            "Give the seeds of both, or use difference()."
        )
    gaps = first - second
    if np.ptp(gaps) == 0:  # Student's denominator is 0: only "identical" has a p value
        gap = float(gaps[0])
        return Difference(gap, gap, gap, 1.0 if gap == 0 else 2.0 ** (1 - gaps.size), "paired")
    error = float(gaps.std(ddof=1)) / math.sqrt(gaps.size)
    return _student(float(gaps.mean()), error, gaps.size - 1, confidence, "paired")


def _student(
    value: float, error: float, freedom: float, confidence: float, method: str
) -> Difference:
    """Interval and p value of a difference; scipy's own tests warn at scores without spread."""
    half = float(special.stdtrit(freedom, 0.5 + confidence / 2)) * error
    p = 2 * float(special.stdtr(freedom, -abs(value) / error))
    return Difference(value, value - half, value + half, p, method)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's adjusted p values: the chance of any false claim stays under alpha.

    Sorted upwards, adjusted p(i) = max over j <= i of min(1, (k - j + 1) · p(j)).

    Args:
        p_values: One for each of k tests, in [0, 1], (k,).

    Returns:
        Adjusted values in the order given, (k,).

    Source: Holm, A simple sequentially rejective multiple test procedure, 1979.
    """
    values = np.asarray(p_values, dtype=np.float64)
    if values.ndim != 1 or np.any(~((values >= 0) & (values <= 1))):
        raise ScoresError(f"p values must lie in [0, 1], got {values.tolist()}. Drop the others.")
    order = np.argsort(values, kind="stable")
    factors = np.arange(values.size, 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * values[order]))
    return adjusted


def seeds_needed(
    x: ArrayLike, y: ArrayLike, *, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """About how many seeds each strategy needs if the observed difference is the true one.

    n = 2 (z(1-a/2) + z(power))² / d² + z(1-a/2)² / 4, d = |mean x - mean y| / pooled deviation. The
    observed effect is itself uncertain, so this is an order of magnitude.

    Args:
        x: Scores of one strategy, (n,), at least 2.
        y: Scores of the other, (m,), at least 2.
        alpha: Level of the two-sided test, in (0, 1); divide it by the number of tests.
        power: Chance to find the difference, in (0, 1).

    Returns:
        Seeds for each strategy, at least 3; None where the means are equal.

    Source: Guenther, Sample size formulas for normal theory t tests, 1981.
    """
    first, second = sample(x, at_least=2), sample(y, at_least=2)
    gap = abs(float(first.mean() - second.mean()))
    deviation = math.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    if gap <= 1e-12 * max(1.0, deviation):
        return None
    z = float(special.ndtri(1 - alpha / 2))
    ratio = (z + float(special.ndtri(power))) * deviation / gap
    return max(3, math.ceil(2 * ratio**2 + z**2 / 4))


def stratified_difference(x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95) -> Difference:
    """Mean over tasks of mean(x) - mean(y), Welch's way within each task.

    t = d / sqrt(sum over tasks of (sx²/n + sy²/m) / T²) with Satterthwaite's degrees of freedom; runs
    of one task are compared with runs of that task alone.

    Args:
        x: Scores of one strategy, (n, tasks), n at least 2.
        y: Scores of the other, (m, tasks), m at least 2.
        confidence: Nominal coverage of the interval, in (0, 1).

    Returns:
        Where no task shows any spread the interval is the difference itself, and p that of the exact
        permutation test within tasks, ``"separated"``; 1 and ``"identical"`` without a difference.

    Raises:
        ScoresError: NaN or inf, fewer than two runs, or other tasks.
    """
    first, second = (_by_task(scores) for scores in (x, y))
    if first.shape[1] != second.shape[1]:
        raise ScoresError(
            f"scores must have the same tasks, got {first.shape[1]} and {second.shape[1]}. "
            "Drop the tasks that only one strategy was trained on."
        )
    gaps = first.mean(axis=0) - second.mean(axis=0)
    value, sizes = float(gaps.mean()), (len(first), len(second))
    if not np.ptp(first, axis=0).any() and not np.ptp(second, axis=0).any():
        ways = math.comb(sum(sizes), sizes[0]) ** int(np.count_nonzero(gaps))
        if ways == 1:
            return Difference(0.0, 0.0, 0.0, 1.0, "identical")
        return Difference(value, value, value, min(1.0, 2 / ways), "separated")
    tasks = len(gaps)
    parts = np.concatenate([s.var(axis=0, ddof=1) / len(s) for s in (first, second)]) / tasks**2
    runs = np.repeat(sizes, tasks) - 1
    weights = parts / parts.sum()
    freedom = 1 / float(np.sum(weights**2 / runs))
    return _student(value, math.sqrt(parts.sum()), freedom, confidence, "stratified")


def _by_task(scores: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] < 2 or values.shape[1] < 1:
        raise ScoresError(
            f"scores must be a matrix (runs, tasks) with at least 2 runs, got shape {values.shape}. "
            "Train more seeds."
        )
    if not np.isfinite(values).all():
        raise ScoresError(
            f"scores must be finite, got {values[~np.isfinite(values)][0]}. Report the run as "
            "failed instead."
        )
    return values
