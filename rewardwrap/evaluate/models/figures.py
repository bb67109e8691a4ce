"""The curves of a run on the page of its reward model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rewardwrap.core.transitions import FloatArray
from rewardwrap.evaluate.models.live import Curve, Live
from rewardwrap.pages.drawing import drawing, steps_axis
from rewardwrap.pages.palette import MUTED, STRATEGIES

BLUE, ORANGE = STRATEGIES[1][0], STRATEGIES[2][0]
SIZE = (5.4, 3.5)
SMOOTH = 10


def live_figures(live: Live) -> dict[str, tuple[Figure, str]]:
    """Every figure that the run has recorded enough for."""
    drawn: dict[str, tuple[Figure, str]] = {}
    if len(live.paid) > 1:
        drawn["live_returns"] = _returns(live), "True return and pay over steps"
    if len(live.order) > 1:
        drawn["live_order"] = (
            _curves({"order": live.order}, "recent episodes in the true order", live.step),
            "Share of recent episodes in the true order",
        )
    shares = {k: c for k, c in live.shares.items() if len(c) > 1}
    if shares:
        drawn["live_shares"] = (
            _curves(shares, "share of the pay", live.step, named=True),
            "Shares of the terms over steps",
        )
    accuracy = {k: c for k, c in live.scores.items() if len(c) > 1}
    if accuracy:
        drawn["live_scores"] = (
            _curves(accuracy, "on held-out answers", live.step, named=True),
            "Held-out figures of the model in use",
        )
    return drawn


def _returns(live: Live) -> Figure:
    """Two units on one axis: each as a share of its own span."""
    with drawing(*SIZE) as (figure, axes):
        for values, colour, label, dash in (
            (live.true, BLUE, "true", "-"),
            (live.paid, ORANGE, "paid", "--"),
        ):
            smooth = _smooth(values)
            share = (smooth - smooth.min()) / (np.ptp(smooth) or 1.0)
            axes.plot(live.steps, share, dash, color=colour, linewidth=1.8)
            _label(axes, live.steps[-1], share[-1], label, colour, 5 if label == "paid" else -8)
        steps_axis(axes, live.step)
        axes.set_ylabel(f"mean of {SMOOTH} episodes, share of its span")
    return figure


def _curves(curves: Mapping[str, Curve], label: str, last: int, *, named: bool = False) -> Figure:
    with drawing(*SIZE) as (figure, axes):
        for number, (name, curve) in enumerate(curves.items(), start=1):
            steps, values = np.array(curve).T
            colour = STRATEGIES[number % len(STRATEGIES)][0]
            axes.plot(steps, values, color=colour, linewidth=1.8)
            if named:
                _label(axes, steps[-1], values[-1], name, colour, 2)
        if not named:
            axes.axhline(0.5, color=MUTED, linewidth=0.9, linestyle=":")
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        steps_axis(axes, last)
        axes.set_ylabel(label)
    return figure


def _label(axes: Axes, x: float, y: float, text: str, colour: str, up: int) -> None:
    axes.annotate(
        text,
        (x, y),
        xytext=(6, up),
        textcoords="offset points",
        color=colour,
        fontweight="bold",
        annotation_clip=False,
    )


def _smooth(values: FloatArray) -> FloatArray:
    """The mean of the last `SMOOTH` values at each place."""
    sums = np.cumsum(np.concatenate([[0.0], values]))
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(ends - SMOOTH, 0)
    smooth: FloatArray = (sums[ends] - sums[begins]) / (ends - begins)
    return smooth
