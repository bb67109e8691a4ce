"""What a reader must know about the runs behind a comparison: how many, which failed, of which scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rewardwrap.compare.findings import is_control
from rewardwrap.compare.results import Comparison
from rewardwrap.pages.words import count, listed, number

SCALE = 2.0
"""Ratio of mean |returns| from which a reward counts as one of another scale (a convention)."""


def notes(comparison: Comparison) -> tuple[str, ...]:
    """One sentence each."""
    sizes = {name: len(comparison.of(name)) for name in comparison.strategies}
    found = []
    if comparison.failures:
        failed = len(comparison.failures)
        found.append(f"{failed} of {failed + len(comparison.runs)} runs failed and count nowhere.")
    if len(set(sizes.values())) > 1:
        each = ", ".join(f"{name} {size}" for name, size in sizes.items())
        found.append(f"The strategies have unequal numbers of finished seeds ({each}).")
    if 0 < min(sizes.values()) < 10:
        told = "only large effects" if min(sizes.values()) > 1 else "nothing"
        found.append(
            f"With {count(min(sizes.values()))} {told} can be told from luck; 10 or more are "
            "recommended."
        )
    found += [*_continued(comparison), *scale_notes(comparison), *comparison.remarks]
    ends = {int(run.steps[-1]) for run in comparison.runs}
    if len(ends) > 1:
        found.append(
            f"Runs end at different steps ({min(ends):,} to {max(ends):,}); curves and areas use "
            f"the steps that all cover, up to {min(ends):,}."
        )
    return tuple(found)


def scale_notes(comparison: Comparison) -> list[str]:
    """Which strategies change the size of the reward, and the control that tells size from shape.

    The size is the mean |return| of an evaluation episode; twice or half the true one counts as
    another. Nothing is said where the learner normalises rewards by itself.
    """
    changed = []
    for name in comparison.strategies:
        if not comparison.of(name) or is_control(comparison, name):
            continue
        true = float(np.abs(comparison.curves(name)).mean())
        own = float(np.abs(comparison.curves(name, "shaped_return")).mean())
        if own > SCALE * true + 1e-9 or true > SCALE * own + 1e-9:
            changed.append(f"{name} (mean |return| {number(own)}, the task's is {number(true)})")
    if not changed or _normalises(comparison.hyperparameters.get("normalize")):
        return []
    verb = "changes" if len(changed) == 1 else "change"
    said = f"{listed(changed)} {verb} the scale of the reward"
    controls = [name for name in comparison.strategies if is_control(comparison, name)]
    if controls:
        return [f"{said}: compare with {controls[0]}, the true reward on a scale of its own."]
    return [
        f"{said}. Learners feel that as another step size: add the normalised-true-reward control, "
        "--reward normalised, to tell scale from shape."
    ]


def _normalises(setting: Any) -> bool:
    """Whether the hyperparameter ``normalize`` asks VecNormalize for rewards, as RL Zoo writes it."""
    if isinstance(setting, str):
        return "norm_reward=False" not in setting.replace(" ", "")
    if isinstance(setting, Mapping):
        return bool(setting.get("norm_reward", True))
    return bool(setting)


def _continued(comparison: Comparison) -> list[str]:
    """How many runs went on from a checkpoint, and whether that shows in their curves."""
    runs = [run for run in comparison.runs if run.continued]
    other = sum(not run.same_curve for run in runs)
    if not runs:
        return []
    went = f"{len(runs)} of {len(comparison.runs)} runs continued from a checkpoint"
    if not other:
        return [f"{went}; their curves are those of undisturbed runs."]
    return [
        f"{went}; {other} of them with a state that a checkpoint does not hold, so their curves are "
        "continued, not repeated."
    ]
