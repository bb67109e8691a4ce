"""Better, worse or inconclusive: what the true returns of a comparison allow to be said.

The primary measure (`rewardwrap.compare.measures`) gives every word. All its tests, of all pairs of
strategies, are one family, corrected with Holm: the chance of any false claim on the page is at most 5 %,
whichever strategy is picked as the best after looking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import combinations
from typing import Literal

import numpy as np
from scipy import special

from rewardwrap import statistics
from rewardwrap.compare.findings import Finding, findings
from rewardwrap.compare.measures import NAMES, Measure, Test, holm, level, put, standing
from rewardwrap.compare.notes import notes
from rewardwrap.compare.results import Comparison
from rewardwrap.pages.words import count, listed, number

ALPHA = 0.05
POWER = 0.8
Word = Literal["better", "worse", "inconclusive"]


@dataclass(frozen=True)
class Verdict:
    """One strategy against another by one measure.

    Args:
        strategy: The one that is judged.
        other: The one it is judged against.
        measure: ``"done"``, ``"area"`` or ``"final"``.
        seeds: Finished runs of either.
        tests: What was asked, with corrected p values; empty with fewer than two runs of either.
        family: How many tests were corrected together.
        needed: About how many seeds each would need; None where none would help.
    """

    strategy: str
    other: str
    measure: Measure
    seeds: tuple[int, int]
    tests: tuple[Test, ...]
    family: int
    needed: int | None = None

    @property
    def word(self) -> Word:
        """``"better"``, ``"worse"``, or ``"inconclusive"``, also where two tests contradict each other."""
        found = {test.lead > 0 for test in self.tests if test.corrected < ALPHA}
        if len(found) != 1:
            return "inconclusive"
        return "better" if found == {True} else "worse"

    @property
    def phrase(self) -> str:
        """The word with the numbers behind it, e.g. ``better than env (+0.47, p = 0.004)``."""
        if not self.tests:
            return self.words
        said = "; ".join(test.said for test in self.tests)
        if self.word != "inconclusive":
            return f"{self.words} ({said})"
        return f"inconclusive at {self._at} ({self._needs}; {said})"

    @property
    def words(self) -> str:
        """The phrase without the numbers that stand beside it in a table."""
        if min(self.seeds) == 0:
            return f"not comparable with {self.other}: no finished run"
        if not self.tests:
            return f"inconclusive at {count(min(self.seeds))} (needs at least 2)"
        if self.word != "inconclusive":
            return f"{self.word} than {self.other}"
        return f"inconclusive at {self._at} ({self._needs})"

    @property
    def doubt(self) -> str:
        """The other strategy and the seeds it would take, e.g. ``env (needs about 23)``."""
        return f"{self.other} ({self._needs})" if self.tests else self.other

    @property
    def difference(self) -> statistics.Difference | None:
        """The difference of the first test; None without one."""
        return self.tests[0].difference if self.tests else None

    @property
    def p(self) -> float | None:
        """The smallest corrected p value; None without a test."""
        return min((test.corrected for test in self.tests), default=None)

    @property
    def _at(self) -> str:
        few, many = sorted(self.seeds)
        return count(few) if few == many else f"{few} and {many} seeds"

    @property
    def _needs(self) -> str:
        if len({test.lead > 0 for test in self.tests if test.corrected < ALPHA}) > 1:
            return "the tests contradict each other"
        if self.needed is None:
            return "the means are equal" if self.measure != "done" else "no difference was seen"
        return f"needs about {self.needed:,}" if self.needed <= 1000 else "needs more than 1,000"


@dataclass(frozen=True)
class Judgement:
    """All verdicts and findings of a comparison.

    Args:
        baseline: The strategy others are judged against: ``env`` if it is one, else the first.
        best: The highest by the primary measure; None when no strategy leads.
        headline: One or two sentences that a hurried reader takes home.
        method: What was declared, which tests answer it, and how they were corrected.
        family: How many tests give the words, corrected together.
        against_baseline: Every other strategy, by the primary measure and then by the others.
        against_best: The best against every other strategy, by the primary measure.
        findings: What each strategy did.
        notes: What the reader must know about seeds and failures.
    """

    baseline: str
    best: str | None
    headline: str
    method: str
    family: int
    against_baseline: tuple[Verdict, ...]
    against_best: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def of(self, strategy: str, measure: Measure | None = None) -> Verdict | None:
        """The verdict of a strategy against the baseline; None for the baseline itself.

        Args:
            strategy: Whose.
            measure: None: the primary one.
        """
        for verdict in self.against_baseline:
            if verdict.strategy == strategy and measure in (None, verdict.measure):
                return verdict
        return None

    def finding(self, strategy: str) -> Finding:
        """What one strategy did."""
        return next(f for f in self.findings if f.strategy == strategy)


@lru_cache(maxsize=64)
def judge(comparison: Comparison) -> Judgement:
    """Test what can be tested and put it into words."""
    names, primary = comparison.strategies, comparison.primary
    baseline = "env" if "env" in names else names[0]
    best = leader(
        {name: standing(comparison, primary, name) for name in names},
        verdicts(comparison, primary, list(combinations(names, 2))),
    )
    others = [name for name in names if name != baseline]
    measures: list[Measure] = [primary, *(m for m in ("area", "final") if m != primary)]
    against = {m: verdicts(comparison, m, [(name, baseline) for name in others]) for m in measures}
    rest = [] if best is None else [(best, name) for name in names if name != best]
    against_best = verdicts(comparison, primary, rest)
    found = findings(comparison)
    family = max((v.family for v in (*against[primary], *against_best)), default=0)
    return Judgement(
        baseline=baseline,
        best=best,
        headline=_headline(comparison, best, against_best, found),
        method=_method(comparison, against[primary], family),
        family=family,
        against_baseline=tuple(v for m in measures for v in against[m]),
        against_best=against_best,
        findings=found,
        notes=notes(comparison),
    )


def verdicts(
    comparison: Comparison, measure: Measure, pairs: list[tuple[str, str]]
) -> tuple[Verdict, ...]:
    """Judge pairs (strategy, other); the tests of all pairs of strategies are one Holm family."""
    sizes = {name: len(comparison.of(name)) for name in comparison.strategies}
    return judged(comparison.strategies, measure, pairs, sizes, partial(put, comparison, measure))


def judged(
    names: tuple[str, ...],
    measure: Measure,
    pairs: list[tuple[str, str]],
    sizes: Mapping[str, int],
    tests_of: Callable[[str, str], tuple[Test, ...]],
) -> tuple[Verdict, ...]:
    """Verdicts from tests.

    Args:
        names: All strategies.
        measure: What the tests ask about.
        pairs: Who against whom.
        sizes: Finished runs of each strategy.
        tests_of: The tests of a pair.
    """
    known = lru_cache(None)(tests_of)
    corrected = holm(names, known)
    family = sum(map(len, corrected.values()))
    found = []
    for a, b in pairs:
        tests = tuple(
            replace(test, corrected=p)
            for test, p in zip(known(a, b), corrected[frozenset((a, b))], strict=True)
        )
        made = Verdict(a, b, measure, (sizes[a], sizes[b]), tests, family)
        if made.word == "inconclusive":
            made = replace(made, needed=_needed(tests, min(made.seeds), family))
        found.append(made)
    return tuple(found)


def leader(
    standings: Mapping[str, tuple[float, ...]], found: tuple[Verdict, ...] = ()
) -> str | None:
    """The highest of several, a verdict before a number; None where all are the same or there is one."""
    known = {name: value for name, value in standings.items() if value}
    if len(known) < 2 or np.ptp(list(known.values()), axis=0).max() <= 1e-12:
        return None
    won = dict.fromkeys(known, 0)
    for verdict in found:
        if verdict.word != "inconclusive":
            sign = 1 if verdict.word == "better" else -1
            won[verdict.strategy] += sign
            won[verdict.other] -= sign
    return max(known, key=lambda name: (won[name], known[name]))


def _needed(tests: tuple[Test, ...], seeds: int, family: int) -> int | None:
    """About how many seeds would tell, if what was observed is true: an order of magnitude.

    The standard score of the strongest test grows with the root of the seeds; 80 % power.
    """
    p = min((test.p for test in tests), default=1.0)
    score = float(-special.ndtri(p / 2))
    if score < 1e-6:
        return None
    wanted = float(special.ndtri(POWER) - special.ndtri(ALPHA / 2 / family))
    return max(seeds + 1, int(np.ceil(seeds * (wanted / score) ** 2)))


def _method(comparison: Comparison, found: tuple[Verdict, ...], family: int) -> str:
    """What was declared and how it is tested, in two sentences."""
    goal = number(comparison.threshold or 0.0)
    declared = (
        f"whether a seed does the task (reaches a true return of {goal}), and after how many steps"
        if comparison.primary == "done"
        else "the area under the true-return curve (how soon and how well)"
    )
    tests = dict.fromkeys(NAMES[test.by] for verdict in found for test in verdict.tests)
    told = f"Decided by what was declared before the first run: {declared}."
    if not tests:
        return told
    if family == 1:
        return f"{told} Test: {listed(list(tests))}, alone (m = 1)."
    return f"{told} Tests: {listed(list(tests))}, Holm's correction over m = {family} tests."


def _headline(
    comparison: Comparison,
    best: str | None,
    against_best: tuple[Verdict, ...],
    found: tuple[Finding, ...],
) -> str:
    finished = [name for name in comparison.strategies if comparison.of(name)]
    if not finished:
        failed = len(comparison.failures)
        return f"No run finished, so there is nothing to compare ({failed} failed)."
    if best is None and len(finished) == 1:
        return f"{finished[0]} is the only strategy with finished runs: nothing to compare it with."
    if best is None:
        same = level(comparison, comparison.primary, finished[0])
        return f"No strategy leads: {same} under each of them."
    parts = [lead(best, against_best)]
    cheats = [finding.strategy for finding in found if finding.label == "cheats"]
    if cheats:
        many = "cheats" if len(cheats) == 1 else "cheat"
        parts.append(
            f"{listed(cheats)} {many}: the shaped return is collected, the task is not done."
        )
    return " ".join(parts)


def lead(best: str, against: tuple[Verdict, ...], won: str = "") -> str:
    """Who leads and against whom that is settled, in one sentence; ``won`` says by what otherwise."""
    beaten = [v.other for v in against if v.word == "better"]
    unsettled = [v for v in against if v.word != "better" and min(v.seeds)]
    family = f"Holm over m = {against[0].family} tests" if against[0].family > 1 else "m = 1 test"
    won = won or (
        "does the task in more seeds, or sooner, than"
        if against[0].measure == "done"
        else ("has a better true return than")
    )
    if not unsettled:
        return f"{best} is best: it {won} {listed(beaten)} ({family})."
    doubt = f"inconclusive against {listed([v.doubt for v in unsettled])}"
    doubt += f" at {count(min(min(v.seeds) for v in unsettled))}"
    if not beaten:
        return f"{best} leads, but nothing is settled: {doubt} ({family})."
    return f"{best} leads: it {won} {listed(beaten)}; {doubt} ({family})."
