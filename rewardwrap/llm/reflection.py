"""What a training showed, in the words that go back to the model.

Source: Eureka, "Human-Level Reward Design via Coding Large Language Models", 2023, arXiv 2310.12931:
every term and the task score at ten checkpoints, with their extremes. The failures are named after
"When LLM Reward Design Fails", 2026, arXiv 2605.28918: numbers alone lead a model astray there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
POINTS = 10


@dataclass(frozen=True)
class Curves:
    """Mean curves of a candidate's trainings over seeds.

    Args:
        steps: Evaluation points, ``(P,)``.
        true: True return per episode, ``(P,)``.
        shaped: Return under the candidate, ``(P,)``.
        length: Steps per episode, ``(P,)``.
        terms: Sum of each term per episode, ``(P,)``.
    """

    steps: FloatArray
    true: FloatArray
    shaped: FloatArray
    length: FloatArray
    terms: Mapping[str, FloatArray]


@dataclass(frozen=True)
class Yardstick:
    """True returns that tell good from bad.

    Args:
        random: Of random actions, where known.
        reference: Of a good agent, where known.
        limit: Steps after which an episode is cut, or None.
    """

    random: float | None
    reference: float | None
    limit: int | None


def mean_curves(runs: Sequence[Curves]) -> Curves:
    """The mean over seeds."""
    return Curves(
        runs[0].steps,
        np.mean([run.true for run in runs], axis=0),
        np.mean([run.shaped for run in runs], axis=0),
        np.mean([run.length for run in runs], axis=0),
        {name: np.mean([run.terms[name] for run in runs], axis=0) for name in runs[0].terms},
    )


def report(curves: Curves, yardstick: Yardstick) -> str:
    """Terms and score at ten checkpoints, then what went wrong, if something did."""
    lines = [
        "Its training, at evenly spaced checkpoints (sums per episode):",
        _line("true score", curves.true),
        *(_line(name, column) for name, column in curves.terms.items()),
        _line("episode length", curves.length),
    ]
    found = diagnose(curves, yardstick)
    if found:
        lines += ["", "What this shows:", *(f"- {sentence}" for sentence in found)]
    return "\n".join(lines)


def diagnose(curves: Curves, yardstick: Yardstick) -> list[str]:
    """Failures by name, each with its evidence; empty where none shows."""
    return [
        sentence
        for sentence in (
            _no_progress(curves, yardstick),
            _misaligned(curves),
            _prolonged(curves, yardstick),
            _cut_short(curves),
            *_constant(curves),
            _dominated(curves),
        )
        if sentence
    ]


def _line(name: str, column: FloatArray) -> str:
    at = np.unique(np.linspace(0, len(column) - 1, min(POINTS, len(column))).round().astype(int))
    shown = ", ".join(f"{column[i]:.2f}" for i in at)
    return (
        f"  {name}: [{shown}], max {column.max():.2f}, mean {column.mean():.2f}, "
        f"min {column.min():.2f}"
    )


def _no_progress(curves: Curves, yardstick: Yardstick) -> str:
    low, high = yardstick.random, yardstick.reference
    if low is None or high is None or high <= low:
        return ""
    score = (curves.true.mean() - low) / (high - low)
    if score > 0.1:
        return ""
    return (
        f"no progress: the true score stays at the level of random actions ({low:g}); "
        "the reward does not lead to the task. Rewrite it rather than rescale it."
    )


def _misaligned(curves: Curves) -> str:
    half = len(curves.true) // 2
    if half < 2:
        return ""
    true_gain = curves.true[half:].mean() - curves.true[:half].mean()
    shaped_gain = curves.shaped[half:].mean() - curves.shaped[:half].mean()
    if shaped_gain <= 0.05 * np.ptp(curves.shaped) or true_gain > -0.05 * np.ptp(curves.true):
        return ""
    return (
        f"exploit: the agent collects more of this reward (+{shaped_gain:.2f}) while the true score "
        f"falls ({true_gain:.2f}). Something else than the task is paid for."
    )


def _prolonged(curves: Curves, yardstick: Yardstick) -> str:
    limit = yardstick.limit
    if limit is None or curves.length[-1] < 0.98 * limit or curves.shaped[-1] <= 0:
        return ""
    low, high = yardstick.random, yardstick.reference
    if low is None or high is None or (curves.true[-1] - low) > 0.3 * (high - low):
        return ""
    return (
        f"termination exploit: episodes run to their limit of {limit} steps with a positive reward at "
        "every step, and the task is not done. Ending well must pay more than going on."
    )


def _cut_short(curves: Curves) -> str:
    if curves.length[-1] > 0.5 * curves.length[0] or curves.shaped[0] >= 0:
        return ""
    if curves.true[-1] >= curves.true[0]:
        return ""
    return (
        f"termination exploit: episodes shrink from {curves.length[0]:.0f} to "
        f"{curves.length[-1]:.0f} steps while the true score falls; the reward is negative, so the "
        "agent ends them. Make staying alive worth it."
    )


def _constant(curves: Curves) -> list[str]:
    per_step = {name: column / curves.length for name, column in curves.terms.items()}
    return [
        f"constant term: {name} hardly changes during the training; rescale, rewrite or drop it."
        for name, column in per_step.items()
        if np.ptp(column) <= 0.02 * max(abs(float(column.mean())), 1e-12)
    ]


def _dominated(curves: Curves) -> str:
    sizes = {name: float(np.abs(column).mean()) for name, column in curves.terms.items()}
    whole = sum(sizes.values())
    if len(sizes) < 2 or whole == 0:
        return ""
    name = max(sizes, key=lambda each: sizes[each])
    if sizes[name] < 0.9 * whole:
        return ""
    return f"flooding: {name} makes up {100 * sizes[name] / whole:.0f} % of the reward."
