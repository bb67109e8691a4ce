"""What a comparison measured: its runs, and the numbers that are read off their curves.

``Comparison`` is the only thing that verdicts, figures and reports read.

The numbers of one run, all from the **true** return unless the name says otherwise:

* *final*: the last evaluation point.
* *auc*: area under the true-return curve on the step grid common to all runs, divided by the
  length of the grid, so that it has the unit of a return.
* *steps to threshold*: the first evaluation point with a true return of at least ``threshold``;
  ``None`` when there is none (the run is censored at its last point, not dropped).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rewardwrap import statistics
from rewardwrap.core.errors import RewardwrapError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class ResultsError(RewardwrapError, ValueError):
    """Runs that do not form a comparison, or a file that does not hold one."""


@dataclass(frozen=True, eq=False)
class Run:
    """One finished training.

    Args:
        strategy: Name of the reward the learner received.
        seed: Seed of the training.
        steps: Environment steps of the evaluation points, strictly increasing, shape (E,).
        true_return: Mean *true* return of the evaluation episodes at each point, (E,).
        shaped_return: Mean return of the same episodes under the strategy's own reward, (E,).
        length: Mean length of the same episodes, (E,).
        terms: Mean episode sum of each reward term at each point, name -> (E,).
        cpu_seconds: Processor time of the training.
        wall_seconds: Time on the clock.
        env_steps: Environment steps the learner really took.
        continued: How often it went on from a checkpoint.
        same_curve: Whether that is the curve an undisturbed run would have had.
        run: Name of its folder in the store, where that is known.
        success: Share of the last evaluation's episodes that the environment calls a success, or None.
        groups: Where whole groups of episodes were paid: ``group`` (its size), ``groups`` and the shares
            ``filter_rate``, ``zero_variance_share``, ``dropped_share`` and ``waiting_share``.

    Raises:
        ResultsError: A curve of another length than ``steps``, or a number that is not finite.
    """

    strategy: str
    seed: int
    steps: IntArray
    true_return: FloatArray
    shaped_return: FloatArray
    length: FloatArray
    terms: Mapping[str, FloatArray] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    env_steps: int = 0
    continued: int = 0
    same_curve: bool = True
    run: str = ""
    success: float | None = None
    groups: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "steps", np.asarray(self.steps, dtype=np.int64))
        for name in ("true_return", "shaped_return", "length"):
            set_field(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        terms = {name: np.asarray(curve, dtype=np.float64) for name, curve in self.terms.items()}
        set_field(self, "terms", terms)
        if self.steps.ndim != 1 or not self.steps.size or np.any(np.diff(self.steps) <= 0):
            raise ResultsError(
                f"{self.label}: steps must be strictly increasing and not empty, "
                f"got {self.steps.tolist()}. Give one entry for each evaluation point."
            )
        for name, curve in self.curves().items():
            self._check(name, curve)

    def _check(self, name: str, curve: FloatArray) -> None:
        if curve.shape != self.steps.shape:
            raise ResultsError(
                f"{self.label}: {name} must have one entry for each of the {self.steps.size} "
                f"evaluation points, got shape {curve.shape}. Evaluate at the points of steps."
            )
        bad = np.flatnonzero(~np.isfinite(curve))
        if bad.size:
            raise ResultsError(
                f"{self.label}: {name} must be finite, got {curve[bad[0]]} at step "
                f"{self.steps[bad[0]]}. Report this run as a Failure instead."
            )

    @property
    def label(self) -> str:
        """Strategy and seed, as error messages name a run."""
        return f'run "{self.strategy}" seed {self.seed}'

    def curves(self) -> dict[str, FloatArray]:
        """Every recorded curve; reward terms appear as ``term:<name>``."""
        named = {"true_return": self.true_return, "shaped_return": self.shaped_return}
        terms = {f"term:{name}": curve for name, curve in self.terms.items()}
        return {**named, "length": self.length, **terms}

    def curve(self, name: str) -> FloatArray:
        """One recorded curve; a term that this run does not have is 0."""
        if name in ("true_return", "shaped_return", "length"):
            found: FloatArray = getattr(self, name)
            return found
        term = self.terms.get(name.removeprefix("term:"))
        return np.zeros(self.steps.size) if term is None else term

    def reached(self, threshold: float | None) -> int | None:
        """First evaluated step with a true return of at least ``threshold``, else None."""
        if threshold is None:
            return None
        hits = np.flatnonzero(self.true_return >= threshold)
        return int(self.steps[hits[0]]) if hits.size else None


@dataclass(frozen=True)
class Failure:
    """A training that ended without a curve, and why; ``env`` may stay empty where there is one."""

    strategy: str
    seed: int
    message: str
    env: str = ""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Every run of a plan, with what is needed to repeat it.

    Args:
        env: Environment id.
        algo: Learning algorithm, e.g. ``"ppo"``.
        steps: Training budget of one run, in environment steps.
        threshold: True return that counts as doing the task, or None.
        strategies: Names in the order of the plan.
        runs: The finished trainings, in any order.
        failures: The others.
        rewards: Config of each strategy's reward.
        hyperparameters: What the algorithm was given.
        versions: Library -> version.
        command: The exact command line.
        created: When, ISO 8601.
        hashes: What -> hash, e.g. of the plan and of each reward.
        eval_episodes: Episodes behind each evaluation point.
        remarks: What else the reader must know, a sentence each, e.g. how coefficients were tuned.
        tuning: How every strategy was tuned, see `rewardwrap.compare.tuning`; empty if none was.
        primary: What gives the verdict, declared before the first run: ``"done"`` (needs a threshold) or
            ``"area"``; see `rewardwrap.compare.measures`.
        bounds: Least and largest true return that an episode can have, None for unknown.

    Raises:
        ResultsError: Two strategies or two runs of one name, or a run of no strategy.
    """

    env: str
    algo: str
    steps: int
    threshold: float | None
    strategies: tuple[str, ...]
    runs: tuple[Run, ...]
    failures: tuple[Failure, ...] = ()
    rewards: Mapping[str, Any] = field(default_factory=dict)
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    created: str = ""
    hashes: Mapping[str, str] = field(default_factory=dict)
    eval_episodes: int = 1
    remarks: tuple[str, ...] = ()
    tuning: Mapping[str, Any] = field(default_factory=dict)
    primary: Literal["done", "area"] = "area"
    bounds: tuple[float | None, float | None] = (None, None)

    def __post_init__(self) -> None:
        if self.primary not in ("done", "area") or (
            self.primary == "done" and self.threshold is None
        ):
            raise ResultsError(
                f'Comparison: primary must be "area", or "done" with a threshold, got "{self.primary}" '
                f"and threshold {self.threshold}. Say which true return counts as doing the task."
            )
        seen: set[tuple[str, int]] = set()
        if not self.strategies or len(set(self.strategies)) < len(self.strategies):
            raise ResultsError(
                f"Comparison: strategies must be at least one and all of another name, "
                f"got {list(self.strategies)}. Rename one of the two."
            )
        entries: list[Run | Failure] = [*self.runs, *self.failures]
        for run in entries:
            if run.strategy not in self.strategies:
                raise ResultsError(
                    f'Comparison: a run must belong to one of {list(self.strategies)}, got "'
                    f'{run.strategy}". Add the strategy or drop the run.'
                )
            if (run.strategy, run.seed) in seen:
                raise ResultsError(
                    f"Comparison: a seed must be trained once for each strategy, got "
                    f'"{run.strategy}" seed {run.seed} twice. Keep one of the runs.'
                )
            seen.add((run.strategy, run.seed))

    def of(self, strategy: str) -> tuple[Run, ...]:
        """Finished runs of one strategy, by seed."""
        return self._by_strategy.get(strategy, ())

    @cached_property
    def _by_strategy(self) -> dict[str, tuple[Run, ...]]:
        found: dict[str, list[Run]] = {}
        for run in sorted(self.runs, key=lambda run: run.seed):
            found.setdefault(run.strategy, []).append(run)
        return {strategy: tuple(runs) for strategy, runs in found.items()}

    def grid(self) -> IntArray:
        """Evaluated steps that every finished run covers, shape (G,).

        Runs with the same evaluation points keep exactly those. Otherwise it is the union of all
        points between the latest first one and the earliest last one.

        Raises:
            ResultsError: There is no run, or the runs share no step.
        """
        return self._grid

    @cached_property
    def _grid(self) -> IntArray:
        if not self.runs:
            raise ResultsError("Comparison: a step grid must have a finished run, got 0 runs.")
        start = max(run.steps[0] for run in self.runs)
        end = min(run.steps[-1] for run in self.runs)
        points = np.unique(np.concatenate([run.steps for run in self.runs]))
        grid: IntArray = points[(points >= start) & (points <= end)]
        if not grid.size:
            raise ResultsError(
                f"Comparison: runs must overlap in steps, got one that starts at {start} and one "
                f"that ends at {end}. Evaluate all runs on one grid."
            )
        return grid

    def curves(self, strategy: str, name: str = "true_return") -> FloatArray:
        """One curve of every seed on the common grid, linearly interpolated, (seeds, G).

        Args:
            strategy: Whose.
            name: A key of ``Run.curves()``; a run without that term counts as 0.
        """
        known = self._known_curves
        if (strategy, name) not in known:
            grid = self.grid()
            rows = [np.interp(grid, run.steps, run.curve(name)) for run in self.of(strategy)]
            found = np.array(rows, dtype=np.float64).reshape(len(rows), grid.size)
            found.setflags(write=False)  # shared by everyone who asks
            known[strategy, name] = found
        return known[strategy, name]

    @cached_property
    def _known_curves(self) -> dict[tuple[str, str], FloatArray]:
        return {}

    def final(self, strategy: str, name: str = "true_return") -> FloatArray:
        """Last evaluation point of every seed, (seeds,)."""
        return np.array([run.curve(name)[-1] for run in self.of(strategy)], dtype=np.float64)

    def success(self, strategy: str) -> float | None:
        """Mean share of the last evaluation's episodes that the environment calls a success, or None."""
        said = [run.success for run in self.of(strategy) if run.success is not None]
        return float(np.mean(said)) if said else None

    def groups(self, strategy: str) -> dict[str, float] | None:
        """Means over the runs of what became of their groups; None where steps were paid."""
        told = [run.groups for run in self.of(strategy) if run.groups]
        return {k: float(np.mean([one[k] for one in told])) for k in told[0]} if told else None

    def auc(self, strategy: str) -> FloatArray:
        """Mean height of the true-return curve of every seed on the common grid, (seeds,)."""
        if not self.of(strategy):
            return np.empty(0)
        grid, curves = np.asarray(self.grid(), np.float64), self.curves(strategy)
        if grid.size == 1:
            return np.array(curves[:, 0], np.float64)
        # `statistics.area_under_curve` of every row at once: curves stand on the grid already
        areas: FloatArray = np.trapezoid(curves, grid, axis=1) / (grid[-1] - grid[0])
        return areas

    def steps_to_threshold(self, strategy: str) -> list[int | None]:
        """First evaluated step at the threshold for every seed; None is censored."""
        return [run.reached(self.threshold) for run in self.of(strategy)]

    def arrivals(self, strategy: str) -> tuple[IntArray, NDArray[np.bool_]]:
        """For every seed the step at which it reached the threshold or ended, and which of both."""
        steps = self.steps_to_threshold(strategy)
        ends = [int(run.steps[-1]) for run in self.of(strategy)]
        times = [end if step is None else step for step, end in zip(steps, ends, strict=True)]
        return np.array(times, np.int64), np.array([step is not None for step in steps], bool)

    def reached(self, strategy: str) -> tuple[int, int]:
        """How many seeds reached the threshold, and of how many."""
        steps = self.steps_to_threshold(strategy)
        return sum(step is not None for step in steps), len(steps)

    def survival(self, strategy: str) -> statistics.Survival | None:
        """Kaplan-Meier estimate of the steps to the threshold; None without runs or threshold."""
        if not self.of(strategy) or self.threshold is None:
            return None
        return statistics.kaplan_meier(*self.arrivals(strategy))

    def outcomes(self) -> tuple[float, float] | None:
        """The two true returns that every evaluation point of every run takes, if there are two.

        Then a run succeeds or fails and strategies have success rates. At least 10 points must say
        so: a few returns can take two values by accident.
        """
        points = np.concatenate([np.empty(0), *(run.true_return for run in self.runs)])
        found = np.unique(points)
        two = found.size == 2 and points.size >= 10
        return (float(found[0]), float(found[1])) if two else None

    def interval(self, strategy: str) -> statistics.Interval:
        """The interval recommended for the mean final true return, exact for success rates."""
        return statistics.recommended_interval(
            self.final(strategy), values=self.outcomes(), bounds=self.bounds
        )
