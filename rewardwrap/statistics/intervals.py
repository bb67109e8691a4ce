"""Confidence intervals for the mean of a few independent runs, and which one to believe.

Measured coverage of a nominal 95 % interval (``tests/statistics/test_statistics.py`` repeats it):
Student's of Gaussian scores 95 % from n = 3 on; the exact interval of a success rate never under
95 %; Wilson's dips to 84 % at n = 10 where the rate is near 0 or 1, so it is not the recommended
one. Scores in two noisy modes are where intervals lie (Student 65 % at n = 5 where one run in five
fails), so ``recommended_interval`` uses the modes it sees and says when it cannot be trusted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special  # scipy.stats takes a second to load

from rewardwrap.statistics.scores import ScoresError, sample

RARE_MODE = 0.1
"""Share of the runs in a second mode that a trusted interval would have seen (a convention)."""


@dataclass(frozen=True)
class Interval:
    """A confidence interval, how it was computed and whether to believe it.

    Unpacks as ``low, high``.

    Args:
        low: Lower bound; ``-inf`` where the scores bound nothing.
        high: Upper bound.
        method: ``"student"``, ``"exact"``, ``"two modes"``, ``"bootstrap"``, ``"none"`` ...
        trusted: Whether the stated confidence holds without an assumption the scores cannot show.
        why: One sentence for the reader.
    """

    low: float
    high: float
    method: str
    trusted: bool = True
    why: str = ""

    def __iter__(self) -> Iterator[float]:
        yield self.low
        yield self.high

    def within(self, low: float | None, high: float | None) -> Interval:
        """The part of it between two bounds; None for none."""
        return replace(
            self,
            low=self.low if low is None else max(self.low, low),
            high=self.high if high is None else min(self.high, high),
        )


def student_interval(scores: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Student's interval of the mean: mean ± t(n-1) · s / sqrt(n).

    Exact for Gaussian scores at every n >= 2; nothing is promised for scores with two modes.

    Args:
        scores: One score for each run, (runs,), at least 2.
        confidence: Nominal coverage, in (0, 1).

    Source: Student, The probable error of a mean, 1908.
    """
    values = sample(scores, at_least=2)
    half = special.stdtrit(values.size - 1, 0.5 + confidence / 2) * (
        values.std(ddof=1) / values.size**0.5
    )
    mean = float(values.mean())
    return Interval(mean - float(half), mean + float(half), "student")


def wilson_interval(successes: int, runs: int, *, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a success rate.

    (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n). Close to nominal on average over rates,
    but under it near 0 and 1.

    Args:
        successes: Runs that succeeded, in [0, runs].
        runs: All runs, at least 1.
        confidence: Nominal coverage, in (0, 1).

    Source: Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    """
    _check_rate(successes, runs)
    z, rate = float(special.ndtri(0.5 + confidence / 2)), successes / runs
    centre = (rate + z**2 / (2 * runs)) / (1 + z**2 / runs)
    spread = math.sqrt(rate * (1 - rate) / runs + z**2 / (4 * runs**2))
    half = z * spread / (1 + z**2 / runs)
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == runs else centre + half
    return Interval(low, high, "wilson")


def exact_interval(successes: int, runs: int, *, confidence: float = 0.95) -> Interval:
    """Clopper and Pearson's interval of a success rate: the rates no one-sided test rejects.

    low = Beta(a/2; k, n-k+1), high = Beta(1-a/2; k+1, n-k). Its coverage is at least the nominal
    one at every rate and every n.

    Args:
        successes: Runs that succeeded, in [0, runs].
        runs: All runs, at least 1.
        confidence: Guaranteed coverage, in (0, 1).

    Source: Clopper and Pearson, The use of confidence or fiducial limits, 1934.
    """
    _check_rate(successes, runs)
    tail, failures = (1 - confidence) / 2, runs - successes
    low = float(special.betaincinv(successes, failures + 1, tail)) if successes else 0.0
    high = float(special.betaincinv(successes + 1, failures, 1 - tail)) if failures else 1.0
    return Interval(low, high, "exact")


def recommended_interval(
    scores: ArrayLike,
    *,
    confidence: float = 0.95,
    values: tuple[float, float] | None = None,
    bounds: tuple[float | None, float | None] = (None, None),
) -> Interval:
    """The interval of the mean that a report should print, and whether to trust it.

    * two values only, each seen twice or known: the exact interval of the rate, scaled to them;
    * two modes with a wide gap: the exact interval of the share in the upper mode, scaled to the
      means of the modes, and at least Student's, because 5 Gaussian scores can look like that;
    * otherwise Student's, which is trusted once a second mode holding one run in ten would have
      been seen with 95 % probability (n >= 29). Below that it is right if the scores have one
      mode, and nothing in the scores can show that they do.

    Args:
        scores: One score for each run, (runs,).
        confidence: Nominal coverage, in (0, 1).
        values: The only two scores a run can have, where that is known, e.g. ``(0.0, 1.0)``.
        bounds: Least and largest score that a run can have, None for unknown. The mean lies between
            them as well, so an interval that is cut there covers as often.

    Raises:
        ScoresError: NaN or inf, or a score that is not one of ``values``.

    Example:
        >>> low, high = recommended_interval([1, 1, 1, 0, 1], values=(0.0, 1.0))
        >>> round(low, 2), round(high, 2)
        (0.28, 0.99)
    """
    finals = sample(scores, at_least=0)
    if finals.size < (1 if values else 2):
        why = "one seed shows no spread" if finals.size else "no seed finished"
        return Interval(-math.inf, math.inf, "none", False, why)
    return _usual_interval(finals, values, confidence).within(*bounds)


def _usual_interval(
    finals: NDArray[np.float64], values: tuple[float, float] | None, confidence: float
) -> Interval:
    found, times = np.unique(finals, return_counts=True)
    if values is None and found.size == 2 and times.min() > 1:
        values = (float(found[0]), float(found[1]))
    if values is not None:
        return _rate_interval(finals, values, confidence)
    if found.size == 1:
        why = f"all {finals.size} seeds ended with the same score, which shows no spread"
        return Interval(float(found[0]), float(found[0]), "constant", False, why)
    modes = two_modes(finals)
    if modes is not None:
        return _two_mode_interval(finals, modes, confidence)
    return _one_mode_interval(finals, confidence)


def two_modes(scores: ArrayLike) -> tuple[float, float, int] | None:
    """Whether one gap splits the scores: means of both groups and the size of the upper one.

    The widest gap must be more than 5 times the wider of the two groups it separates; among 5
    Gaussian scores that happens in about 2 % of the samples. Fewer than 5 scores show no modes.
    """
    ordered = np.sort(sample(scores))
    if ordered.size < 5:
        return None
    gaps = np.diff(ordered)
    cut = int(np.argmax(gaps)) + 1
    lower, upper = ordered[:cut], ordered[cut:]
    if gaps[cut - 1] <= 5 * max(np.ptp(lower), np.ptp(upper)):
        return None
    return float(lower.mean()), float(upper.mean()), int(upper.size)


def _two_mode_interval(
    finals: NDArray[np.float64], modes: tuple[float, float, int], confidence: float
) -> Interval:
    lower, upper, successes = modes
    rate = exact_interval(successes, finals.size, confidence=confidence)
    low, high = _scale(rate, lower, upper)
    student = student_interval(finals, confidence=confidence)
    why = f"two modes, around {lower:.4g} and {upper:.4g}: from the share of seeds in each"
    return Interval(min(low, student.low), max(high, student.high), "two modes", True, why)


def _one_mode_interval(finals: NDArray[np.float64], confidence: float) -> Interval:
    student = student_interval(finals, confidence=confidence)
    unseen = 1 - 0.05 ** (1 / finals.size)
    trusted = unseen <= RARE_MODE
    why = "one mode seen"
    if not trusted:
        why = (
            f"right if the scores have one mode, but {finals.size} seeds may all miss a second one "
            f"that up to {unseen:.0%} of the seeds end in"
        )
    return Interval(student.low, student.high, "student", trusted, why)


def _rate_interval(
    finals: NDArray[np.float64], values: tuple[float, float], confidence: float
) -> Interval:
    low, high = min(values), max(values)
    if not np.isin(finals, (low, high)).all():
        raise ScoresError(
            f"scores must be one of {low:g} and {high:g}, got {finals.tolist()}. Leave values out."
        )
    successes = int(np.sum(finals == high))
    scaled = _scale(exact_interval(successes, finals.size, confidence=confidence), low, high)
    why = f"success rate, {successes} of {finals.size} seeds at {high:g}"
    return Interval(*scaled, "exact", True, why)


def _scale(rate: Interval, low: float, high: float) -> tuple[float, float]:
    return low + rate.low * (high - low), low + rate.high * (high - low)


def _check_rate(successes: int, runs: int) -> None:
    if not 0 <= successes <= runs or runs < 1:
        raise ScoresError(
            f"successes must lie in [0, runs] with runs >= 1, got {successes} of {runs}. "
            "Count the finished runs."
        )
