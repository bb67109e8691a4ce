"""What a file of judgements says about its labelers: counts, pace, habits, agreement."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from rewardwrap.annotate.agreement import cohen_kappa, fleiss_kappa, raw_agreement, side_bias
from rewardwrap.annotate.database import Database
from rewardwrap.annotate.judgements import records

LEAST_FOR_BIAS = 0.05
"""p-value below which a preference for a side is called one."""


@dataclass(frozen=True)
class Labeler:
    """One labeler's answers.

    Args:
        name: Who.
        answered: Without skipped ones, repeats left out.
        equal: Share of them called equal.
        skipped: Questions skipped.
        seconds: Median time of an answer; NaN where none is known.
        left: Share of "left" among left and right answers.
        left_p: How likely chance strays as far from a half.
        repeated: Questions asked twice and answered both times.
        consistent: Share of those answered alike; NaN for none.
    """

    name: str
    answered: int
    equal: float
    skipped: int
    seconds: float
    left: float
    left_p: float
    repeated: int
    consistent: float

    @property
    def leans(self) -> str:
        """``left`` or ``right`` where the share is no chance, else ''."""
        if not self.left_p < LEAST_FOR_BIAS:
            return ""
        return "left" if self.left > 0.5 else "right"


@dataclass(frozen=True)
class Couple:
    """Two labelers on their common questions: ``raw`` share alike, and Cohen's ``kappa``."""

    names: tuple[str, str]
    common: int
    raw: float
    kappa: float


@dataclass(frozen=True)
class Summary:
    """Everybody.

    Args:
        pairs: Questions in the file, repeats left out.
        goal: Questions to be answered.
        answered: Questions with an answer.
        labelers: Each of them.
        couples: Every two with a common question.
        fleiss: Kappa over all questions that two or more answered; NaN where it is not defined.
        shared: How many questions that were.
    """

    pairs: int
    goal: int
    answered: int
    labelers: tuple[Labeler, ...]
    couples: tuple[Couple, ...]
    fleiss: float
    shared: int

    @property
    def progress(self) -> str:
        """``12 of 100 pairs answered``; where more were answered than asked for, just how many."""
        goal = self.goal or self.pairs
        return f"{self.answered}{f' of {goal}' if self.answered <= goal else ''} pairs answered"


def summarise(database: Database) -> Summary:
    """Read and count. Skipped questions agree with nothing and disagree with nothing."""
    rows = list(records(database))
    first = [r for r in rows if r["repeats"] is None]
    said = {
        name: {r["pair"]: r["choice"] for r in first if r["labeler"] == name and r["choice"] != "skip"}
        for name in sorted({r["labeler"] for r in rows})
    }  # fmt: skip
    counts = Counter((r["pair"], r["choice"]) for r in first if r["choice"] != "skip")
    questions = sorted({pair for pair, _ in counts})
    table = np.array([[counts[q, c] for c in ("a", "b", "equal")] for q in questions], np.float64)
    shared = int((table.sum(axis=1) >= 2).sum()) if len(table) else 0
    pairs = database.read("SELECT count(*) AS n FROM pair WHERE repeats IS NULL")[0]["n"]
    return Summary(
        pairs=pairs,
        goal=int(database.meta("goal", "0")),
        answered=len(questions),
        labelers=tuple(_labeler(name, rows, said[name]) for name in said),
        couples=tuple(c for x, y in combinations(said, 2) if (c := _couple(x, y, said)).common),
        fleiss=fleiss_kappa(table.reshape(-1, 3)),
        shared=shared,
    )


def _labeler(name: str, rows: list[dict[str, object]], said: dict[int, str]) -> Labeler:
    own = [r for r in rows if r["labeler"] == name]
    sides = Counter(r["side"] for r in own)
    times = [float(str(r["ms"])) / 1000 for r in own if r["ms"] is not None]
    again = [
        r["choice"] == said[r["repeats"]]
        for r in own
        if r["repeats"] in said and r["choice"] != "skip" and isinstance(r["repeats"], int)
    ]
    left, p = side_bias(sides["left"], sides["right"])
    return Labeler(
        name=name,
        answered=len(said),
        equal=_mean([choice == "equal" for choice in said.values()]),
        skipped=sum(r["choice"] == "skip" and r["repeats"] is None for r in own),
        seconds=float(np.median(times)) if times else float("nan"),
        left=left,
        left_p=p,
        repeated=len(again),
        consistent=_mean(again),
    )


def _couple(x: str, y: str, said: dict[str, dict[int, str]]) -> Couple:
    common = sorted(said[x].keys() & said[y].keys())
    one, other = ([said[who][pair] for pair in common] for who in (x, y))
    return Couple((x, y), len(common), raw_agreement(one, other), cohen_kappa(one, other))


def _mean(values: list[bool]) -> float:
    return float(np.mean(values)) if values else float("nan")
