"""Better, worse or inconclusive: what the true returns of a comparison allow to be said.

Two measures, decided before looking: the *area* under the true-return curve (how soon and how well
a strategy does the task; it gives the headline) and the *final* true return. Each measure is one
family of tests, corrected with Holm: all strategies against the baseline, and, because "the best"
is chosen after looking, all pairs for the statements about the best.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from rewardwrap import statistics
from rewardwrap.compare.findings import Finding, findings, is_control
from rewardwrap.compare.results import Comparison, FloatArray
from rewardwrap.pages.words import count, listed, number, p_value, signed

ALPHA = 0.05
SCALE = 2.0
"""Ratio of mean |returns| from which a reward counts as one of another scale (a convention)."""
Measure = Literal["area", "final"]
Word = Literal["better", "worse", "inconclusive"]


@dataclass(frozen=True)
class Verdict:
    """One strategy against another by one measure.

    Args:
        strategy: The one that is judged.
        other: The one it is judged against.
        measure: ``"area"`` or ``"final"``.
        word: ``"better"``, ``"worse"`` or ``"inconclusive"``.
        seeds: Finished runs of either.
        difference: Of the means, with its 95 % interval; None with fewer than two runs.
        p: Holm-corrected p value; None without a test.
        probability: That a run of ``strategy`` beats one of ``other``; None without runs.
        paired: The difference by shared seed; None with fewer than two.
        needed: About how many seeds each would need; None where none would help.
    """

    strategy: str
    other: str
    measure: Measure
    word: Word
    seeds: tuple[int, int]
    difference: statistics.Difference | None
    p: float | None
    probability: float | None
    paired: statistics.Difference | None
    needed: int | None

    @property
    def phrase(self) -> str:
        """The word with the number behind it, e.g. ``better than env (+0.47, p = 0.004)``."""
        if min(self.seeds) == 0:
            return f"not comparable with {self.other}: no finished run"
        if self.difference is None or self.p is None:
            return f"inconclusive at {count(min(self.seeds))} (needs at least 2)"
        effect = f"{signed(self.difference.value)}, p {p_value(self.p)}"
        if self.word != "inconclusive":
            return f"{self.word} than {self.other} ({effect})"
        return f"inconclusive at {self._at} ({self._needs}; {effect})"

    @property
    def doubt(self) -> str:
        """The other strategy and the seeds it would take, e.g. ``env (needs about 23)``."""
        return self.other if self.difference is None else f"{self.other} ({self._needs})"

    @property
    def _at(self) -> str:
        few, many = sorted(self.seeds)
        return count(few) if few == many else f"{few} and {many} seeds"

    @property
    def _needs(self) -> str:
        if self.needed is None:
            return "the means are equal"
        return f"needs about {self.needed:,}" if self.needed <= 1000 else "needs more than 1,000"


@dataclass(frozen=True)
class Judgement:
    """All verdicts and findings of a comparison.

    Args:
        baseline: The strategy others are judged against: ``env`` if it is one, else the first.
        best: Highest mean area under the true-return curve; None when no strategy leads.
        headline: One or two sentences that a hurried reader takes home.
        against_baseline: Every other strategy, area and final.
        against_best: The best against every other strategy, by area.
        findings: What each strategy did.
        notes: What the reader must know about seeds and failures.
    """

    baseline: str
    best: str | None
    headline: str
    against_baseline: tuple[Verdict, ...]
    against_best: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def of(self, strategy: str, measure: Measure = "area") -> Verdict | None:
        """The verdict of a strategy against the baseline; None for the baseline itself."""
        for verdict in self.against_baseline:
            if (verdict.strategy, verdict.measure) == (strategy, measure):
                return verdict
        return None

    def finding(self, strategy: str) -> Finding:
        """What one strategy did."""
        return next(f for f in self.findings if f.strategy == strategy)


def judge(comparison: Comparison) -> Judgement:
    """Test what can be tested and put it into words."""
    names = comparison.strategies
    baseline = "env" if "env" in names else names[0]
    areas = {name: comparison.auc(name) for name in names}
    best = _best(areas)
    pairs = [(name, baseline) for name in names if name != baseline]
    against_best: tuple[Verdict, ...] = ()
    if best is not None:
        every = [(a, b) if a == best else (b, a) for a, b in combinations(names, 2)]
        judged = verdicts(comparison, "area", every)
        against_best = tuple(v for v in judged if v.strategy == best)
    found = findings(comparison)
    return Judgement(
        baseline=baseline,
        best=best,
        headline=_headline(comparison, best, against_best, found),
        against_baseline=(
            *verdicts(comparison, "area", pairs),
            *verdicts(comparison, "final", pairs),
        ),
        against_best=against_best,
        findings=found,
        notes=_notes(comparison),
    )


def verdicts(
    comparison: Comparison, measure: Measure, pairs: list[tuple[str, str]]
) -> tuple[Verdict, ...]:
    """Judge pairs (strategy, other) as one Holm family.

    Args:
        comparison: The runs.
        measure: ``"area"`` or ``"final"``.
        pairs: Who against whom; those without two runs on either side are judged untested.
    """
    of = comparison.auc if measure == "area" else comparison.final
    scores = {name: of(name) for name in comparison.strategies}
    tested = [pair for pair in pairs if min(scores[name].size for name in pair) >= 2]
    raw = {(a, b): statistics.difference(scores[a], scores[b]) for a, b in tested}
    corrected = dict(zip(tested, statistics.holm([raw[p].p for p in tested]), strict=True))
    found = []
    for a, b in pairs:
        gap, p = raw.get((a, b)), corrected.get((a, b))
        word: Word = "inconclusive"
        if gap is not None and p is not None and p < ALPHA:
            word = "better" if gap.value > 0 else "worse"
        sizes = (scores[a].size, scores[b].size)
        found.append(
            Verdict(
                a, b, measure, word, sizes, gap, None if p is None else float(p),
                _probability(scores[a], scores[b]),
                _paired(comparison, (a, b), (scores[a], scores[b])),
                _needed(scores[a], scores[b], len(tested)) if word == "inconclusive" else None,
            )
        )  # fmt: skip
    return tuple(found)


def _best(areas: dict[str, FloatArray]) -> str | None:
    means = {name: float(scores.mean()) for name, scores in areas.items() if scores.size}
    if len(means) < 2 or max(means.values()) - min(means.values()) <= 1e-12:
        return None
    return max(means, key=means.__getitem__)


def _probability(x: FloatArray, y: FloatArray) -> float | None:
    if not x.size or not y.size:
        return None
    return float(statistics.probability_of_improvement(x, y))


def _paired(
    comparison: Comparison, names: tuple[str, str], scores: tuple[FloatArray, FloatArray]
) -> statistics.Difference | None:
    first, second = ([run.seed for run in comparison.of(name)] for name in names)
    if len(set(first) & set(second)) < 2:
        return None
    return statistics.paired_difference(*scores, seeds=(first, second))


def _needed(x: FloatArray, y: FloatArray, tests: int) -> int | None:
    if min(x.size, y.size) < 2:
        return None
    needed = statistics.seeds_needed(x, y, alpha=ALPHA / max(1, tests))
    return None if needed is None else max(needed, min(x.size, y.size) + 1)


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
        level = number(float(comparison.auc(finished[0]).mean()))
        return f"No strategy leads: the mean true return was {level} under each of them."
    parts = [lead(best, against_best)]
    cheats = [finding.strategy for finding in found if finding.label == "cheats"]
    if cheats:
        many = "cheats" if len(cheats) == 1 else "cheat"
        parts.append(
            f"{listed(cheats)} {many}: the shaped return is collected, the task is not done."
        )
    return " ".join(parts)


def lead(best: str, against: tuple[Verdict, ...]) -> str:
    """Who leads and against whom that is settled, in one sentence."""
    beaten = [v.other for v in against if v.word == "better"]
    unsettled = [v for v in against if v.word == "inconclusive" and min(v.seeds)]
    if not unsettled:
        return f"{best} is best: its true return is better than that of {listed(beaten)}."
    doubt = f"inconclusive against {listed([v.doubt for v in unsettled])}"
    doubt += f" at {count(min(min(v.seeds) for v in unsettled))}"
    if not beaten:
        return f"{best} leads, but nothing is settled: {doubt}."
    return f"{best} leads: better than {listed(beaten)}; {doubt}."


def _notes(comparison: Comparison) -> tuple[str, ...]:
    sizes = {name: len(comparison.of(name)) for name in comparison.strategies}
    notes = []
    if comparison.failures:
        failed = len(comparison.failures)
        notes.append(f"{failed} of {failed + len(comparison.runs)} runs failed and count nowhere.")
    if len(set(sizes.values())) > 1:
        each = ", ".join(f"{name} {size}" for name, size in sizes.items())
        notes.append(f"The strategies have unequal numbers of finished seeds ({each}).")
    if 0 < min(sizes.values()) < 10:
        told = "only large effects" if min(sizes.values()) > 1 else "nothing"
        notes.append(
            f"With {count(min(sizes.values()))} {told} can be told from luck; 10 or more are "
            "recommended."
        )
    notes += [*_continued(comparison), *scale_notes(comparison), *comparison.remarks]
    ends = {int(run.steps[-1]) for run in comparison.runs}
    if len(ends) > 1:
        notes.append(
            f"Runs end at different steps ({min(ends):,} to {max(ends):,}); curves and areas use "
            f"the steps that all cover, up to {min(ends):,}."
        )
    return tuple(notes)


def scale_notes(comparison: Comparison) -> list[str]:
    """Which strategies change the size of the reward, and the control that tells size from shape.

    The size is the mean |return| of an evaluation episode; twice or half the true one counts as
    another. Nothing is said where the learner normalises rewards by itself.
    """
    changed = []
    for name in comparison.strategies:
        if not comparison.of(name) or is_control(comparison, name):
            continue
        true = float(np.abs(comparison.curves(name)).mean())
        own = float(np.abs(comparison.curves(name, "shaped_return")).mean())
        if own > SCALE * true + 1e-9 or true > SCALE * own + 1e-9:
            changed.append(f"{name} (mean |return| {number(own)}, the task's is {number(true)})")
    if not changed or _normalises(comparison.hyperparameters.get("normalize")):
        return []
    verb = "changes" if len(changed) == 1 else "change"
    said = f"{listed(changed)} {verb} the scale of the reward"
    controls = [name for name in comparison.strategies if is_control(comparison, name)]
    if controls:
        return [f"{said}: compare with {controls[0]}, the true reward on a scale of its own."]
    return [
        f"{said}. Learners feel that as another step size: add the normalised-true-reward control, "
        "--reward normalised, to tell scale from shape."
    ]


def _normalises(setting: Any) -> bool:
    """Whether the hyperparameter ``normalize`` asks VecNormalize for rewards, as RL Zoo writes it."""
    if isinstance(setting, str):
        return "norm_reward=False" not in setting.replace(" ", "")
    if isinstance(setting, Mapping):
        return bool(setting.get("norm_reward", True))
    return bool(setting)


def _continued(comparison: Comparison) -> list[str]:
    """How many runs went on from a checkpoint, and whether that shows in their curves."""
    runs = [run for run in comparison.runs if run.continued]
    other = sum(not run.same_curve for run in runs)
    if not runs:
        return []
    went = f"{len(runs)} of {len(comparison.runs)} runs continued from a checkpoint"
    if not other:
        return [f"{went}; their curves are those of undisturbed runs."]
    return [
        f"{went}; {other} of them with a state that a checkpoint does not hold, so their curves are "
        "continued, not repeated."
    ]
