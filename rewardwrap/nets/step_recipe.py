"""The steps of a task from a few demonstrations: ``rewardwrap fit demonstrations --method steps``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError, warn
from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import DataError, Demonstrations, EpisodeStore
from rewardwrap.nets.demonstration_recipe import Static, weighed
from rewardwrap.nets.fitted import data_of, require_finite, require_unfilled
from rewardwrap.nets.spaces import spaces_of
from rewardwrap.rewards.demonstrated import in_deviations
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.segments import Cost, segments
from rewardwrap.rewards.sight import sight
from rewardwrap.rewards.step_model import StepModel

WIDEST, FLOOR = 32, 0.1
"""Features of a step at most; the least deviation of one, in deviations of all frames."""
ARRIVED = 0.5
"""Progress at the end below which a demonstration is taken for a failed one."""


def fit_steps(
    demos: str | os.PathLike[str] | EpisodeStore | Demonstrations,
    *,
    steps: int = 3,
    fields: Sequence[str] = (),
    features: Any = None,
    least: int | None = None,
    cost: Cost = "sse",
    keep: int = WIDEST,
    divide: str = "variance",
    sharpness: float = 1.0,
    robust: bool = False,
    seed: int = 0,
) -> Static:
    """Cut every demonstration into steps, and tell each step from the others by its features.

    Figures: where each demonstration was cut; the features of each step with their z; of each demonstration,
    by the steps of the others, the share of frames that fall into their own step, how progress goes with time
    (rank correlation), and progress at the end. One that ends below `ARRIVED` is said to have failed.

    Args:
        demos: Demonstrations; the states after their steps are read, actions are not.
        steps: n, at least 2.
        fields: Numbers of ``info`` to read instead of observations.
        features: What images are seen as: ``"random"``, 64 numbers of a fixed random convolution, or a
            ``torch.nn.Module`` from ``(B, C, H, W)`` in [0, 1] to ``(B, k)``, a backbone without its head for
            example, which is sealed into the model. It may read vectors too, ``(B, D)``.
        least: Frames of a step; None: a quarter of an even share, 8 at most.
        cost: As of `segments`.
        keep: Features of a step at most; those that tell nothing apart (z below 0) are left out anyway.
        divide: ``"variance"``, or ``"sd"`` as printed.
        sharpness: How surely the nearest step is taken for the present one, above 0.
        robust: Leave out demonstrations that seem to have failed.
        seed: Of the random convolution.

    Raises:
        DataError: No demonstrations, images without features, frames that never change, or numbers that are
            not finite.
        ConfigError: Episodes too short for so many steps, or a setting out of its range.
    """
    if steps < 2 or keep < 1 or not sharpness > 0 or divide not in ("variance", "sd"):
        raise ConfigError(
            "steps: there must be 2 or more, of 1 feature or more, with a sharpness above 0 and divided by "
            f"variance or sd, got {steps}, {keep}, {sharpness} and {divide}. Use the defaults."
        )
    if fields and features is not None:
        raise ConfigError(
            "steps: fields or features must be given, got both. Fields are numbers already; leave one out."
        )
    store = weighed(demos, images=features is not None or bool(fields))
    require_finite(store, ("obs",))
    require_unfilled(store, "steps")
    seen, batch = ("next_obs",), store.transitions()
    inputs = Inputs.of_fields(fields) if fields else Inputs.of(spaces_of(store), seen)
    eye = sight(inputs, features, batch, seed)
    arrays = in_deviations(eye(batch), eye.scaled())
    if not arrays["rows"].any():
        raise DataError(
            f"demonstrations must change to have steps, got {store.steps} frames that are all alike. Record "
            "what the task moves, or name fields that it does."
        )
    if len(store) == 1:
        warn(
            "steps: demonstrations should be 3 or more, got 1. What varies by chance cannot be told from "
            "what a "
            "step looks like; record more."
        )
    frames = np.split(arrays["rows"], np.cumsum(store.lengths)[:-1])
    few = [max(2, min(8, len(x) // (4 * steps))) if least is None else least for x in frames]
    cuts = [segments(x, steps, least=m, cost=cost)[0] for x, m in zip(frames, few, strict=True)]
    net = {"sharpness": sharpness, "divide": divide}
    scale = {name: arrays[name] for name in ("input.mean", "input.sd")} | eye.weights

    def model(which: Sequence[int]) -> tuple[StepModel, FloatArray]:
        x = np.concatenate([frames[i] for i in which])
        of = np.concatenate([_labels(len(frames[i]), cuts[i]) for i in which])
        found, z = _gaussians(x, of, steps, keep)
        return StepModel(inputs, {**net, "sight": eye.net}, {**found, **scale}), z

    everyone = list(range(len(store)))
    judged = [
        _judged(model([j for j in everyone if j != i] or [i])[0], frames[i], cuts[i])
        for i in everyone
    ]
    lost = [i for i in everyone if judged[i]["end"] < ARRIVED]
    used = [i for i in everyone if i not in lost] if robust else everyone
    if lost:
        names = ", ".join(str(store.ids[i]) for i in lost)
        warn(
            f"demonstrations must all reach the last step, got {len(lost)} of {len(store)} that end "
            f"before it by the steps of the others ({names}). "
            + ("They are left out." if robust else "Leave them out: robust.")
        )
    if not used:
        raise DataError("demonstrations must agree on their steps, got none that ends in the last one. "
                        "Ask for fewer steps.")  # fmt: skip
    made, z = model(used)
    metrics: dict[str, Any] = {
        "episodes": {"train": [str(store.ids[i]) for i in used], "heldout": []},
        "cuts": {str(store.ids[i]): cuts[i] for i in used},
        "features": [_chosen(made.chosen[g], z[g]) for g in range(steps)],
        "heldout": {k: float(np.mean([judged[i][k] for i in used])) for k in judged[0]},
    }
    settings = {
        "steps": steps,
        "fields": list(fields),
        "cost": cost,
        "keep": keep,
        "seed": seed,
        **net,
    }
    return Static(made, "steps", metrics, data_of(store), settings)


def _labels(count: int, cuts: Sequence[int]) -> Any:
    return np.searchsorted(cuts, np.arange(count), side="right")


def _gaussians(x: FloatArray, of: Any, steps: int, keep: int) -> tuple[dict[str, Any], FloatArray]:
    """Mean, deviation and choice of features of each step, ``(n, D)`` each, and ``z``."""
    mean, sd, chosen, each = [], [], [], []
    for step in range(steps):
        own, others = x[of == step], x[of != step]
        z = separation(own, others)
        best = np.argsort(-z, kind="stable")[:keep]
        best = best[z[best] > 0] if (z > 0).any() else best[:1]
        mean.append(own.mean(axis=0))
        sd.append(np.maximum(own.std(axis=0), FLOOR))
        chosen.append(np.isin(np.arange(x.shape[1]), best).astype(float))
        each.append(z)
    return {"mean": np.array(mean), "sd": np.array(sd), "chosen": np.array(chosen)}, np.array(each)


def separation(own: FloatArray, others: FloatArray) -> FloatArray:
    """``z_j = 5 |mu+ - mu-| - (sd+ + sd-)``: how well feature j tells frames from others, ``(D,)``.

    >>> float(separation(np.array([[1.5], [2.5]]), np.array([[-2.0], [0.0]]))[0])
    13.5
    """
    apart = np.abs(own.mean(axis=0) - others.mean(axis=0))
    return np.asarray(5.0 * apart - (own.std(axis=0) + others.std(axis=0)))


def _judged(model: StepModel, x: FloatArray, cuts: Sequence[int]) -> dict[str, float]:
    """A demonstration by the steps of others."""
    progress = model.progress(x)
    own = model.likeness(x).argmax(axis=1) == _labels(len(x), cuts)
    order = np.argsort(np.argsort(progress, kind="stable")).astype(float)
    time = float(np.corrcoef(order, np.arange(len(x)))[0, 1])
    return {"own_step": float(own.mean()), "time": time, "end": float(progress[-1])}


def _chosen(mask: FloatArray, z: FloatArray) -> dict[str, float]:
    places = np.flatnonzero(mask)
    return {str(j): float(z[j]) for j in places[np.argsort(-z[places])]}
