"""The figures of metrics.json, in the units of the data and of the loop that pays the reward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import EpisodeStore, Preferences
from rewardwrap.nets.paid import PaidNet
from rewardwrap.rewards.frozen import Thawed
from rewardwrap.rewards.paired import Paired
from rewardwrap.statistics.intervals import wilson_interval
from rewardwrap.statistics.mixtures import nash
from rewardwrap.statistics.pairs import pair_report
from rewardwrap.statistics.ranking import mae, r2, spearman

CERTAIN = 0.5
MOST_CLIPS = 200


def regression_measures(
    store: EpisodeStore, goal: Any, paid: FloatArray
) -> dict[str, float | None]:
    """``r2``, ``mae`` and ``spearman`` of steps, ``return_mae`` of whole episodes; raw units.

    A figure that does not exist (R2 of a constant) is None, which JSON writes as null.
    """
    there = ~np.isnan(goal)
    if not there.any():
        return {"r2": None, "mae": None, "spearman": None, "return_mae": None}
    true, said = np.asarray(goal)[there], paid[there]
    varies = there.sum() > 1 and np.ptp(true) > 0
    error = np.where(there, paid - np.nan_to_num(goal), 0.0)
    return {
        "r2": r2(said, true) if varies else None,
        "mae": mae(said, true),
        "spearman": spearman(said, true) if varies and np.ptp(said) > 0 else None,
        "return_mae": float(np.abs(np.add.reduceat(error, store.first_step)).mean()),
    }


def differences(net: PaidNet | Thawed | Paired, preferences: Preferences) -> FloatArray:
    """``R_b - R_a`` of every pair as the loop would pay it, ``(n,)``; of a general preference its logit."""
    frozen = net.freeze() if isinstance(net, PaidNet) else net
    if isinstance(frozen, Paired):
        return frozen.differences(preferences)
    paid = frozen(preferences.store.transitions())
    returns = [np.where(c.mask, paid[c.rows], 0.0).sum(1) for c in (preferences.a, preferences.b)]
    found: FloatArray = returns[1] - returns[0]
    return found


def accuracy_interval(measures: Mapping[str, float]) -> list[float]:
    """Wilson's 95 % interval of a ``pair_accuracy``, as if no two pairs shared an episode.

    >>> [round(bound, 3) for bound in accuracy_interval({"pair_accuracy": 0.9, "pairs": 20})]
    [0.699, 0.972]
    """
    pairs = int(measures["pairs"])
    found = wilson_interval(round(measures["pair_accuracy"] * pairs), pairs)
    return [found.low, found.high]


def pair_measures(
    net: PaidNet | Thawed, preferences: Preferences, temperature: float
) -> dict[str, float]:
    """``pair_accuracy``, ``brier``, ``ece`` and ``log_loss`` of ``sigmoid((R_b - R_a) / T)``."""
    report = pair_report(differences(net, preferences) / temperature, preferences.preferred)
    return {
        "pair_accuracy": report.accuracy,
        "brier": report.brier,
        "ece": report.ece,
        "log_loss": report.log_loss,
        "pairs": report.pairs,
    }


def mixture_of(net: PaidNet, preferences: Preferences) -> dict[str, float]:
    """How often the best answer beats the best single clip of some, and the best mixture of them."""
    frozen = net.freeze()
    steps = frozen.steps(preferences.store.transitions())
    clips = preferences.a.select(slice(0, MOST_CLIPS))
    v = frozen.vectors(steps[:, clips.rows], clips.mask)
    wins = 0.5 + 0.5 * np.tanh(0.5 * frozen.logits(v, v))
    return {
        "clips": len(clips),
        "single": float(wins.max(axis=0).min()),
        "mixture": nash(wins, eta=1.0, steps=500).exploitability,
    }
