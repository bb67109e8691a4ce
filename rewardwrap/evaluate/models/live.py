"""What a run says of the reward model that pays it, read from the files it writes anyway.

Nothing is asked of the run: ``monitor.csv`` has a row for each episode, TensorBoard events hold the
shares of the terms, the version of the model and, in a preference loop, its held-out accuracy.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.nets.folder import Model

RECENT = 50
"""Episodes that a figure of now is of."""
LEAST = 8
SHARE, SHARE_END = "reward/", "/abs_share"
VERSION = "reward/model_version/text_summary"
SCORES = ("preferences/heldout_accuracy", "preferences/agreement", "preferences/heldout_ece")

Curve = list[tuple[int, float]]


@dataclass
class Live:
    """A run so far; what it does not record is empty.

    Args:
        run: Its folder.
        step: Of the last episode.
        version: Of the model that pays there, as the run reports it.
        steps: ``(n,)`` learner's step at the end of each episode.
        true: ``(n,)`` true returns.
        paid: ``(n,)`` what the model paid over each episode.
        term: Which column that is.
        order: Over steps, the share of pairs of recent episodes that the model orders as the truth.
        outside: Share of recent episodes whose mean pay no training episode had; None if unknown.
        shares: Term -> its share of all terms' absolute values, over steps.
        scores: TensorBoard tag -> held-out figures of a preference loop, over steps.
        notes: What could not be read.
    """

    run: str
    step: int = 0
    version: str = ""
    steps: FloatArray = field(default_factory=lambda: np.empty(0))
    true: FloatArray = field(default_factory=lambda: np.empty(0))
    paid: FloatArray = field(default_factory=lambda: np.empty(0))
    term: str = ""
    order: Curve = field(default_factory=list)
    outside: float | None = None
    shares: dict[str, Curve] = field(default_factory=dict)
    scores: dict[str, Curve] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def scalars(self) -> dict[str, float]:
        """The newest of every figure by its TensorBoard tag."""
        found = {"order": self.order[-1][1]} if self.order else {}
        if self.outside is not None:
            found["outside"] = self.outside
        found |= {tag: curve[-1][1] for tag, curve in self.scores.items()}
        found |= {f"share/{name}": curve[-1][1] for name, curve in self.shares.items()}
        return {f"reward_model/live/{name}": float(value) for name, value in found.items()}


def read_run(run: Path, model: Model, *, term: str | None = None) -> Live:
    """Everything that a run has recorded so far; a run that has not begun is no error.

    Args:
        run: Folder of a training, or any folder with ``monitor.csv`` or TensorBoard events in it.
        model: Whose training data "outside" is measured by.
        term: Name of the term that the model pays; by default ``learned``, or the only one.

    Raises:
        ConfigError: No such folder, or no such term.
    """
    if not run.is_dir():
        raise ConfigError(
            f"--follow must name the folder of a run, got {run}. Give logs/<algo>/<env>_<n>."
        )
    live = Live(str(run))
    _episodes(live, model, term)
    _events(live)
    if live.version and model.version not in live.version.split():
        live.notes.append(
            f"The run is paid by model {live.version}, and this page judges {model.version}."
        )
    if not len(live.steps):
        live.notes.append("The run has not finished an episode yet.")
    return live


def _episodes(live: Live, model: Model, term: str | None) -> None:
    file = next(iter(sorted(Path(live.run).rglob("monitor.csv"))), None)
    rows = _rows(file) if file is not None else []
    if not rows:
        return
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    live.true = columns["r"]
    live.steps = columns.get("step", np.cumsum(columns["l"]))
    live.step = int(live.steps[-1])
    live.term = _term_of(columns, term)
    if not live.term:
        live.notes.append("The run records no terms, so what the model paid is not known.")
        return
    live.paid = columns[live.term]
    live.order = _order(live.steps, live.paid, live.true)
    reference = model.metrics.get("reference")
    if reference is not None and live.term != "shaped":
        known = np.array(reference["rows"])[:, 0]
        now = (live.paid / columns["l"])[-RECENT:]
        live.outside = float(((now < known.min()) | (now > known.max())).mean())


def _rows(file: Path) -> list[dict[str, float]]:
    """Whole rows; the last line may still be being written."""
    lines = file.read_text(encoding="utf-8").splitlines()
    if len(lines) < 2:
        return []
    found = []
    for row in csv.DictReader(lines[1:]):
        try:
            found.append({name: float(value) for name, value in row.items()})
        except (TypeError, ValueError):
            continue
    return found


def _term_of(columns: dict[str, Any], term: str | None) -> str:
    """The column that holds what the model paid; empty where the run records no terms."""
    terms = [name for name in columns if name.startswith("term_")]
    if term is not None:
        if f"term_{term}" not in columns:
            listed = ", ".join(name.removeprefix("term_") for name in terms) or "none"
            raise ConfigError(f'--term must be a term of the run, got "{term}". It has: {listed}.')
        return f"term_{term}"
    if "term_learned" in columns:
        return "term_learned"
    return terms[0] if len(terms) == 1 else "shaped" if "shaped" in columns else ""


def _order(steps: FloatArray, paid: FloatArray, true: FloatArray, points: int = 60) -> Curve:
    """At up to ``points`` places, how the last `RECENT` episodes are ordered."""
    ends = np.unique(np.linspace(min(LEAST, len(steps)), len(steps), points).astype(int))
    found = []
    for end in ends:
        recent = slice(max(0, end - RECENT), end)
        share = ordered_alike(paid[recent], true[recent])
        if end >= LEAST and share is not None:
            found.append((int(steps[end - 1]), share))
    return found


def ordered_alike(paid: Sequence[float] | FloatArray, true: Sequence[float] | FloatArray) -> Any:
    """Share of pairs with different true returns that the pay orders as the truth; ties count half."""
    one, other = np.triu_indices(len(paid), 1)
    said = np.sign(np.asarray(paid)[one] - np.asarray(paid)[other])
    real = np.sign(np.asarray(true)[one] - np.asarray(true)[other])
    there = real != 0
    if not there.any():
        return None
    return float((0.5 + 0.5 * said[there] * real[there]).mean())


def _events(live: Live) -> None:
    """Scalars and the version out of TensorBoard's files, the newest folder's."""
    files = sorted(Path(live.run).rglob("events.out.tfevents*"), key=lambda f: f.stat().st_mtime)
    if not files:
        return
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read: Any = EventAccumulator(str(files[-1]), size_guidance={"scalars": 500, "tensors": 5})
    read.Reload()
    for tag in read.Tags()["scalars"]:
        curve = [(int(e.step), float(e.value)) for e in read.Scalars(tag)]
        if tag.startswith(SHARE) and tag.endswith(SHARE_END):
            live.shares[tag.removeprefix(SHARE).removesuffix(SHARE_END)] = curve
        elif tag in SCORES:
            live.scores[tag.removeprefix("preferences/")] = curve
        live.step = max(live.step, curve[-1][0]) if curve else live.step
    if VERSION in read.Tags()["tensors"]:
        live.version = read.Tensors(VERSION)[-1].tensor_proto.string_val[0].decode()
