"""Figures over several environments, each a pure function of a suite."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from rewardwrap import statistics
from rewardwrap.compare.aggregate import RESAMPLES, aggregates, improvement
from rewardwrap.compare.figures import name_profile
from rewardwrap.compare.results import FloatArray
from rewardwrap.compare.suite import CURVE_POINTS, Suite
from rewardwrap.pages.drawing import STYLE, drawing, label_ends, limit_to, shorten
from rewardwrap.pages.palette import MUTED, colours

_HINTS = {
    "IQM": "mean of the middle half",
    "mean": "of all runs",
    "median": "of all runs",
    "optimality gap": "missing to 1, less is better",
}


def draw_suite(suite: Suite) -> dict[str, Figure]:
    """Every figure that the suite has data for, by file name without suffix."""
    finished = complete_strategies(suite)
    if not finished:
        return {}
    found = {
        "suite_aggregates": aggregate_intervals(suite),
        "suite_learning": normalised_curves(suite),
        "suite_profile": suite_profile(suite),
        "suite_environments": by_environment(suite),
    }
    if len(finished) > 1:
        found["suite_improvement"] = improvements(suite)
    return found


def complete_strategies(suite: Suite) -> list[str]:
    """Strategies with a seed that finished on every task, in the order of the plan."""
    return [name for name in suite.strategies if suite.seeds(name)]


def aggregate_intervals(suite: Suite) -> Figure:
    """Four aggregates of the area score, each with its 95 % interval, one row a strategy."""
    names, shade = complete_strategies(suite), colours(suite.strategies)
    found = {name: aggregates(suite.scores(name)) for name in names}
    with matplotlib.rc_context(STYLE):
        height = 1.6 + 0.55 * max(2, len(names))
        figure = Figure(figsize=(5.4, height), layout="constrained")
        panels = figure.subplots(2, 2)
        for axes, (title, hint) in zip(panels.flat, _HINTS.items(), strict=True):
            for row, name in enumerate(names):
                estimate = found[name][title]
                ends = [estimate.interval.low, estimate.interval.high]
                axes.plot(ends, [row, row], color=shade[name], linewidth=7, alpha=0.35)
                axes.plot(estimate.value, row, marker="D", markersize=7, color=shade[name])
            axes.set_ylim(len(names) - 0.5, -0.6)
            axes.grid(visible=False, axis="y")
            axes.set_title(title, loc="left", fontweight="bold", fontsize=10)
            axes.set_xlabel(hint, fontsize=8.5)
            axes.margins(x=0.12)
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.set_yticks(range(len(names)), [])
            axes.tick_params(axis="y", length=0)
        for axes in panels[:, 0]:
            axes.set_yticks(range(len(names)), [shorten(name, 14) for name in names])
            _name_rows(axes, names, shade)
        return figure


def normalised_curves(suite: Suite) -> Figure:
    """IQM of the score over the share of the budget, with a 95 % band over seeds and tasks."""
    with drawing(5.4, 3.5) as (figure, axes):
        shade, ends, tops = colours(suite.strategies), {}, []
        share = np.linspace(0, 1, CURVE_POINTS)
        for place, name in enumerate(complete_strategies(suite)):
            curves = suite.curves(name)
            middle = np.array([statistics.iqm(curves[:, :, i]) for i in range(CURVE_POINTS)])
            low, high = _band(curves)
            axes.fill_between(share, low, high, color=shade[name], alpha=0.14, linewidth=0)
            axes.plot(share, middle, color=shade[name], linewidth=max(1.8, 3.4 - 0.5 * place))
            ends[name] = float(middle[-1])
            tops += [low, high]
        limit_to(axes, np.concatenate(tops))
        for level in (0.0, 1.0):
            axes.axhline(level, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel("share of the steps")
        axes.set_ylabel("score, IQM")
        label_ends(axes, ends, shade, {name: name for name in ends})
        return figure


def suite_profile(suite: Suite) -> Figure:
    """Share of the runs x tasks above each score, with a 95 % bootstrap band."""
    with drawing(5.4, 3.5) as (figure, axes):
        shade = colours(suite.strategies)
        scores = {name: suite.scores(name) for name in complete_strategies(suite)}
        pool = np.concatenate([s.ravel() for s in scores.values()])
        margin = 0.04 * (float(np.ptp(pool)) or 1.0)
        taus = np.linspace(pool.min() - margin, pool.max() + margin, 200)
        rng = np.random.default_rng(0)
        for place, (name, matrix) in enumerate(scores.items()):
            shares = statistics.performance_profile(matrix, taus)
            rows = rng.integers(len(matrix), size=(1_000, *matrix.shape))
            drawn = np.take_along_axis(matrix[None], rows, axis=1)
            spread = np.stack([(drawn > tau).mean(axis=(1, 2)) for tau in taus], axis=1)
            low, high = np.quantile(spread, [0.025, 0.975], axis=0)
            axes.fill_between(taus, low, high, color=shade[name], alpha=0.14, lw=0, step="post")
            width = max(1.8, 3.4 - 0.5 * place)
            axes.step(taus, shares, color=shade[name], linewidth=width, label=shorten(name))
        name_profile(axes, "score over training", "runs above it")
        return figure


def by_environment(suite: Suite) -> Figure:
    """Area score of every run, one row an environment; the mean of each strategy is a diamond."""
    names, shade = complete_strategies(suite), colours(suite.strategies)
    tasks = [task.env for task in suite.tasks]
    lane = 0.7 / len(names)
    with drawing(5.4, 0.9 + 0.3 * len(tasks) * max(2, len(names) * 0.75)) as (figure, axes):
        every = []
        for place, name in enumerate(names):
            scores = suite.scores(name)
            every.append(scores.ravel())
            for row, column in enumerate(scores.T):
                height = row + (place - (len(names) - 1) / 2) * lane
                axes.scatter(
                    column, [height] * len(column), s=13, color=shade[name], alpha=0.45, lw=0
                )
                axes.plot(column.mean(), height, marker="D", markersize=5.5, color=shade[name])
        limit_to(axes, np.concatenate(every), axis="x")
        axes.axvline(0.0, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))
        axes.axvline(1.0, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))
        axes.set_ylim(len(tasks) - 0.5, -0.5)
        axes.set_yticks(range(len(tasks)), [shorten(env, 22) for env in tasks])
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("score over training (0 random, 1 reference)")
        return figure


def improvements(suite: Suite) -> Figure:
    """Chance to beat the baseline on the same task, with its 95 % interval, one row a strategy."""
    names, shade = complete_strategies(suite), colours(suite.strategies)
    baseline = "env" if "env" in names else names[0]
    others = [name for name in names if name != baseline]
    with drawing(5.4, 1.1 + 0.42 * max(2, len(others))) as (figure, axes):
        for row, name in enumerate(others):
            found = improvement(suite.scores(name), suite.scores(baseline))
            assert found is not None
            ends = [found.interval.low, found.interval.high]
            axes.plot(ends, [row, row], color=shade[name], linewidth=7, alpha=0.35)
            axes.plot(found.value, row, marker="D", markersize=7, color=shade[name])
        axes.axvline(0.5, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(len(others) - 0.5, -0.6)
        axes.set_yticks(range(len(others)), [shorten(name) for name in others])
        _name_rows(axes, others, shade)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
        axes.set_xlabel(f"chance to beat {shorten(baseline)}")
        return figure


def _band(curves: FloatArray) -> tuple[FloatArray, FloatArray]:
    """95 % bootstrap band of the IQM, seeds resampled within tasks and kept along the curve."""
    rng = np.random.default_rng(0)
    seeds, tasks, points = curves.shape
    rows = rng.integers(seeds, size=(RESAMPLES // 20, seeds, tasks))
    drawn = np.stack([curves[rows[:, :, task], task] for task in range(tasks)], axis=2)
    middles = np.stack([statistics.iqm(drawn[..., i]) for i in range(points)], axis=1)
    low, high = np.quantile(middles, [0.025, 0.975], axis=0)
    return low, high


def _name_rows(axes: Axes, names: list[str], shade: dict[str, str]) -> None:
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set(color=shade[name], fontweight="bold")
