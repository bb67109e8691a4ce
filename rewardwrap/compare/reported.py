"""What `rw.compare` gives back: comparisons that know where they lie and show themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.compare import document, suite_report, summary
from rewardwrap.compare.aggregate import AGGREGATES, aggregates, judge_suite
from rewardwrap.compare.results import Comparison
from rewardwrap.compare.suite import Suite
from rewardwrap.compare.verdict import judge
from rewardwrap.core.errors import UnknownName
from rewardwrap.pages.frames import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVES = ("strategy", "seed", "step", "true", "shaped")
HEADINGS = ("strategy", "seeds", "final true", "95 %", "area", "finding")


@dataclass(frozen=True, eq=False, repr=False)
class Reported(Shown, Comparison):
    """A comparison and where it lies, as `rw.compare` returns it.

    Args:
        folder: With ``comparison.json``, ``runs.csv``, ``figures/``, ``report.html`` and ``runs/``.
    """

    folder: Path = field(kw_only=True)

    def to_dict(self) -> dict[str, Any]:
        """What ``comparison.json`` holds."""
        return document.to_json_dict(self)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw the learning curves, every seed thin and the mean thick; returns the matplotlib axes."""
        from rewardwrap.compare.figures import learning_curves
        from rewardwrap.pages.drawing import steps_axis
        from rewardwrap.pages.palette import colours

        if axes is None:
            return learning_curves(self).axes[0]
        shades = colours(self.strategies)
        for strategy in self.strategies:
            curves = self.curves(strategy)
            axes.plot(self.grid(), curves.T, color=shades[strategy], linewidth=0.7, alpha=0.3)
            axes.plot(self.grid(), curves.mean(axis=0), color=shades[strategy], label=strategy)
        steps_axis(axes, int(self.grid()[-1]))
        axes.set_ylabel("true return")
        axes.legend(frameon=False)
        return axes

    def _title(self) -> str:
        said = f"Comparison on {self.env}, {self.algo}, {self.steps:,} steps: {self.folder}"
        return f"{said}\n{judge(self).headline}"

    def _columns(self) -> dict[str, Sequence[Any]]:
        columns: dict[str, list[Any]] = {name: [] for name in CURVES}
        for run in self.runs:
            steps = run.steps.tolist()
            columns["strategy"] += [run.strategy] * len(steps)
            columns["seed"] += [run.seed] * len(steps)
            columns["step"] += steps
            columns["true"] += run.true_return.tolist()
            columns["shaped"] += run.shaped_return.tolist()
        return dict(columns)

    def _shown(self) -> dict[str, Sequence[Any]]:
        judged = judge(self)
        rows = [summary.cells(self, judged, strategy) for strategy in self.strategies]
        places = (0, 1, 2, 3, 4, -1)
        return {name: [row[i] for row in rows] for name, i in zip(HEADINGS, places, strict=True)}


class ReportedSuite(Shown):
    """Comparisons on one scale and where they lie, as `rw.compare` returns them for several environments.

    Args:
        suite: All of them.
        comparisons: Each with its own folder.
        folder: With ``suite.json``, ``report.html``, ``runs/`` and ``envs/``.
    """

    def __init__(self, suite: Suite, comparisons: Sequence[Reported], folder: Path) -> None:
        self.suite, self.folder = suite, folder
        self.comparisons = tuple(comparisons)

    def __getitem__(self, env: str) -> Reported:
        """The comparison of one environment."""
        known = {each.env: each for each in self.comparisons}
        if env not in known:
            raise UnknownName("environment of this comparison", env, known)
        return known[env]

    def __iter__(self) -> Iterator[Reported]:
        return iter(self.comparisons)

    def to_dict(self) -> dict[str, Any]:
        """What ``suite.json`` holds."""
        return suite_report.to_json_dict(self.suite)

    def plot(self) -> Axes:
        """Draw the scores over the share of the budget; returns the matplotlib axes."""
        from rewardwrap.compare.suite_figures import normalised_curves

        return normalised_curves(self.suite).axes[0]

    def _title(self) -> str:
        said = f"{len(self.comparisons)} environments, {self.suite.algo}: {self.folder}"
        return f"{said}\n{judge_suite(self.suite).headline}"

    def _columns(self) -> dict[str, Sequence[Any]]:
        names = ("env", *CURVES)
        found: dict[str, list[Any]] = {name: [] for name in names}
        for each in self.comparisons:
            columns = each._columns()
            found["env"] += [each.env] * len(columns["step"])
            for name in CURVES:
                found[name] += columns[name]
        return dict(found)

    def _shown(self) -> dict[str, Sequence[Any]]:
        rows = {name: aggregates(self.suite.scores(name)) for name in self.suite.strategies}
        shown: dict[str, Sequence[Any]] = {
            "strategy": list(rows), "seeds": [len(self.suite.seeds(name)) for name in rows],
        }  # fmt: skip
        shown |= {
            key: [float(row[key].value) if row else None for row in rows.values()]
            for key in AGGREGATES
        }
        return shown
