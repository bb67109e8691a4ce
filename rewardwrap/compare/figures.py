"""Figures of a comparison, each a pure function of it; nothing here touches pyplot.

Every seed is drawn. Bands and bars are 95 % intervals of the mean. ``draw_all`` lists the figures
by file name.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from rewardwrap import statistics
from rewardwrap.compare.results import Comparison, FloatArray
from rewardwrap.pages.drawing import (
    WIDTH,
    Series,
    drawing,
    label_ends,
    limit_to,
    read_out,
    shorten,
    steps_axis,
)
from rewardwrap.pages.palette import INK, MUTED, colours

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""One shape for each term, for who cannot tell tints apart."""


def draw_all(comparison: Comparison) -> dict[str, Figure]:
    """Every figure that the comparison has data for, by file name without suffix."""
    finished = finished_strategies(comparison)
    if not finished:
        return {}
    found = {"learning_curves": learning_curves(comparison)}
    found["final_returns"] = final_returns(comparison)
    if comparison.threshold is not None:
        found["steps_to_threshold"] = steps_to_threshold(comparison)
    if len(finished) > 1:
        found["improvement_matrix"] = improvement_matrix(comparison)
        found["performance_profile"] = performance_profile(comparison)
    for strategy in finished:
        place = comparison.strategies.index(strategy)  # a strategy's name need not be a file name
        found[f"true_and_shaped_{place}"] = true_and_shaped(comparison, strategy)
        if len(terms_of(comparison, strategy)) > 1:
            found[f"term_shares_{place}"] = term_shares(comparison, strategy)
            found[f"share_and_true_{place}"] = share_and_true(comparison, strategy)
    return found


def finished_strategies(comparison: Comparison) -> list[str]:
    """Strategies with at least one finished run, in the order of the plan."""
    return [strategy for strategy in comparison.strategies if comparison.of(strategy)]


def terms_of(comparison: Comparison, strategy: str) -> list[str]:
    """Names of the reward terms that the runs of a strategy recorded, ``shaped`` left out."""
    names = dict.fromkeys(name for run in comparison.of(strategy) for name in run.terms)
    return [name for name in names if name != "shaped"]


def learning_curves(comparison: Comparison) -> Figure:
    """True return over steps: every seed thin, mean thick, 95 % band of the mean."""
    with drawing(WIDTH, 3.5) as (figure, axes):
        grid, colour = comparison.grid(), colours(comparison.strategies)
        values = comparison.outcomes()
        ends = {}
        for place, strategy in enumerate(finished_strategies(comparison)):
            curves = comparison.curves(strategy)
            shade = colour[strategy]
            axes.plot(grid, curves.T, color=shade, linewidth=0.7, alpha=0.3)
            low, high = _band(curves, values, comparison.bounds)
            axes.fill_between(grid, low, high, color=shade, alpha=0.11, linewidth=0)
            width = max(1.8, 3.4 - 0.5 * place)  # equal curves stay visible under each other
            axes.plot(grid, curves.mean(axis=0), color=shade, linewidth=width)
            ends[strategy] = float(curves[:, -1].mean())
        if comparison.threshold is not None:
            axes.axhline(comparison.threshold, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))
        limit_to(
            axes, np.concatenate([comparison.curves(s) for s in finished_strategies(comparison)])
        )
        steps_axis(axes, int(grid[-1]))
        axes.set_ylabel("true return")
        label_ends(axes, ends, colour, {s: s for s in ends})
        read_out(axes, grid, [one for s in ends for one in _series(comparison, s, colour[s])])
        return figure


def true_and_shaped(comparison: Comparison, strategy: str) -> Figure:
    """One strategy's true return (solid) and its own, shaped one (dashed) over steps."""
    with drawing(WIDTH, 3.1) as (figure, axes):
        grid, shade = comparison.grid(), colours(comparison.strategies)[strategy]
        lines = [("true_return", INK, "solid"), ("shaped_return", shade, (0, (4, 2)))]
        true_curves = comparison.curves(strategy)
        same = np.allclose(true_curves, comparison.curves(strategy, "shaped_return"))
        ends = {}
        for name, colour, dash in lines[: 1 if same else 2]:
            curves = comparison.curves(strategy, name)
            axes.plot(grid, curves.T, color=colour, linewidth=0.6, alpha=0.3, linestyle=dash)
            axes.plot(grid, curves.mean(axis=0), color=colour, linewidth=2.2, linestyle=dash)
            ends[name] = float(curves[:, -1].mean())
        steps_axis(axes, int(grid[-1]))
        axes.set_ylabel("return of an episode")
        axes.set_title(shorten(strategy), color=shade, loc="left", fontweight="bold")
        shades = {"true_return": INK, "shaped_return": shade}
        true = "true = shaped" if same else "true"
        label_ends(axes, ends, shades, {"true_return": true, "shaped_return": "shaped"})
        told = _series(comparison, strategy, INK, name="true return")
        if not same:
            told += _series(comparison, strategy, shade, "shaped_return", name="shaped return")
        read_out(axes, grid, told)
        return figure


def final_returns(comparison: Comparison) -> Figure:
    """Final true return: every seed a dot, the mean a diamond, its 95 % interval a bar.

    A dashed bar is an interval that cannot be fully trusted at this number of seeds.
    """
    finished = finished_strategies(comparison)
    with drawing(WIDTH, 0.7 + 0.7 * max(2, len(finished))) as (figure, axes):
        colour = colours(comparison.strategies)
        finals = [comparison.final(strategy) for strategy in finished]
        for row, (strategy, scores) in enumerate(zip(finished, finals, strict=True)):
            shade, interval = colour[strategy], comparison.interval(strategy)
            height = row + 0.06 - 0.5 * _spread(scores)
            axes.scatter(scores, height, s=17, color=shade, alpha=0.55, linewidth=0)
            if np.isfinite(interval.low):
                dash = "solid" if interval.trusted else (0, (3, 1.5))
                ends = [interval.low, interval.high]
                axes.plot(ends, [row + 0.27] * 2, color=shade, linewidth=2.4, linestyle=dash)
            axes.plot(scores.mean(), row + 0.27, marker="D", markersize=7, color=shade)
        limit_to(axes, np.concatenate(finals), axis="x")
        axes.set_ylim(len(finished) - 0.45, -0.65)
        axes.set_yticks(range(len(finished)), [shorten(strategy) for strategy in finished])
        for label, strategy in zip(axes.get_yticklabels(), finished, strict=True):
            label.set(color=colour[strategy], fontweight="bold")
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("final true return")
        return figure


def steps_to_threshold(comparison: Comparison) -> Figure:
    """Share of the seeds that reached the threshold by each step (1 - Kaplan and Meier), k/n."""
    with drawing(WIDTH, 3.5) as (figure, axes):
        colour, ends, names = colours(comparison.strategies), {}, {}
        last = int(comparison.grid()[-1])
        for place, strategy in enumerate(finished_strategies(comparison)):
            survival = comparison.survival(strategy)
            if survival is None:
                continue
            x = np.concatenate([[0], survival.times, [last]])
            share = np.concatenate([[0.0], 1 - survival.surviving])
            y = np.append(share, share[-1])
            width = max(1.8, 3.4 - 0.5 * place)
            axes.step(x, y, where="post", color=colour[strategy], linewidth=width)
            ends[strategy] = float(share[-1])
            names[strategy] = f"{shorten(strategy, 14)} {survival.reached}/{survival.runs}"
        axes.axhline(0.5, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))
        axes.set_ylim(-0.03, 1.04)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylabel("seeds that reached it")
        steps_axis(axes, last)
        label_ends(axes, ends, colour, names)
        return figure


def term_shares(comparison: Comparison, strategy: str) -> Figure:
    """Share of each reward term in the sum of mean |term| over steps, stacked."""
    with drawing(WIDTH, 3.1) as (figure, axes):
        grid, shade = comparison.grid(), colours(comparison.strategies)[strategy]
        names = terms_of(comparison, strategy)
        curves = [comparison.curves(strategy, f"term:{name}") for name in names]
        sizes = np.array([np.abs(curve).mean(axis=0) for curve in curves])
        total = sizes.sum(axis=0)
        shares = np.divide(sizes, total, out=np.zeros_like(sizes), where=total > 0)
        below, others = np.zeros(grid.size), 0
        for name, share in zip(names, shares, strict=True):
            alpha, tint = 0.45, MUTED
            if name != "env":
                alpha, tint, others = max(0.2, 0.8 - 0.25 * others), shade, others + 1
            area = axes.fill_between(grid, below, below + share, color=tint, alpha=alpha, lw=0)
            area.set_label(shorten(name))
            below = below + share
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylabel("share of |term|")
        steps_axis(axes, int(grid[-1]))
        axes.set_title(shorten(strategy), color=shade, loc="left", fontweight="bold", pad=20)
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.01, 1), ncols=4, frameon=False, borderpad=0.2,
            handlelength=1, columnspacing=1.2,
        )  # fmt: skip
        return figure


def share_and_true(comparison: Comparison, strategy: str) -> Figure:
    """Share of each term at every evaluation point of every run, over the true return there."""
    with drawing(WIDTH, 3.1) as (figure, axes):
        shade = colours(comparison.strategies)[strategy]
        names = terms_of(comparison, strategy)
        sizes = np.array([np.abs(comparison.curves(strategy, f"term:{n}")) for n in names])
        total = sizes.sum(axis=0)
        shares = np.divide(sizes, total, out=np.zeros_like(sizes), where=total > 0)
        true = comparison.curves(strategy)
        for place, (name, share) in enumerate(zip(names, shares, strict=True)):
            tint = MUTED if name == "env" else shade
            axes.scatter(
                true, share, s=20, marker=MARKERS[place % len(MARKERS)], color=tint, alpha=0.6,
                linewidth=0, label=shorten(name),
            )  # fmt: skip
        axes.set_ylim(-0.04, 1.04)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylabel("share of |term|")
        axes.set_xlabel("true return")
        axes.set_title(shorten(strategy), color=shade, loc="left", fontweight="bold", pad=20)
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.01, 1), ncols=4, frameon=False, borderpad=0.2,
            handletextpad=0.1, columnspacing=1.2,
        )  # fmt: skip
        return figure


def improvement_matrix(comparison: Comparison) -> Figure:
    """Chance that a run of the row beats a run of the column, by area under the true curve."""
    names = finished_strategies(comparison)
    with drawing(WIDTH, 1.3 + 0.55 * len(names)) as (figure, axes):
        areas = [comparison.auc(name) for name in names]
        for row, x in enumerate(areas):
            for column, y in enumerate(areas):
                if row == column:
                    continue
                chance = float(statistics.probability_of_improvement(x, y))
                tint = colours(comparison.strategies)[names[row if chance > 0.5 else column]]
                box = (column - 0.48, row - 0.46)
                alpha = 0.0 if chance == 0.5 else 0.06 + 0.9 * abs(chance - 0.5)
                axes.add_patch(Rectangle(box, 0.96, 0.92, color=tint, alpha=alpha, lw=0))
                axes.text(column, row, f"{chance:.2f}", ha="center", va="center")
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xticks(range(len(names)), [shorten(name, 12) for name in names])
        axes.set_yticks(range(len(names)), [shorten(name) for name in names])
        axes.xaxis.tick_top()
        axes.tick_params(length=0, labelcolor=INK)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        return figure


def performance_profile(comparison: Comparison) -> Figure:
    """Share of the seeds whose area under the true curve exceeds each level."""
    with drawing(WIDTH, 3.5) as (figure, axes):
        colour = colours(comparison.strategies)
        names = finished_strategies(comparison)
        areas = {name: comparison.auc(name) for name in names}
        pool = np.concatenate(list(areas.values()))
        margin = 0.04 * (float(np.ptp(pool)) or 1.0)
        taus = np.linspace(pool.min() - margin, pool.max() + margin, 400)
        for place, name in enumerate(names):
            shares = statistics.performance_profile(areas[name], taus)
            width = max(1.8, 3.4 - 0.5 * place)
            axes.step(taus, shares, color=colour[name], linewidth=width, label=shorten(name))
        name_profile(axes, "mean true return over training", "seeds above it")
        return figure


def name_profile(axes: Axes, x: str, y: str) -> None:
    """Shares in per cent, and the names of the curves in their colours above them."""
    axes.set_ylim(-0.03, 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False, labelcolor="linecolor"
    )


def _series(
    comparison: Comparison,
    strategy: str,
    colour: str,
    curve: str = "true_return",
    *,
    name: str = "",
) -> list[Series]:
    """The mean, then every seed."""
    curves, shown = comparison.curves(strategy, curve), name or strategy
    seeds = [run.seed for run in comparison.of(strategy)]
    each = [Series(shown, colour, values, seed) for seed, values in zip(seeds, curves, strict=True)]
    return [Series(shown, colour, curves.mean(axis=0)), *each]


def _band(
    curves: FloatArray,
    values: tuple[float, float] | None,
    limits: tuple[float | None, float | None],
) -> tuple[FloatArray, FloatArray]:
    """95 % interval of the mean at each point: exact for two values, else Student's."""
    if len(curves) < 2:
        return curves[0], curves[0]
    if values is None:
        bounds = [statistics.student_interval(column).within(*limits) for column in curves.T]
    else:
        bounds = [statistics.recommended_interval(column, values=values) for column in curves.T]
    return np.array([b.low for b in bounds]), np.array([b.high for b in bounds])


def _spread(scores: FloatArray) -> FloatArray:
    """Heights in [0, 1] that keep equal scores apart: the k-th dot of a value sits k steps up."""
    _, group, sizes = np.unique(scores.round(9), return_inverse=True, return_counts=True)
    rank = np.zeros(scores.size)
    for member in range(sizes.size):
        rank[group == member] = np.arange(sizes[member])
    return rank / max(4.0, float(sizes.max() - 1))
