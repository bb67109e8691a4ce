"""A comparison over several environments: one comparison each, and scores on one scale.

A run's score is its return on the scale of its environment, 0 for random play and 1 for the reference
(`rewardwrap.compare.suites.Scale`); over training it is the area under that curve or, where doing the task
was declared to decide, under the curve of having done it. Environments without such a scale keep their
own page and count in no aggregate. The matrix (runs, tasks) of a strategy has one row for each seed that
finished on every task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from rewardwrap.compare.results import Comparison, FloatArray, ResultsError
from rewardwrap.compare.suites import Scale

Measure = Literal["area", "final"]
CURVE_POINTS = 41
"""Points of the learning curves over all environments, from none to all of the budget."""


@dataclass(frozen=True, eq=False)
class Suite:
    """Several comparisons of the same strategies.

    Args:
        comparisons: One for each environment.
        scales: Environment -> scale; those without one count in no aggregate.
        command: The exact command line.
        created: When, ISO 8601.

    Raises:
        ResultsError: Fewer than two environments, one twice, or other strategies in one of them.
    """

    comparisons: tuple[Comparison, ...]
    scales: Mapping[str, Scale] = field(default_factory=dict)
    command: str = ""
    created: str = ""

    def __post_init__(self) -> None:
        names = [comparison.env for comparison in self.comparisons]
        if len(names) < 2 or len(set(names)) < len(names):
            raise ResultsError(
                f"Suite: environments must be two or more and different, got {names}. "
                "Write one environment as a comparison of its own."
            )
        for comparison in self.comparisons:
            if comparison.strategies != self.strategies:
                raise ResultsError(
                    f"Suite: {comparison.env} must have the strategies {list(self.strategies)}, got "
                    f"{list(comparison.strategies)}. Give every environment the same."
                )

    @property
    def strategies(self) -> tuple[str, ...]:
        """Names in the order of the plan."""
        return self.comparisons[0].strategies

    @property
    def envs(self) -> tuple[str, ...]:
        """Names of all environments."""
        return tuple(comparison.env for comparison in self.comparisons)

    @property
    def algo(self) -> str:
        """The learning algorithm of all of them."""
        return self.comparisons[0].algo

    @cached_property
    def tasks(self) -> tuple[Comparison, ...]:
        """The environments that have a scale and a finished run: the columns of the scores."""
        return tuple(c for c in self.comparisons if c.env in self.scales and c.runs)

    @property
    def done_or_not(self) -> tuple[str, ...]:
        """Tasks on which it was declared that doing the task decides, not the height of the return."""
        return tuple(task.env for task in self.tasks if task.primary == "done")

    def seeds(self, strategy: str) -> list[int]:
        """Seeds of a strategy that finished on every task: the rows of its scores."""
        each = [{run.seed for run in task.of(strategy)} for task in self.tasks]
        return sorted(set.intersection(*each)) if each else []

    def scores(self, strategy: str, measure: Measure = "area") -> FloatArray:
        """Scores of a strategy, (seeds, tasks).

        Args:
            strategy: Whose.
            measure: ``"area"``: the mean over training of the declared measure, which is the true return
                on its scale or, on tasks that are done or not done, whether the seed has done the task yet;
                ``"final"``: the last true return.
        """
        columns, wanted = [], self.seeds(strategy)
        for task in self.tasks:
            if measure == "area" and task.primary == "done":
                found = _share_done(task, strategy)
            else:
                found = task.auc(strategy) if measure == "area" else task.final(strategy)
                found = self.scales[task.env](found)
            by_seed = dict(zip((run.seed for run in task.of(strategy)), found, strict=True))
            columns.append([by_seed[seed] for seed in wanted])
        return np.array(columns).T.reshape(len(wanted), len(self.tasks))

    def curves(self, strategy: str) -> FloatArray:
        """Score over the share of the budget, (seeds, tasks, `CURVE_POINTS`)."""
        wanted = self.seeds(strategy)
        found = np.empty((len(wanted), len(self.tasks), CURVE_POINTS))
        for column, task in enumerate(self.tasks):
            grid = task.grid()
            points = np.linspace(grid[0], grid[-1], CURVE_POINTS)
            rows = dict(
                zip((r.seed for r in task.of(strategy)), task.curves(strategy), strict=True)
            )
            for row, seed in enumerate(wanted):
                found[row, column] = self.scales[task.env](np.interp(points, grid, rows[seed]))
        return found


def _share_done(task: Comparison, strategy: str) -> FloatArray:
    """Share of the evaluation points from which each seed had done the task: 0 where it never had."""
    times, did = task.arrivals(strategy)
    share: FloatArray = np.mean((task.grid() >= times[:, None]) & did[:, None], axis=1)
    return share


def folder_of(env: str) -> str:
    """The name of an environment's folder."""
    return env.replace("/", "-")
