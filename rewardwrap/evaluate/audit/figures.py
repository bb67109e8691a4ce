"""Figures of an audit, each a pure function of its record; nothing here touches pyplot."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator, PercentFormatter
from numpy.typing import NDArray

from rewardwrap.core.reward import SHAPED, TRUE
from rewardwrap.evaluate.audit.finding import Clip
from rewardwrap.evaluate.audit.record import Record
from rewardwrap.evaluate.audit.surface import Surface
from rewardwrap.pages.drawing import drawing, label_ends, limit_to, shorten, steps_axis
from rewardwrap.pages.palette import INK, MUTED, STRATEGIES

FloatArray = NDArray[np.float64]

TERMS = [light for light, _ in STRATEGIES[1:]]
BAD = STRATEGIES[2][0]
DIVERGING = LinearSegmentedColormap.from_list(
    "pay", ["#b8480a", "#e8935a", "#f6e0cf", "#f4f6f8", "#cfe3f2", "#5ba3d4", "#00568a"]
)
"""Vermillion below zero, paper at zero, blue above; readable for the colour-blind."""


def colours(names: tuple[str, ...]) -> dict[str, str]:
    """A colour for each term: slate for the true reward, ink for the total."""
    found = {TRUE: STRATEGIES[0][0], SHAPED: INK}
    own = [name for name in names if name not in found]
    return {**found, **{name: TERMS[i % len(TERMS)] for i, name in enumerate(own)}}


def rolling(record: Record, values: FloatArray) -> FloatArray:
    """Median of the last episodes at each episode; never across two kinds of behaviour."""
    width, player = max(5, min(50, record.episodes // 12)), record.columns["player"]
    found = np.empty(len(values))
    for i in range(len(values)):
        rows = slice(max(0, i + 1 - width), i + 1)
        found[i] = np.median(values[rows][player[rows] == player[i]])
    found[1:][player[1:] != player[:-1]] = np.nan
    return found


def returns(record: Record, span: tuple[int, int] | None = None) -> Figure:
    """True and shaped return of every episode, and their rolling medians.

    Args:
        record: Of a training, or of played episodes.
        span: First and last episode of a stretch to shade.
    """
    with drawing(5.4, 3.1) as (figure, axes):
        x = _steps(record)
        if span is not None:
            axes.axvspan(x[span[0]], x[span[1]], color=BAD, alpha=0.1, lw=0)
        same = np.array_equal(record.true, record.shaped)
        lines = [(TRUE, record.true, TERMS[0]), (SHAPED, record.shaped, TERMS[1])]
        ends, texts = {}, {TRUE: "true = shaped" if same else "true", SHAPED: "shaped"}
        flagged = sorted(record.findings.flagged)
        for name, values, shade in lines[: 1 if same else 2]:
            keep = _thin(len(values))
            axes.scatter(x[keep], values[keep], s=5, color=shade, alpha=0.28, linewidth=0)
            line = rolling(record, values)
            axes.plot(x, line, color=shade, linewidth=2.2)
            ends[name] = float(line[-1])
        pooled = np.concatenate([record.true, record.shaped])
        limit_to(axes, pooled[np.isfinite(pooled)])
        _rug(axes, x, flagged)
        _x_axis(axes, record, x)
        axes.set_ylabel("return of an episode")
        label_ends(axes, ends, {TRUE: TERMS[0], SHAPED: TERMS[1]}, texts)
        return figure


def term_timeline(record: Record, name: str) -> Figure:
    """Sum of one term over each episode, with its rolling median and the middle half."""
    with drawing(3.5, 2.0) as (figure, axes):
        shade = colours(record.names)[name]
        values, x = record.sums[:, record.names.index(name)], _steps(record)
        keep = _thin(len(values))
        axes.scatter(x[keep], values[keep], s=4, color=shade, alpha=0.3, linewidth=0)
        axes.plot(x, rolling(record, values), color=shade, linewidth=2)
        limit_to(axes, values[np.isfinite(values)])
        _x_axis(axes, record, x)
        axes.set_ylabel("sum over an episode")
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.set_title(shorten(name), color=shade, loc="left", fontweight="bold")
        return figure


def term_shares(record: Record) -> Figure:
    """Share of each addend in what is paid, |term| by |term|, over the training."""
    with drawing(5.4, 3.1) as (figure, axes):
        names, tint = list(record.terms), colours(record.names)
        sizes = record.sizes[:, [record.names.index(n) for n in names]]
        if not np.isfinite(sizes).all():
            sizes = np.abs(record.sums[:, [record.names.index(n) for n in names]])
        bins = np.array_split(np.arange(len(sizes)), min(60, len(sizes)))
        total = np.array([sizes[rows].sum(axis=0) for rows in bins])
        share = total / np.maximum(total.sum(axis=1, keepdims=True), 1e-300)
        x = np.array([_steps(record)[rows].mean() for rows in bins])
        below = np.zeros(len(bins))
        for i, name in enumerate(names):
            area = axes.fill_between(
                x, below, below + share[:, i], color=tint[name], alpha=0.75, lw=0
            )
            area.set_label(shorten(name))
            below = below + share[:, i]
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylabel("share of |term|")
        _x_axis(axes, record, x)
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.01, 1), ncols=4, frameon=False, borderpad=0.2,
            handlelength=1, columnspacing=1.2, fontsize=9,
        )  # fmt: skip
        return figure


def term_histogram(record: Record, name: str) -> Figure:
    """How often a step paid how much: early and late in a training, or by behaviour."""
    with drawing(3.5, 2.0) as (figure, axes):
        shade = colours(record.names)[name]
        values = record.steps[:, record.names.index(name)]
        values_ok = np.isfinite(values)
        edges = _bins(values[values_ok])
        groups = _groups(record)
        for i, (title, rows) in enumerate(groups):
            chosen = values[rows & values_ok]
            if not chosen.size:
                continue
            weights = np.full(chosen.size, 1 / chosen.size)
            colour = MUTED if i == 0 and len(groups) > 1 else shade
            heights = np.histogram(chosen, edges, weights=weights)[0]
            axes.stairs(heights, edges, fill=True, color=colour, alpha=0.35)
            axes.stairs(heights, edges, color=colour, linewidth=1.4, label=title)
        axes.set_yscale("log")
        axes.set_ylim(5e-4, 2)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_ylabel("share of steps")
        axes.set_xlabel("paid in one step")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_title(shorten(name), color=shade, loc="left", fontweight="bold")
        if len(groups) > 1:
            axes.legend(frameon=False, fontsize=8, handlelength=1, borderpad=0.1)
        return figure


def clip_terms(record: Record, clip: Clip, *, marked: bool) -> Figure:
    """What every term paid, step by step; the stretch that is meant is shaded."""
    names = [n for n in record.names if n != SHAPED or len(record.names) > 2]
    own = clip.terms[:, [record.names.index(n) for n in names]]
    with drawing(5.4, 2.5) as (figure, axes):
        tint = colours(record.names)
        x = np.arange(len(clip.terms)) + clip.offset
        if marked:
            axes.axvspan(clip.span[0] - 0.5, clip.span[1] + 0.5, color=BAD, alpha=0.1, lw=0)
        axes.axhline(0, color=MUTED, linewidth=0.7)
        ends = {}
        for name, values in zip(names, own.T, strict=True):
            if name not in (TRUE, SHAPED) and not np.any(values):
                continue
            dash: Any = (0, (4, 2)) if name == SHAPED else "solid"
            axes.step(x, values, where="mid", color=tint[name], linewidth=1.6, linestyle=dash)
            ends[name] = float(values[-1])
        finite = own[np.isfinite(own)]
        if finite.size:
            limit_to(axes, finite)
        axes.set_xlim(x[0] - 0.5, x[-1] + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel(f"step of episode {clip.episode}")
        axes.set_ylabel("paid")
        if all(np.isfinite(list(ends.values()))):
            label_ends(axes, ends, tint, {n: "true" if n == TRUE else n for n in ends})
        return figure


def clip_path(clip: Clip, axes_pair: tuple[Any, Any], *, marked: bool) -> Figure:
    """Where the agent went, over two fields; the stretch that is meant is thick."""
    across, up = axes_pair
    with drawing(2.9, 2.5) as (figure, axes):
        x, y = across.read(clip.states), up.read(clip.states)
        axes.plot(x, y, color=MUTED, linewidth=1.0, alpha=0.7)
        first, last = clip.span[0] - clip.offset, clip.span[1] - clip.offset + 1
        shade, width = (BAD, 2.2) if marked else (TERMS[0], 1.4)
        axes.plot(x[first:last], y[first:last], color=shade, linewidth=width, alpha=0.85)
        axes.scatter(x[first:last], y[first:last], s=9, color=shade, linewidth=0)
        axes.scatter(x[:1], y[:1], s=34, color=INK, zorder=3)
        _fit(axes, across, x, axis="x")
        _fit(axes, up, y, axis="y")
        axes.set_xlabel(across.name)
        axes.set_ylabel(up.name)
        if across.base:
            axes.invert_yaxis()
        return figure


def surface_figure(surface: Surface, label: str, path: FloatArray | None = None) -> Figure:
    """One term over two fields; blue pays, vermillion costs, empty was never visited."""
    with drawing(3.5, 2.75) as (figure, axes):
        values = surface.values
        finite = values[np.isfinite(values)]
        size = float(np.abs(finite).max()) if finite.size and np.any(finite) else 1.0
        norm = TwoSlopeNorm(0.0, -size, size)
        mesh = axes.pcolormesh(
            surface.x.edges, surface.y.edges, values, cmap=DIVERGING, norm=norm, rasterized=True
        )
        smooth = surface.kind != "visited" and not surface.x.base
        if smooth and np.ptp(finite) > 0:
            axes.contour(
                surface.x.centres, surface.y.centres, values, levels=7, colors=MUTED,
                linewidths=0.6, alpha=0.7, linestyles="solid",
            )  # fmt: skip
        if path is not None:
            axes.plot(path[:, 0], path[:, 1], color=INK, linewidth=1.0, alpha=0.65)
        bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=28)
        bar.outline.set_visible(False)
        bar.ax.yaxis.set_major_locator(MaxNLocator(5))
        bar.ax.tick_params(length=0, labelsize=8)
        axes.grid(visible=False)
        axes.set_xlabel(surface.x.name)
        axes.set_ylabel(surface.y.name)
        if surface.x.base:
            axes.invert_yaxis()
        axes.set_title(label, loc="left", fontweight="bold", fontsize=10)
        figure.set_dpi(120)
        return figure


def _x_axis(axes: Any, record: Record, x: FloatArray) -> None:
    steps_axis(axes, int(x[-1]))
    if "players" in record.facts:
        axes.set_xlabel("episode")
        for change in np.flatnonzero(np.diff(record.columns["player"])):
            axes.axvline(change + 0.5, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))


def _rug(axes: Any, x: FloatArray, flagged: list[int]) -> None:
    """A tick at the lower border for each episode that stands in a finding."""
    if flagged:
        at = x[np.array(flagged)[_thin(len(flagged), 400)]]
        axes.plot(
            at, np.full(len(at), 0.012), "|", color=BAD, markersize=7, alpha=0.8,
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip


def _fit(axes: Any, field: Any, values: FloatArray, *, axis: str) -> None:
    if field.base:
        limits = (field.edges[0], field.edges[-1])
        (axes.set_xlim if axis == "x" else axes.set_ylim)(*limits)
    else:
        limit_to(axes, values, axis=axis)


def _groups(record: Record) -> list[tuple[str, NDArray[np.bool_]]]:
    players = record.facts.get("players")
    episode = record.places[:, 1]
    if players:
        # episodes are numbered over all behaviours
        who = record.columns["player"].astype(int)[np.clip(episode, 0, record.episodes - 1)]
        return [(name, who == i) for i, name in enumerate(players)]
    if record.episodes < 20:
        return [("all steps", np.ones(len(episode), bool))]
    cut = record.episodes // 4
    return [("first quarter", episode < cut), ("last quarter", episode >= record.episodes - cut)]


def _bins(values: FloatArray) -> FloatArray:
    if not values.size or np.ptp(values) == 0:
        middle = float(values[0]) if values.size else 0.0
        half = 0.5 * max(abs(middle), 1.0)
        return np.linspace(middle - half, middle + half, 22)
    return np.linspace(float(values.min()), float(values.max()), 42)


def _steps(record: Record) -> FloatArray:
    """Where each episode stands: at the learner's steps, or by its number where nobody learned."""
    if "players" in record.facts:
        return np.arange(record.episodes, dtype=float)
    found: FloatArray = record.columns["step"].astype(float)
    return found


def _thin(count: int, most: int = 1500) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))
