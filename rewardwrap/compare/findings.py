"""What each strategy did, in plain sentences computed from its curves.

A strategy **cheats** when its own (shaped) return clearly rises, its true return does not, and the
shaping alone pays at least as much for each episode as doing the task would add to the true return
(up to the threshold, or the span of true returns seen): then not doing the task is worth more than
doing it. Shaped returns of different strategies have different scales, so each is judged against
its own history. A rise can only be seen from the first evaluation point on: evaluate at step 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rewardwrap.compare.results import Comparison, FloatArray
from rewardwrap.pages.words import count, number
from rewardwrap.statistics import student_interval

CLEAR = 0.1
"""Share of the span of true returns below which a change counts as none (a convention)."""

Label = Literal[
    "learns", "mostly", "partly", "below", "flat", "bounded", "diverges", "cheats", "unfinished"
]


@dataclass(frozen=True)
class Finding:
    """One strategy in one label, one sentence, and the numbers that support it."""

    strategy: str
    label: Label
    sentence: str
    detail: str = ""

    @property
    def text(self) -> str:
        """Sentence and detail."""
        return f"{self.sentence} {self.detail}".strip()


@dataclass(frozen=True)
class Course:
    """First and late level of one curve over the seeds; late is the last quarter of the points."""

    first: float
    late: float
    lowest: float
    highest: float
    rose: bool

    @classmethod
    def of(cls, curves: FloatArray) -> Course:
        """Measure curves (seeds, G); a rise is clear if Student's interval of it is above 0."""
        quarter = max(1, curves.shape[1] // 4)
        late, first = curves[:, -quarter:].mean(axis=1), curves[:, 0]
        gains = late - first
        rose = bool(np.all(gains > 1e-9))
        if not rose and gains.size > 1:
            rose = student_interval(gains).low > 1e-9
        levels = curves[:, -quarter:]
        return cls(
            float(first.mean()), float(late.mean()), float(levels.min()), float(levels.max()), rose
        )


@dataclass(frozen=True)
class Facts:
    """What the sentences about one strategy are made of."""

    strategy: str
    true: Course
    own: Course
    length: Course
    same_reward: bool
    span: float
    worth: float
    flat: bool
    at_limit: bool
    seeds: int

    @property
    def surplus(self) -> float:
        """What an episode pays beyond its true return, late in training."""
        return self.own.late - self.true.late

    @property
    def pays(self) -> bool:
        """Whether the shaping alone is worth at least as much as doing the task."""
        return self.surplus >= self.worth > 0

    @property
    def cheats(self) -> bool:
        """See the module's first paragraph."""
        return not self.same_reward and self.own.rose and self.flat and self.pays


def findings(comparison: Comparison) -> tuple[Finding, ...]:
    """One finding for each strategy, in the order of the plan."""
    facts = {s: _facts(comparison, s) for s in comparison.strategies if comparison.of(s)}
    cheats = [f for f in facts.values() if f.cheats]
    top = max(facts.values(), key=lambda f: f.own.late, default=None)
    found = []
    for strategy in comparison.strategies:
        if strategy not in facts:
            found.append(_unfinished(comparison, strategy))
        elif facts[strategy].cheats:
            highest = top is facts[strategy] and len(facts) > 1
            found.append(_cheats(facts[strategy], highest=highest))
        elif facts[strategy].flat and not _reached(comparison, strategy):
            found.append(_flat(facts[strategy], cheats))
        else:
            found.append(_learns(comparison, facts[strategy]))
    return tuple(found)


def is_control(comparison: Comparison, strategy: str) -> bool:
    """Whether a strategy is the true reward through `Normalize`, which asks for nothing else."""
    reward = comparison.rewards.get(strategy)
    inner = reward.get("normalize") if isinstance(reward, Mapping) else None
    return isinstance(inner, Mapping) and inner.get("base") in ("env", {"env": {}})


def _facts(comparison: Comparison, strategy: str) -> Facts:
    levels = np.concatenate([comparison.curves(s) for s in comparison.strategies])
    lengths = np.concatenate([comparison.curves(s, "length") for s in comparison.strategies])
    true = comparison.curves(strategy)
    shaped = comparison.curves(strategy, "shaped_return")
    length = comparison.curves(strategy, "length")
    course, span = Course.of(true), float(np.ptp(levels))
    top = float(levels.max()) if comparison.threshold is None else comparison.threshold
    short = course.late < top - CLEAR * span if span else course.late <= top
    quarter = max(1, length.shape[1] // 4)
    return Facts(
        strategy=strategy,
        true=course,
        own=Course.of(shaped),
        length=Course.of(length),
        same_reward=bool(np.allclose(true, shaped)) or is_control(comparison, strategy),
        span=span,
        worth=max(span, top - float(levels.min())),
        flat=bool(short and course.late - course.first <= CLEAR * span),
        at_limit=bool(np.all(length[:, -quarter:] >= lengths.max() - 1e-9)),
        seeds=len(true),
    )


def _cheats(facts: Facts, *, highest: bool) -> Finding:
    own, length = facts.own, facts.length
    manner = f"its episodes go from {number(length.first)} to {number(length.late)} steps"
    if facts.at_limit:
        manner = f"its episodes run to the limit of {length.late:.0f} steps: it loiters"
    sentence = (
        f"{facts.strategy} cheats: its own reward rose from {number(own.first)} to "
        f"{number(own.late)} an episode while the true return {_stayed(facts.true, facts.span)}: "
        f"the agent collects the reward without doing the task ({manner})."
    )
    detail = (
        f"The shaping alone pays {number(facts.surplus)} an episode, doing the task adds "
        f"{number(facts.worth)}: not doing it is worth more."
    )
    if highest:
        detail = f"Its shaped return is the highest of all strategies. {detail}"
    return Finding(facts.strategy, "cheats", sentence, detail)


def _flat(facts: Facts, cheats: list[Facts]) -> Finding:
    """Nothing learned; what the reward did meanwhile tells which kind of nothing."""
    own, name = facts.own, facts.strategy
    stayed = f"the true return {_stayed(facts.true, facts.span)} over {count(facts.seeds)}"
    if facts.same_reward:
        return Finding(name, "flat", f"{name} does not learn the task: {stayed}.")
    if cheats and facts.surplus < min(f.surplus for f in cheats) and facts.surplus < facts.worth:
        worst = max(cheats, key=lambda f: f.surplus)
        sentence = (
            f"{name} does not cheat and does not do the task: its own return ended between "
            f"{number(own.lowest)} and {number(own.highest)} an episode, where {worst.strategy} "
            f"collects {number(worst.own.late)}, and {stayed}."
        )
        detail = "A bounded reward takes the temptation away; it does not explore for you."
        return Finding(name, "bounded", sentence, detail)
    if own.rose:
        sentence = (
            f"{name} learns its own reward, not the task: its own return rose from "
            f"{number(own.first)} to {number(own.late)}, but {stayed}."
        )
        return Finding(name, "diverges", sentence)
    sentence = (
        f"{name} does not learn: {stayed}, and its own return went from {number(own.first)} to "
        f"{number(own.late)}."
    )
    detail = ""
    if facts.pays:
        detail = (
            f"From the first evaluation on it pays {number(facts.surplus)} an episode beyond the "
            f"true return, doing the task adds {number(facts.worth)}. That is a cheat learned "
            "before the first evaluation, or a constant in the reward: evaluate at step 0 to tell."
        )
    return Finding(name, "flat", sentence, detail)


def _learns(comparison: Comparison, facts: Facts) -> Finding:
    name, true, survival = facts.strategy, facts.true, comparison.survival(facts.strategy)
    if survival is None:
        moved = f"went from {number(true.first)} to {number(true.late)}"
        return Finding(name, "learns", f"{name}: the true return {moved}.")
    reached, runs = survival.reached, survival.runs
    goal = f"a true return of {number(comparison.threshold or 0.0)}"
    if not reached:
        moved = f"it went from {number(true.first)} to {number(true.late)}"
        return Finding(name, "below", f"{name}: no seed of {runs} reached {goal}; {moved}.")
    sentence = f"{name} does the task in {reached} of {count(runs)} ({goal})"
    if survival.median is not None:
        half = "by" if runs == 1 else "half of all seeds by"
        sentence += f", {half} step {survival.median:,}."
    else:
        end = int(comparison.grid()[-1])
        sentence += f"; most had not by step {end:,}, so the median lies beyond the budget."
    lost = _lost(comparison, name)
    if lost:
        sentence += f" {count(lost)} ended below it again."
    label: Label = (
        "learns" if reached == runs else "partly" if survival.median is None else "mostly"
    )
    return Finding(name, label, sentence)


def _reached(comparison: Comparison, strategy: str) -> bool:
    return any(step is not None for step in comparison.steps_to_threshold(strategy))


def _lost(comparison: Comparison, strategy: str) -> int:
    goal = comparison.threshold
    return sum(
        run.reached(goal) is not None and goal is not None and run.true_return[-1] < goal
        for run in comparison.of(strategy)
    )


def _stayed(true: Course, span: float) -> str:
    if true.late < true.first - CLEAR * span:
        return f"fell from {number(true.first)} to {number(true.late)}"
    if abs(true.late - true.first) < 0.005 * max(1.0, abs(true.first)):
        return f"stayed at {number(true.late)}"
    return f"stayed flat ({number(true.first)} to {number(true.late)})"


def _unfinished(comparison: Comparison, strategy: str) -> Finding:
    messages = [f.message for f in comparison.failures if f.strategy == strategy]
    sentence = f"{strategy} has no finished run, so nothing can be said about it."
    if messages:
        sentence = (
            f"{strategy} has no finished run: {count(len(messages))} failed, the first with "
            f'"{messages[0].strip().splitlines()[-1]}".'
            if messages[0].strip()
            else f"{strategy} has no finished run: {count(len(messages))} failed."
        )
    return Finding(strategy, "unfinished", sentence)
