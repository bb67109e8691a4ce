"""How often the verdict is wrong where nothing differs, and how often right where something does.

    python tests/compare/error_rates.py [--runs 1000] [--only verdicts,area,suite,intervals]

Made-up runs of a task that is done or not done: a seed can do it with a given chance, and does so from an
evaluation point on whose distance is geometric. False claims: any strategy called better or worse than any
other where all have the same law. Seeds: ``default_rng([seed of the row, repetition])``.

``verdicts`` goes through whole comparisons, their Holm family and their words; ``area`` and ``suite`` put the
two tests alone to many more pairs; ``intervals`` adds up chances and draws nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
from scipy import stats

from rewardwrap import statistics
from rewardwrap.compare.measures import Measure
from rewardwrap.compare.results import Comparison, Run
from rewardwrap.compare.verdict import verdicts

POINTS = np.arange(0, 21) * 2_000


@dataclass(frozen=True)
class Law:
    """How the seeds of one strategy fare: chance to do it at all, mean evaluation points until then."""

    share: float
    wait: float

    def run(self, name: str, seed: int, rng: np.random.Generator) -> Run:
        curve = np.zeros(POINTS.size)
        if rng.random() < self.share:
            curve[rng.geometric(1 / self.wait) :] = 1.0
        return Run(name, seed, POINTS, curve, curve, np.ones(POINTS.size))


def compared(laws: list[Law], seeds: int, rng: np.random.Generator) -> Comparison:
    names = tuple(f"s{i}" for i in range(len(laws)))
    runs = [
        law.run(name, seed, rng)
        for name, law in zip(names, laws, strict=True)
        for seed in range(seeds)
    ]
    return Comparison("E", "ppo", 40_000, 1.0, names, tuple(runs), primary="done")


def claims(
    laws: list[Law], seeds: int, *, runs: int, start: int, measure: Measure = "done"
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which pairs were called different in each repetition, (runs, pairs)."""
    found = []
    for repetition in range(runs):
        comparison = compared(laws, seeds, np.random.default_rng([start, repetition]))
        pairs = list(combinations(comparison.strategies, 2))
        said = verdicts(comparison, measure, pairs)
        found.append([verdict.word != "inconclusive" for verdict in said])
    return np.array(found)


NULLS = [Law(0.3, 6), Law(0.6, 6), Law(0.9, 6), Law(1.0, 3), Law(1.0, 8)]
POWERS = {
    "10/10 against 4/10, as soon": (Law(1.0, 3), Law(0.4, 3)),
    "10/10 against 4/10, sooner": (Law(1.0, 3), Law(0.4, 8)),
    "10/10 late against 4/10 early": (Law(1.0, 8), Law(0.4, 2)),
    "9/10 against 5/10, as soon": (Law(0.9, 4), Law(0.5, 4)),
    "all do it, twice as soon": (Law(1.0, 3), Law(1.0, 6)),
    "all do it, four times as soon": (Law(1.0, 2), Law(1.0, 8)),
}


def verdict_rows(runs: int) -> Iterator[str]:
    yield "False claims | seeds | strategies | any claim | of them by area"
    for start, law in enumerate(NULLS):
        for seeds, strategies in ((3, 2), (5, 2), (5, 4), (10, 2), (10, 4), (20, 2)):
            shares = [
                100
                * claims([law] * strategies, seeds, runs=runs, start=start, measure=m)
                .any(axis=1)
                .mean()
                for m in ("done", "area")
            ]
            yield f"{law} | {seeds} | {strategies} | {shares[0]:.1f} % | {shares[1]:.1f} %"
    yield "Power | seeds | strategies | done | area"
    for start, (name, laws) in enumerate(POWERS.items(), 100):
        for seeds, others in ((5, 0), (10, 0), (10, 2), (20, 0)):
            many = [*laws, *[laws[1]] * others]
            shares = [
                100 * claims(many, seeds, runs=runs, start=start, measure=m)[:, 0].mean()
                for m in ("done", "area")
            ]
            yield f"{name} | {seeds} | {len(many)} | {shares[0]:.0f} % | {shares[1]:.0f} %"


Draw = Callable[[np.random.Generator, int], Any]


def done(share: float, wait: float) -> Draw:
    """Areas of a `Law`, by the trapezoids of its curve."""
    last = POINTS.size - 1

    def draw(rng: np.random.Generator, seeds: int) -> Any:
        first = rng.geometric(1 / wait, seeds)
        area = np.maximum(last - first + 0.5, 0.0) / last
        return np.where(rng.random(seeds) < share, np.where(first > last, 0.0, area), 0.0)

    return draw


AREAS: dict[str, Draw] = {
    **{
        f"done or not: share {law.share}, wait {law.wait:g}": done(law.share, law.wait)
        for law in NULLS
    },
    "graded: normal": lambda rng, n: rng.normal(size=n),
    "graded: lognormal, sd of the log 1": lambda rng, n: rng.lognormal(size=n),
    "graded: Student's t, 2 degrees": lambda rng, n: rng.standard_t(2, n),
    "graded: 80 % near 1, 20 % near 0": lambda rng, n: (
        (rng.random(n) < 0.8) + rng.normal(0, 0.05, n)
    ),
}
"""Laws of one seed's area. The same for both strategies: nothing differs."""
UNLIKE: dict[str, tuple[Draw, Draw]] = {
    "normal, sd 1 against 4": (
        lambda rng, n: rng.normal(0, 1, n),
        lambda rng, n: rng.normal(0, 4, n),
    ),
    "lognormal against normal": (
        lambda rng, n: rng.lognormal(size=n) - np.exp(0.5),
        lambda rng, n: rng.normal(0, 0.2, n),
    ),
}
"""Two laws of one mean and different shapes: a claim is wrong about the mean, though something differs."""


def share_of_claims(first: Draw, second: Draw, seeds: int, runs: int, row: int) -> float:
    """Share of comparisons of two strategies that Welch (or Fisher, at two values) calls different."""
    rng = np.random.default_rng([row, seeds])
    drawn = ((first(rng, seeds), second(rng, seeds)) for _ in range(runs))
    return float(np.mean([statistics.difference(x, y).p < 0.05 for x, y in drawn]))


def area_rows(runs: int) -> Iterator[str]:
    sizes = (3, 5, 10, 20)
    yield f"False claims by area, {runs} comparisons of two | {' | '.join(map(str, sizes))} seeds"
    pairs = {name: (draw, draw) for name, draw in AREAS.items()} | UNLIKE
    for row, (name, (first, second)) in enumerate(pairs.items(), 200):
        found = [share_of_claims(first, second, seeds, runs, row) for seeds in sizes]
        yield " | ".join([name, *(f"{100 * share:.1f} %" for share in found)])


def suite_rows(runs: int) -> Iterator[str]:
    sizes, tasks = (3, 5, 10), (1, 3, 8)
    cells = " | ".join(f"{seeds} x {n}" for n, seeds in product(tasks, sizes))
    yield f"False claims by the score of a suite, {runs} comparisons of two | seeds x environments {cells}"
    laws = list(AREAS.values())
    families = {
        "done or not, another law in each": laws[: len(NULLS)],
        "graded, normal, spreads 0.5 to 3": [
            (lambda rng, n, s=s: rng.normal(0, s, n)) for s in np.linspace(0.5, 3, 8)
        ],
        "graded, lognormal": [AREAS["graded: lognormal, sd of the log 1"]],
        "both sorts": laws,
    }
    for row, (name, family) in enumerate(families.items(), 300):
        cells = []
        for n, seeds in product(tasks, sizes):
            rng = np.random.default_rng([row, n, seeds])
            draws = [family[k % len(family)] for k in range(n)]
            wrong = 0
            for _ in range(runs):
                x, y = (np.stack([draw(rng, seeds) for draw in draws], axis=1) for _ in range(2))
                wrong += statistics.stratified_difference(x, y).p < 0.05
            cells.append(f"{100 * wrong / runs:.1f} %")
        yield " | ".join([name, *cells])


def coverage(n: int, m: int, rates: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Chance that the 95 % interval of a difference of rates holds it, exactly, (R, R).

    The sum over all tables of their chance, where the interval of the table holds p - q.
    """
    chance = [stats.binom.pmf(np.arange(k + 1)[:, None], k, rates) for k in (n, m)]
    found = np.zeros((rates.size, rates.size))
    true = rates[:, None] - rates
    for i, j in product(range(n + 1), range(m + 1)):
        gap = statistics.boschloo((i, j), (n, m))
        holds = (gap.low - 1e-12 <= true) & (true <= gap.high + 1e-12)
        found += np.outer(chance[0][i], chance[1][j]) * holds
    return found


def interval_rows(runs: int) -> Iterator[str]:
    yield "Coverage of the interval of two success rates | mean | least | share of the pairs under 93 %"
    rates = np.arange(1, 100) / 100
    for n, m in ((3, 3), (5, 5), (5, 10), (10, 10), (20, 20)):
        found = coverage(n, m, rates)
        p, q = (rates[k] for k in np.unravel_index(found.argmin(), found.shape))
        yield (
            f"{n} and {m} seeds | {found.mean():.1%} | {found.min():.1%} at {p:g}, {q:g} | "
            f"{(found < 0.93).mean():.1%}"
        )


ROWS: dict[str, Callable[[int], Iterator[str]]] = {
    "verdicts": verdict_rows,
    "area": area_rows,
    "suite": suite_rows,
    "intervals": interval_rows,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--only", default=",".join(ROWS))
    given = parser.parse_args()
    for name in given.only.split(","):
        for line in ROWS[name](given.runs):
            print(line, flush=True)
