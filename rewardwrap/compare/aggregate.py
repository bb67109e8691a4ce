"""What the scores of a suite come to: aggregates with intervals, and verdicts between strategies.

What gives the headline was declared before looking: on each environment the area under its declared
measure, the true return or whether the task is done yet. Verdicts test the
mean over tasks of the difference of means (`stratified_difference`), corrected with Holm; the
aggregates beside them carry the bootstrap that resamples seeds within tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rewardwrap import statistics
from rewardwrap.compare.findings import findings
from rewardwrap.compare.measures import Test
from rewardwrap.compare.results import FloatArray
from rewardwrap.compare.suite import Measure as SuiteMeasure
from rewardwrap.compare.suite import Suite
from rewardwrap.compare.verdict import Verdict, judged, lead, leader
from rewardwrap.pages.words import count, listed, signed
from rewardwrap.statistics import Interval

AGGREGATES: dict[str, Callable[[Any], Any]] = {
    "IQM": statistics.iqm,
    "mean": statistics.mean,
    "median": statistics.median,
    "optimality gap": partial(statistics.optimality_gap, gamma=1.0),
}
"""Smaller is better for the last alone."""
RESAMPLES = 10_000


@dataclass(frozen=True)
class Estimate:
    """A number and its interval."""

    value: float
    interval: Interval


@dataclass(frozen=True)
class SuiteJudgement:
    """What a suite allows to be said.

    Args:
        baseline: The strategy others are judged against.
        best: Highest mean score by area; None when no strategy leads.
        headline: One or two sentences that a hurried reader takes home.
        family: How many tests give the words, corrected together.
        against_baseline: Every other strategy, area and final.
        against_best: The best against every other strategy, by area.
        notes: What the reader must know about environments, seeds and failures.
    """

    baseline: str
    best: str | None
    headline: str
    family: int
    against_baseline: tuple[Verdict, ...]
    against_best: tuple[Verdict, ...]
    notes: tuple[str, ...]

    def of(self, strategy: str, measure: SuiteMeasure = "area") -> Verdict | None:
        """The verdict of a strategy against the baseline; None for the baseline itself."""
        for verdict in self.against_baseline:
            if (verdict.strategy, verdict.measure) == (strategy, measure):
                return verdict
        return None


def aggregates(scores: FloatArray) -> dict[str, Estimate]:
    """Every aggregate of one strategy's scores (runs, tasks); empty without runs."""
    if not scores.size:
        return {}
    return {
        name: Estimate(
            float(fn(scores)), statistics.bootstrap_interval(fn, scores, resamples=RESAMPLES)
        )
        for name, fn in AGGREGATES.items()
    }


def improvement(x: FloatArray, y: FloatArray) -> Estimate | None:
    """Chance that a run of x beats one of y on the same task, with its interval."""
    if not x.size or not y.size:
        return None
    resamples = int(min(RESAMPLES, max(1_000, 2e8 / (x.size * len(y)))))
    interval = statistics.bootstrap_interval(
        statistics.probability_of_improvement, x, other=y, resamples=resamples
    )
    return Estimate(float(statistics.probability_of_improvement(x, y)), interval)


def judge_suite(suite: Suite) -> SuiteJudgement:
    """Test what can be tested and put it into words."""
    names = suite.strategies
    baseline = "env" if "env" in names else names[0]
    means = {n: (float(s.mean()),) for n in names if (s := suite.scores(n)).size}
    best = leader(means)
    against_best: tuple[Verdict, ...] = ()
    if best is not None:
        against_best = suite_verdicts(suite, "area", [(best, n) for n in names if n != best])
    pairs = [(name, baseline) for name in names if name != baseline]
    against = suite_verdicts(suite, "area", pairs)
    return SuiteJudgement(
        baseline=baseline,
        best=best,
        headline=_headline(suite, best, against_best),
        family=max((v.family for v in against), default=0),
        against_baseline=(*against, *suite_verdicts(suite, "final", pairs)),
        against_best=against_best,
        notes=_notes(suite),
    )


def suite_verdicts(
    suite: Suite, measure: SuiteMeasure, pairs: list[tuple[str, str]]
) -> tuple[Verdict, ...]:
    """Judge pairs (strategy, other) over all tasks; the tests of all pairs are one Holm family."""
    scores = {name: suite.scores(name, measure) for name in suite.strategies}

    def put(a: str, b: str) -> tuple[Test, ...]:
        if min(len(scores[a]), len(scores[b])) < 2:
            return ()
        gap = statistics.stratified_difference(scores[a], scores[b])
        return (Test(measure, gap.method, gap.value, signed(gap.value), gap.p, gap),)

    sizes = {name: len(found) for name, found in scores.items()}
    return judged(suite.strategies, measure, pairs, sizes, put)


def _headline(suite: Suite, best: str | None, against_best: tuple[Verdict, ...]) -> str:
    over = f"Over {len(suite.tasks)} environments: "
    finished = [name for name in suite.strategies if suite.seeds(name)]
    if not finished:
        return "No strategy has a seed that finished on every environment: nothing to compare."
    if best is None and len(finished) == 1:
        return f"{over}{finished[0]} is the only strategy with finished runs."
    if best is None:
        return f"{over}no strategy leads, the mean score is the same under each of them."
    won = "has a better score than" if suite.done_or_not else ""
    parts = [over + lead(best, against_best, won)]
    cheats: dict[str, list[str]] = {}
    for comparison in suite.comparisons:
        for finding in findings(comparison) if comparison.runs else ():
            if finding.label == "cheats":
                cheats.setdefault(finding.strategy, []).append(comparison.env)
    parts += [f"{name} cheats on {listed(envs)}." for name, envs in cheats.items()]
    return " ".join(parts)


def _notes(suite: Suite) -> tuple[str, ...]:
    notes = []
    if suite.done_or_not:
        notes.append(
            f"On {listed(list(suite.done_or_not))} the score over training is the share of it after the "
            "task was done, as declared before the first run; elsewhere it is the area under the true return."
        )
    counted = {task.env for task in suite.tasks}
    unscaled = [env for env in suite.envs if env not in suite.scales]
    if unscaled:
        has = "has" if len(unscaled) == 1 else "have"
        notes.append(
            f"{listed(unscaled)} {has} no random and reference return to normalise by and "
            "count in no number over environments."
        )
    empty = [e for e in suite.envs if e in suite.scales and e not in counted]
    if empty:
        notes.append(f"No run finished on {listed(empty)}; the numbers leave it out.")
    failed = sum(len(c.failures) for c in suite.comparisons)
    if failed:
        every = failed + sum(len(c.runs) for c in suite.comparisons)
        notes.append(f"{failed} of {every} runs failed and count nowhere.")
    for name in suite.strategies:
        left = set().union(*({r.seed for r in t.of(name)} for t in suite.tasks))
        left -= set(suite.seeds(name))
        if left:
            notes.append(
                f"{name}: {count(len(left))} did not finish on every environment; these numbers "
                "leave them out."
            )
    sizes = {name: len(suite.seeds(name)) for name in suite.strategies}
    if len(set(sizes.values())) > 1:
        each = ", ".join(f"{name} {size}" for name, size in sizes.items())
        notes.append(f"The strategies have unequal numbers of complete seeds ({each}).")
    if 0 < min(sizes.values()) < 10:
        notes.append(
            f"With {count(min(sizes.values()))} the bootstrap intervals below cover less than they "
            "promise; the verdicts use Student's instead."
        )
    return tuple(notes)
