"""What two strategies are compared by, and by which test.

| measure | asks of every seed | test |
|---|---|---|
| ``done`` | did it reach the threshold (*success*), and when (*steps*) | Boschloo's; log-rank, exact |
| ``area`` | mean of the true-return curve over training | Welch's |
| ``final`` | true return at the last evaluation | Welch's |

The *primary* measure gives the words and is declared before the first run (`declaration`): ``done`` where
the task is done or not done, ``area`` where returns are graded. The others are told beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from rewardwrap import statistics
from rewardwrap.compare.results import Comparison
from rewardwrap.pages.words import number, p_value, signed
from rewardwrap.statistics import Difference

Measure = Literal["done", "area", "final"]
NAMES = {
    "boschloo": "Boschloo's exact test",
    "exact": "the exact log-rank test",
    "sampled": "the log-rank test by permutation",
    "welch": "Welch's t test",
    "fisher": "Fisher's exact test",
    "identical": "no test: all scores are equal",
    "stratified": "Welch's t test within environments",
    "separated": "the permutation test within environments",
}


@dataclass(frozen=True)
class Test:
    """One question put to two strategies.

    Args:
        asked: ``"success"``, ``"steps"``, ``"area"`` or ``"final"``.
        by: Key of `NAMES`.
        lead: Above 0 where the first strategy did better.
        effect: How much, in words.
        p: Two-sided p value.
        difference: Of the means or shares, with its 95 % interval; None for steps.
        corrected: The p value after Holm's correction.
    """

    asked: str
    by: str
    lead: float
    effect: str
    p: float
    difference: Difference | None = None
    corrected: float = 1.0

    @property
    def said(self) -> str:
        """Effect and corrected p value, e.g. ``10/10 against 4/10 seeds, p = 0.007``."""
        return f"{self.effect}, p {p_value(self.corrected)}"


def put(comparison: Comparison, measure: Measure, a: str, b: str) -> tuple[Test, ...]:
    """Every test of one strategy against another by a measure; none with fewer than two runs."""
    if min(len(comparison.of(name)) for name in (a, b)) < 2:
        return ()
    if measure == "done":
        return (_success(comparison, a, b), _steps(comparison, a, b))
    of = comparison.auc if measure == "area" else comparison.final
    low, high = comparison.bounds
    gap = statistics.difference(of(a), of(b))
    if low is not None and high is not None:
        gap = gap.within(low - high, high - low)
    return (Test(measure, gap.method, gap.value, signed(gap.value), gap.p, gap),)


def holm(
    names: tuple[str, ...], tests_of: Callable[[str, str], tuple[Test, ...]]
) -> Mapping[frozenset[str], tuple[float, ...]]:
    """Corrected p values of every test of every pair of strategies: one family.

    All pairs belong to it, since the best strategy is picked after looking.
    """
    raw = {frozenset(pair): [test.p for test in tests_of(*pair)] for pair in combinations(names, 2)}
    corrected = iter(statistics.holm([p for values in raw.values() for p in values]))
    return {pair: tuple(float(next(corrected)) for _ in values) for pair, values in raw.items()}


def _success(comparison: Comparison, a: str, b: str) -> Test:
    first, second = (comparison.reached(name) for name in (a, b))
    gap = statistics.boschloo((first[0], second[0]), (first[1], second[1]))
    effect = f"{first[0]}/{first[1]} against {second[0]}/{second[1]} seeds"
    return Test("success", "boschloo", gap.value, effect, gap.p, gap)


def _steps(comparison: Comparison, a: str, b: str) -> Test:
    found = statistics.logrank(comparison.arrivals(a), comparison.arrivals(b))
    words = "sooner" if found.excess > 0 else "later" if found.excess < 0 else "as soon"
    return Test("steps", found.method, found.excess, words, found.p)


def half_by(comparison: Comparison, strategy: str) -> str:
    """The step by which half of the seeds had reached the threshold: ``4,000`` or ``> 40,000``."""
    survival = comparison.survival(strategy)
    if survival is None:
        return ""
    end = max(int(run.steps[-1]) for run in comparison.of(strategy))
    return f"> {end:,}" if survival.median is None else f"{survival.median:,}"


def standing(comparison: Comparison, measure: Measure, strategy: str) -> tuple[float, ...]:
    """What strategies are ranked by, larger is better; empty without runs.

    By ``done`` the share of the seeds that did the task, then how soon they did.
    """
    if not comparison.of(strategy):
        return ()
    if measure == "done":
        reached, runs = comparison.reached(strategy)
        return (reached / runs, -float(comparison.arrivals(strategy)[0].mean()))
    of = comparison.auc if measure == "area" else comparison.final
    return (float(of(strategy).mean()),)


def level(comparison: Comparison, measure: Measure, strategy: str) -> str:
    """What a strategy came to by a measure, for a sentence."""
    if measure == "done":
        reached, runs = comparison.reached(strategy)
        return f"{reached} of {runs} seeds did the task"
    return f"the mean true return was {number(standing(comparison, measure, strategy)[0])}"
