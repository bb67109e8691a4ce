"""Pair accuracy on five parts of the data that are shifted away from its middle, of several models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import DataError, EpisodeStore, Fragments, sample_fragments
from rewardwrap.data.ragged import IntArray
from rewardwrap.nets.folder import Model

CLIPS, PAIRS = 2000, 1000
WHOLE = "whole"
SHIFTS = ("far inputs", "low returns", "high returns", "early steps", "late steps")


def shifts(
    models: Mapping[str, Model], store: EpisodeStore, *, length: int = 25, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Set -> model -> share of its pairs in the order of the logged reward.

    Each set is the third of the clips that lies furthest out: inputs far from the mean one, low and high
    returns, the beginning and the end of episodes; ``whole`` is all of them. Pairs are of one set, so a
    model that only tells good from bad episodes has no advantage.

    Args:
        models: Name -> model; explicit and implicit ones on the same pairs.
        store: Episodes with logged rewards; those that any model was fitted on are left out.
        length: Steps of a clip, or the shortest episode's.
        seed: Of clips and pairs.

    Raises:
        DataError: No episode is left, or no clip has all its rewards.

    Source: Lin et al., On the limited generalization capability of the implicit reward model induced by
        direct preference optimization, 2024, arXiv:2409.03650. Deviation: five shifts of logged
        episodes in place of five of prompts and answers.
    """
    unseen = _unseen(models.values(), store)
    clips = sample_fragments(unseen, CLIPS, min(length, int(unseen.lengths.max())), seed=seed)
    clips = clips.select(np.isfinite(clips.returns()))
    if len(clips) < 6:
        raise DataError(
            f"shifts must have clips with logged rewards, got {len(clips)}. Record more episodes."
        )
    rng = np.random.default_rng(seed)
    sets = {WHOLE: np.arange(len(clips))} | {
        name: _top_third(key) for name, key in _keys(clips).items()
    }
    pairs = {name: rng.choice(part, (2, PAIRS)) for name, part in sets.items()}
    found: dict[str, dict[str, float]] = {name: {} for name in pairs}
    for label, model in models.items():
        paid = model.net.freeze()(unseen.transitions())
        said = np.where(clips.mask, paid[clips.rows], 0.0).sum(axis=1)
        for name, (a, b) in pairs.items():
            found[name][label] = _accuracy(
                said[b] - said[a], clips.returns()[b] - clips.returns()[a]
            )
    return found


def _unseen(models: Iterable[Model], store: EpisodeStore) -> EpisodeStore:
    seen: set[str] = set()
    for model in models:
        if model.document["data"].get("fingerprint") == store.fingerprint():
            listed = model.metrics.get("episodes", {})
            seen |= {i for side in ("train", "stopped_by") for i in listed.get(side, ())}
    kept = np.array([str(i) not in seen for i in store.ids])
    if not kept.any():
        raise DataError(
            "shifts must have episodes that no model was fitted on, got none. Record some."
        )
    return store.select(kept)


def _keys(clips: Fragments) -> dict[str, FloatArray]:
    """How far out a clip lies in each of the five ways."""
    obs, _ = clips.obs()
    returns, start = clips.returns(), clips.start.astype(np.float64)
    if isinstance(obs, np.ndarray):
        means = obs.reshape(*obs.shape[:2], -1).mean(axis=1, dtype=np.float64)
        sd = means.std(axis=0)
        distance = np.abs((means - means.mean(axis=0)) / np.where(sd > 0, sd, 1.0)).mean(axis=1)
    else:
        distance = np.abs(returns - np.median(returns))
    return dict(zip(SHIFTS, (distance, -returns, returns, -start, start), strict=True))


def _top_third(key: FloatArray) -> IntArray:
    return np.argsort(key, kind="stable")[-max(2, len(key) // 3) :].astype(np.int64)


def _accuracy(said: FloatArray, true: FloatArray) -> float:
    """Of the pairs that differ; a tie of the model counts 1/2."""
    differ = true != 0
    right = np.sign(said[differ]) * np.sign(true[differ])
    return float((0.5 + 0.5 * right).mean()) if differ.any() else 0.5
