"""The validation as one self-contained HTML page, as JSON and as TensorBoard scalars."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from rewardwrap.evaluate.models.figures import live_figures
from rewardwrap.evaluate.models.live import Live
from rewardwrap.evaluate.models.validation import Validation
from rewardwrap.files import write_whole
from rewardwrap.nets.folder import Model
from rewardwrap.pages.drawing import drawing, inline_svg
from rewardwrap.pages.palette import INK, MUTED, STRATEGIES
from rewardwrap.pages.templates import environment

BLUE, ORANGE = STRATEGIES[1][0], STRATEGIES[2][0]


PAGE = "validation.html"


def write(found: Validation, model: Model, folder: Path) -> Path:
    """Write ``validation.json``, ``validation.html`` and TensorBoard events; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found.to_plain(), indent=2, allow_nan=False)
    write_whole(folder / "validation.json", text)
    write_whole(folder / PAGE, render(found, model))
    _tensorboard(found, folder / "tensorboard")
    return folder / PAGE


def write_live(
    found: Validation, model: Model, folder: Path, live: Live, *, refresh: float | None
) -> None:
    """Write the page again with what a run says by now, and its figures for TensorBoard.

    Args:
        found: The validation.
        model: What was validated.
        folder: Where `write` wrote.
        live: The run.
        refresh: Seconds after which a browser loads the page again; None for the last time.
    """
    from torch.utils.tensorboard import SummaryWriter

    write_whole(folder / PAGE, render(found, model, live=live, refresh=refresh))
    writer: Any = SummaryWriter(str(folder / "tensorboard" / "live"))
    for tag, value in live.scalars().items():
        writer.add_scalar(tag, value, live.step)
    writer.close()


def render(
    found: Validation, model: Model, *, live: Live | None = None, refresh: float | None = None
) -> str:
    """The page as HTML; it needs nothing else, no script, no font, no network."""
    pages = environment(
        Path(__file__).parent, figure=lambda value: "–" if value is None else f"{value:.4g}"
    )
    return pages.get_template("validation.html.jinja").render(
        found=found,
        model=model,
        verdict=verdict(found),
        figures=figures(found, live),
        live=live,
        refresh=refresh,
        now=datetime.now().strftime("%H:%M:%S"),
    )


def verdict(found: Validation) -> tuple[str, str, list[str]]:
    """A word for the colour, one sentence, and what to know beside it."""
    details = []
    accuracy, score = found.pairs.get("pair_accuracy"), found.steps.get("r2")
    if found.objective == "regression" and score is not None:
        good, said = score >= 0.9, f"explains R² = {score:.4f} of the logged reward"
    elif accuracy is not None:
        good, said = accuracy >= 0.85, f"orders {accuracy:.1%} of the clip pairs rightly"
    else:
        return "flat", "There is no truth to judge this model by.", found.notes
    if found.best_of and max(found.best_of["gold"]) > found.best_of["gold"][-1] + 1e-9:
        n = found.best_of["n"][int(np.argmax(found.best_of["gold"]))]
        details.append(f"Choosing by the model stops paying off beyond the best of {n:g}.")
    if found.shift.get("drop", 0.0) > 0.05:
        details.append(f"It is {found.shift['drop']:.1%} less accurate far from its training data.")
    if found.drift.get("alarm"):
        changed = [k for k, p in found.drift["p_values"].items() if p <= found.drift["alpha"]]
        details.append(f"These episodes are not like the training data: {', '.join(changed)}.")
    word = "learns" if good and not details else "partly" if good else "cheats"
    sentence = f"On {found.data['episodes']} {found.data['which']}, the model {said}."
    return word, sentence, details


def figures(found: Validation, live: Live | None = None) -> dict[str, Markup]:
    """Every figure that there is data for, as inline SVG."""
    drawn: dict[str, tuple[Figure, str]] = {}
    if found.scatter:
        drawn["scatter"] = _scatter(found), "What the model pays over the logged reward of a step"
    if found.history:
        drawn["history"] = _history(found), "Loss over epochs"
    if found.best_of:
        drawn["best_of"] = _best_of(found.best_of), "Proxy and true return of the best of n clips"
    if found.reliability:
        drawn["reliability"] = _reliability(found.reliability), "Accuracy over confidence"
    if live is not None:
        drawn |= live_figures(live)
    return {k: inline_svg(f, k, label) for k, (f, label) in drawn.items()}


def _scatter(found: Validation) -> Figure:
    true, paid = np.array(found.scatter).T
    with drawing(5.4, 3.5) as (figure, axes):
        if found.objective == "regression":
            low, high = min(true.min(), paid.min()), max(true.max(), paid.max())
            axes.plot([low, high], [low, high], color=MUTED, linewidth=0.9, linestyle=":")
        axes.scatter(true, paid, s=7, color=BLUE, alpha=0.35, linewidths=0)
        axes.set_xlabel("logged reward of a step")
        axes.set_ylabel("what the model pays")
    return figure


def _history(found: Validation) -> Figure:
    with drawing(5.4, 3.5) as (figure, axes):
        for name, colour, label in (("train", MUTED, "fitted"), ("val", BLUE, "watched")):
            values = [epoch[name] for epoch in found.history if name in epoch]
            if values:
                axes.plot(values, color=colour, linewidth=1.8)
                axes.annotate(
                    label,
                    (len(values) - 1, values[-1]),
                    xytext=(6, 6 if name == "val" else -8 if "val" in found.history[0] else 2),
                    textcoords="offset points",
                    color=colour,
                    fontweight="bold",
                    annotation_clip=False,
                )
        if min(min(epoch.values()) for epoch in found.history) > 0:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss")
    return figure


def _best_of(curve: Mapping[str, list[float]]) -> Figure:
    with drawing(5.4, 3.5) as (figure, axes):
        proxy, gold = np.array(curve["proxy"]), np.array(curve["gold"])
        # two units on one axis: each as a share of what it gains at its best
        for values, colour, label, dash in (
            (proxy, ORANGE, "model", "--"),
            (gold, BLUE, "true", "-"),
        ):
            span = np.ptp(values) or 1.0
            axes.plot(curve["n"], (values - values[0]) / span, dash, color=colour, linewidth=1.8)
            place = (curve["n"][-1], (values[-1] - values[0]) / span)
            axes.annotate(
                label,
                place,
                xytext=(6, 4 if label == "model" else -10),
                textcoords="offset points",
                color=colour,
                fontweight="bold",
                annotation_clip=False,
            )
        axes.set_xscale("log", base=2)
        axes.set_xticks(curve["n"], [f"{n:g}" for n in curve["n"]])
        axes.set_xlabel("best of n clips, chosen by the model")
        axes.set_ylabel("gain over a random clip")
    return figure


def _reliability(diagram: Mapping[str, list[float]]) -> Figure:
    with drawing(5.4, 3.5) as (figure, axes):
        axes.plot([0.5, 1], [0.5, 1], color=MUTED, linewidth=0.9, linestyle=":")
        count = np.array(diagram["count"])
        sizes = 30 + 170 * count / count.max()
        axes.plot(diagram["confidence"], diagram["accuracy"], color=BLUE, linewidth=1.2)
        axes.scatter(diagram["confidence"], diagram["accuracy"], s=sizes, color=BLUE, alpha=0.7)
        axes.set_xlabel("how sure the model is")
        axes.set_ylabel("how often it is right")
        for text in axes.get_xticklabels():
            text.set_color(INK)
    return figure


def _tensorboard(found: Validation, folder: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    writer: Any = SummaryWriter(str(folder))
    for tag, value in found.scalars().items():
        writer.add_scalar(tag, value, 0)
    for epoch, record in enumerate(found.history):
        for name, value in record.items():
            writer.add_scalar(f"reward_model/{name}/loss", value, epoch)
    writer.close()
