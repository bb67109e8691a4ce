"""Whether a model was judged, and passed: ``gate.json`` beside it, bound to its SHA-256."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rewardwrap.core.errors import ConfigError
from rewardwrap.files import write_whole
from rewardwrap.limits import parsed
from rewardwrap.rewards.sealed import METRICS, seal

GATE = "gate.json"
LOWER = ("mae", "return_mae", "brier", "ece", "log_loss")
"""Figures that are better where they are smaller."""
LEAST = 20
"""Unseen episodes below which figures of whole episodes may be luck: nobody passes by them."""


@dataclass(frozen=True)
class Gate:
    """A judgement.

    Args:
        passed: Whether every figure keeps its bound.
        reasons: What failed: figure, value and bound in one sentence each.
        figures: What was measured.
        bounds: What was asked; upper ones for `LOWER`.
        data: Fingerprint of the episodes it was judged by.
        episodes: How many.
        null: The same figures of what knows nothing: a constant, or a coin.
    """

    passed: bool
    reasons: list[str]
    figures: dict[str, float | None]
    bounds: dict[str, float]
    data: str
    episodes: int
    null: dict[str, float | None] = field(default_factory=dict)


def judged(
    figures: Mapping[str, float | None],
    bounds: Mapping[str, float],
    *,
    data: str,
    episodes: int,
    null: Mapping[str, float | None] | None = None,
) -> Gate:
    """Set figures against bounds, and against those of what knows nothing: a pure function of them.

    Fewer than `LEAST` episodes judge nothing, however good the figures are.

    Raises:
        ConfigError: A bound on a figure that there is not.
    """
    reasons = []
    for name, bound in bounds.items():
        if name not in figures:
            raise ConfigError(
                f"a bound must be on one of {', '.join(figures)}, got {name!r}. Name one of those."
            )
        value = figures[name]
        fails = value is None or (value > bound if name in LOWER else value < bound)
        if fails:
            least = "at most" if name in LOWER else "at least"
            shown = "none" if value is None else f"{value:.4g}"
            reasons.append(f"{name} must be {least} {bound:g}, got {shown}.")
    nothing = {name: value for name, value in (null or {}).items() if name in figures}
    for name, known in nothing.items():
        own = figures[name]
        if own is None or known is None:
            continue  # a figure that does not exist beats nothing, and a bound on it has failed above
        if not (own < known if name in LOWER else own > known):
            reasons.append(
                f"{name} must beat the {known:.4g} of what knows nothing, got {own:.4g}."
            )
    kept = {name: value for name, value in figures.items() if name in bounds or name in nothing}
    if episodes < LEAST:
        reasons.insert(0, too_few(episodes))
    return Gate(not reasons, reasons, kept, dict(bounds), data, episodes, nothing)


def too_few(episodes: int) -> str:
    """Why so few episodes judge no model."""
    return f"A model cannot be judged by {episodes} episodes, too few to judge: {LEAST} or more are needed."


def write_gate(folder: Path, gate: Gate, sha256: str) -> None:
    """Keep a judgement beside the model it is of; the model stays as it is."""
    document = {**asdict(gate), "model": sha256}
    document["sha256"] = seal(document)
    write_whole(folder / GATE, json.dumps(document, indent=2, allow_nan=False))


def gate_of(folder: str | os.PathLike[str], sha256: str) -> Gate | None:
    """The last judgement of this very model; None where it was never judged.

    Raises:
        ConfigError: A judgement that was changed by hand.
    """
    source = Path(folder)
    if (source / GATE).is_file():
        document = parsed((source / GATE).read_bytes())
        if not isinstance(document, dict) or document.get("sha256") != seal(document):
            raise ConfigError(
                f"{source / GATE} must carry its own SHA-256, got another. It was changed; judge the "
                "model again with rewardwrap validate MODEL DIR --gate."
            )
        if document["model"] == sha256:
            return Gate(**{k: document[k] for k in Gate.__dataclass_fields__ if k in document})
    # metrics.json is sealed with the model: what `fit --require` found stands there
    found = json.loads((source / METRICS).read_text(encoding="utf-8")).get("gate") \
        if (source / METRICS).is_file() else None  # fmt: skip
    return None if found is None else Gate(**found)


def require_passed(folder: str | os.PathLike[str], sha256: str, subject: str) -> None:
    """Refuse a model that failed, or was never judged.

    Raises:
        ConfigError: Names figure, bound and value.
    """
    gate = gate_of(folder, sha256)
    if gate is None:
        raise ConfigError(
            f"{subject} must have passed a gate, got model {sha256[:12]} that was never judged. "
            "Judge it: rewardwrap validate MODEL DIR --gate."
        )
    if not gate.passed:
        raise ConfigError(
            f"{subject} must have passed its gate, got model {sha256[:12]}: {' '.join(gate.reasons)} "
            "Fit a better one, or judge it by other episodes."
        )
