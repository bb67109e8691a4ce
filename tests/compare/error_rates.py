"""How often the verdict is wrong where nothing differs, and how often right where something does.

    python tests/compare/error_rates.py [--runs 1000]

Made-up runs of a task that is done or not done: a seed can do it with a given chance, and does so from an
evaluation point on whose distance is geometric. False claims: any strategy called better or worse than any
other where all have the same law. Seeds: ``default_rng([seed of the row, repetition])``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

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


def rows(runs: int) -> Iterator[str]:
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    for row in rows(parser.parse_args().runs):
        print(row, flush=True)
