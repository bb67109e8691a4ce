"""The gate of a reward model: good enough, on enough episodes that it has not seen."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.data.splits import contents
from rewardwrap.evaluate.models.validation import Validation, judged_on
from rewardwrap.nets.folder import Model
from rewardwrap.nets.measures import regression_measures
from rewardwrap.rewards.judgement import Gate, judged

BOUNDS: Mapping[str, Mapping[str, float]] = {
    "regression": {"r2": 0.8},
    "preferences": {"pair_accuracy": 0.6, "ece": 0.15},
}
OTHERS = {"pair_accuracy": 0.6}


def gate(found: Validation, model: Model, store: EpisodeStore) -> Gate:
    """Judge a model by what `validate` measured: bounds, and better than what knows nothing on every figure.

    Args:
        found: Of this model and store.
        model: What is judged.
        store: The episodes.

    Raises:
        DataError: Episodes of the store are ones that the model was fitted on.
    """
    _require_unseen(model, store)
    figures = {**found.steps, **found.pairs}
    bounds = BOUNDS.get(found.objective, OTHERS)
    return judged(
        {**dict.fromkeys(bounds), **figures},
        bounds,
        data=str(found.data["fingerprint"]),
        episodes=int(found.data["episodes"]),
        null=_null(found, model, store),
    )


def _null(found: Validation, model: Model, store: EpisodeStore) -> dict[str, float | None]:
    """The figures of what knows nothing: the training rewards' mean for every step, and a coin for pairs."""
    coin = {"pair_accuracy": 0.5, "brier": 0.25, "log_loss": math.log(2.0)}
    null: dict[str, float | None] = {name: coin[name] for name in coin if name in found.pairs}
    held = judged_on(model, store)
    if found.objective == "regression" and np.isfinite(held.reward).any():
        mean = model.metrics.get("constant")
        mean = float(np.nanmean(held.reward)) if mean is None else mean
        of_constant = regression_measures(held, held.reward, np.full(held.steps, mean))
        null |= {name: of_constant[name] for name in ("r2", "mae", "return_mae")}
    if "spearman" in found.steps:
        null["spearman"] = 0.0
    return null


def _require_unseen(model: Model, store: EpisodeStore) -> None:
    data = model.document["data"]
    known = data.get("contents")
    if known is None or data.get("fingerprint") == store.fingerprint():
        return
    listed = model.metrics["episodes"]
    trained = {
        known[i] for side in ("train", "stopped_by") for i in listed.get(side, ()) if i in known
    }
    seen = sum(each in trained for each in contents(store).tolist())
    if seen:
        raise DataError(
            f"a gate must judge by episodes that the fit has not seen, got {seen} of {len(store)} that "
            "it was fitted on. Leave them out, or give the data of the fit: its held-out ones are used."
        )
