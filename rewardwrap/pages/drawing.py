"""How every figure of a comparison is drawn and saved: style, axes, labels at the curves, SVG."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import matplotlib
import numpy as np
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from rewardwrap.pages.palette import GRID, INK, MUTED, PAPER, variables

STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10.5,
    "figure.facecolor": PAPER,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "lines.solid_capstyle": "round",
    "savefig.facecolor": PAPER,
    "svg.hashsalt": "rewardwrap",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": MUTED,
    "ytick.color": MUTED,
    "ytick.labelcolor": MUTED,
}


WIDTH = 5.4
"""Inches, of every figure: text of one size stays of one size on a page that gives them one width."""


@dataclass(frozen=True)
class Series:
    """One curve that a page reads out under the cursor.

    Args:
        name: Whose.
        colour: Of ``palette``.
        values: At the steps that all curves share.
        seed: None for a mean.
    """

    name: str
    colour: str
    values: NDArray[np.float64]
    seed: int | None = None


_settled: WeakSet[Figure] = WeakSet()
"""Figures whose layout is solved."""
_read_out: WeakKeyDictionary[Figure, tuple[NDArray[np.int64], tuple[Series, ...]]] = (
    WeakKeyDictionary()
)


def read_out(axes: Axes, steps: NDArray[np.int64], series: Sequence[Series]) -> None:
    """Let the page of a figure tell these curves under the cursor."""
    assert isinstance(axes.figure, Figure)
    _read_out[axes.figure] = (steps, tuple(series))


@contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure with one pair of axes in the house style; sizes in inches."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.add_subplot()


def steps_axis(axes: Axes, last: int) -> None:
    """Label the x axis in environment steps, thousands and millions shortened."""
    axes.set_xlim(0, last or 1)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: shorten_steps(step)))
    axes.set_xlabel("environment steps")


def shorten_steps(step: float) -> str:
    """``40k``, ``2.5M``, ``500``."""
    for size, suffix in ((1e6, "M"), (1e3, "k")):
        if abs(step) >= size:
            return f"{step / size:.3g}{suffix}"
    return f"{step:.3g}"


def shorten(name: str, longest: int = 20) -> str:
    """A name that fits beside a curve."""
    return name if len(name) <= longest else name[: longest - 1] + "…"


def limit_to(axes: Axes, values: NDArray[np.float64], *, axis: str = "y") -> None:
    """Fit an axis to the runs, so that a wide interval of three seeds does not flatten them."""
    low, high = float(values.min()), float(values.max())
    margin = 0.07 * (high - low) or 0.5
    limits = (low - margin, high + margin)
    if axis == "y":
        axes.set_ylim(*limits)
    else:
        axes.set_xlim(*limits)


def label_ends(
    axes: Axes, ends: Mapping[str, float], colours: Mapping[str, str], texts: Mapping[str, str]
) -> None:
    """Name each curve at its right end, in its colour, moved apart where ends are close.

    Args:
        axes: With final limits.
        ends: Curve -> its last height.
        colours: Curve -> colour.
        texts: Curve -> what to write.
    """
    low, high = axes.get_ylim()
    height = axes.figure.bbox.height * 72 / axes.figure.dpi * 0.8
    gap = 13 * (high - low) / height
    names = sorted(ends, key=ends.__getitem__)
    for name, place in zip(names, spread_apart([ends[n] for n in names], gap, high), strict=True):
        axes.annotate(
            shorten(texts[name]),
            xy=(1, place),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            color=colours[name],
            fontweight="bold",
            va="center",
            annotation_clip=False,
        )


def spread_apart(heights: list[float], gap: float, ceiling: float) -> list[float]:
    """Move ascending heights until neighbours are a gap apart and all are below a ceiling."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + gap) if placed else height)
    for i in range(len(placed) - 1, -1, -1):
        limit = ceiling if i == len(placed) - 1 else placed[i + 1] - gap
        placed[i] = min(placed[i], limit)
    return placed


def _settle(figure: Figure) -> None:
    """Lay it out once, not twice for each file: most of what a figure costs."""
    if figure not in _settled:
        engine = figure.get_layout_engine()
        if engine is not None:
            engine.execute(figure)
        figure.set_layout_engine("none")
        _settled.add(figure)


def _print(figure: Figure, suffix: str, content: Any, metadata: Mapping[str, None]) -> None:
    """What `Figure.savefig` does, which draws everything once more before."""
    canvas: Any = FigureCanvasSVG(figure) if suffix == "svg" else FigureCanvasAgg(figure)
    write = canvas.print_svg if suffix == "svg" else canvas.print_png
    write(content, metadata=metadata)


def save(figure: Figure, *, suffix: str) -> bytes:
    """A figure as the bytes of a ``"png"`` or ``"svg"`` file that needs no font."""
    content = io.BytesIO()
    metadata = {"Date": None} if suffix == "svg" else {"Software": None}
    with matplotlib.rc_context({**STYLE, "svg.fonttype": "path"}):
        _settle(figure)
        before = figure.dpi
        figure.dpi = 160
        _print(figure, suffix, content, metadata)
        figure.dpi = before
    return content.getvalue()


def inline_svg(figure: Figure, name: str, label: str) -> Markup:
    """A figure as an ``<svg>`` element in the colours and the font of the page around it.

    Args:
        figure: Drawn in the colours of ``palette``.
        name: Prefix of every id in it, unique on the page; letters, digits and ``_``.
        label: What a screen reader says.
    """
    content = io.StringIO()
    with matplotlib.rc_context({**STYLE, "svg.fonttype": "none"}):
        _settle(figure)
        patches = [figure.patch, *(axes.patch for axes in figure.axes)]
        colours = [(patch.get_facecolor(), patch.get_edgecolor()) for patch in patches]
        for patch in patches:
            patch.set(facecolor="none", edgecolor="none")
        _print(figure, "svg", content, {"Date": None})
        for patch, (face, edge) in zip(patches, colours, strict=True):
            patch.set(facecolor=face, edgecolor=edge)
    svg = content.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<(metadata|style).*?</\1>", "", svg, flags=re.DOTALL)  # would style the page
    svg = re.sub(r" ?\n", " ", svg)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(url\(|href=")#', rf"\1#{name}-", svg)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", svg)
    for colour, variable in variables().items():
        svg = svg.replace(colour, f"var({variable})")
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1).strip()
    return Markup(svg)  # matplotlib escapes the text in it


def told(figure: Figure) -> Markup:
    """What `read_out` was given, and where it stands in the drawing, for the page's script.

    Call it after `inline_svg`, which puts the axes in their place.
    """
    if figure not in _read_out:
        return Markup("")
    steps, series = _read_out[figure]
    axes = figure.axes[0]
    place, (width, height) = axes.get_position(), 72 * figure.get_size_inches()
    data = {
        "box": [
            place.x0 * width,
            (1 - place.y1) * height,
            place.x1 * width,
            (1 - place.y0) * height,
        ],
        "x": axes.get_xlim(),
        "y": axes.get_ylim(),
        "steps": steps.tolist(),
        "series": [
            {
                "name": each.name,
                "colour": f"var({variables()[each.colour]})",
                "seed": each.seed,
                "y": [float(f"{value:.5g}") for value in each.values],
            }
            for each in series
        ],
    }
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return Markup(f'<script type="application/json" class="read-out">{text}</script>')
