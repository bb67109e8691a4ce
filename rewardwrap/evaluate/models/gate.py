"""The gate of a reward model: good enough, on enough episodes that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.data.splits import contents
from rewardwrap.evaluate.models.validation import Validation
from rewardwrap.nets.folder import Model
from rewardwrap.rewards.judgement import Gate, judged

LEAST = 20
"""Episodes below which a figure of whole episodes says too little to pass by."""
BOUNDS: Mapping[str, Mapping[str, float]] = {
    "regression": {"r2": 0.8},
    "preferences": {"pair_accuracy": 0.6, "ece": 0.15},
}
OTHERS = {"pair_accuracy": 0.6}


def gate(found: Validation, model: Model, store: EpisodeStore) -> Gate:
    """Judge a model by what `validate` measured.

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
    made = judged(
        {**dict.fromkeys(bounds), **figures},
        bounds,
        data=str(found.data["fingerprint"]),
        episodes=int(found.data["episodes"]),
    )
    if made.episodes < LEAST:
        few = f"cannot be judged by {made.episodes} episodes: {LEAST} or more are needed."
        return replace(made, passed=False, reasons=[few, *made.reasons])
    return made


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
