"""A model fitted to the answers so far, and whether it may take over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import Preferences
from rewardwrap.loops.callback import Verdict
from rewardwrap.nets.fitted import Fitted, data_of, settings_of
from rewardwrap.nets.folder import Model
from rewardwrap.nets.measures import differences, pair_measures
from rewardwrap.nets.network import build
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.reference import reference_of
from rewardwrap.nets.tables import pairs_table
from rewardwrap.nets.trainer import Objective, fit

COIN = 0.5


def fit_answers(
    train: Preferences,
    heldout: Preferences | None,
    *,
    reads: Sequence[str] = ("obs", "action"),
    seed: int = 0,
    objective: Objective | None = None,
    epochs: int = 50,
    updates: int = 300,
    batch: int = 64,
    lr: float = 1e-3,
    weight_decay: float = 0.1,
    members: int = 3,
    hidden: Sequence[int] = (64, 64),
    **options: Any,
) -> Fitted:
    """Fit an ensemble from new weights; held-out answers only measure it.

    Mean and deviation of what it pays are frozen at 0 and 1 over the steps of all training clips, so
    that the scale a critic learns does not drift until the next model.

    Args:
        train: Answers to fit.
        heldout: Answers about other episodes, or None.
        reads: Inputs of the network.
        seed: Of weights, order and resamples.
        objective: Loss; Bradley and Terry's by default.
        epochs: At least so many,
        updates: and as many as make so many gradient steps: few answers make few batches an epoch.
        batch: Pairs at a time.
        lr: Learning rate.
        weight_decay: Of AdamW.
        members: Of the ensemble.
        hidden: Sizes of its layers.
        options: Of `RewardNet`.
    """
    net = build(train.store, reads, seed=seed, members=members, hidden=hidden, **options)
    seen = net.encode(train.store.transitions())
    net.normalise(seen)
    table = pairs_table(net, train)
    done = fit(
        net,
        objective or BradleyTerry(),
        table,
        epochs=max(epochs, math.ceil(updates * batch / len(table))),
        batch=batch,
        lr=lr,
        weight_decay=weight_decay,
        seed=seed,
    )
    net.center(net.prepare(seen))
    # members pay in deviations of their own; their logits are worth these deviations on average
    temperature = 1.0 / float((1.0 / net.scale).mean())
    metrics: dict[str, Any] = {"train": pair_measures(net, train, temperature)}
    if heldout is not None:
        metrics["heldout"] = pair_measures(net, heldout, temperature)
    metrics |= {
        "null": {"pair_accuracy": COIN, "brier": 0.25},
        "judged_by": "the annotators",
        "episodes": {"train": _ids(train), "heldout": _ids(heldout)},
        "reference": reference_of(train.store, net, net.freeze()(train.store.transitions())),
        "history": done.history,
    }
    settings = settings_of(net, seed, reads=list(reads), length=train.a.longest)
    return Fitted(
        net, "preferences", metrics, done, temperature, data=data_of(train.store), settings=settings
    )


def judge(
    candidate: Model,
    running: Model | None,
    heldout: Preferences | None,
    *,
    delta: float,
    least: int,
) -> Verdict:
    """Compare two models on the same held-out answers.

    The candidate fails where its accuracy is lower, or its calibration error higher, by more than
    ``delta`` plus one standard error: of the paired difference for accuracy, ``1 / (2 sqrt(n))`` for
    the error. The first model only has to beat a coin.

    Args:
        candidate: The new model.
        running: The one that pays now, or None.
        heldout: Answers about episodes that neither was fitted on.
        delta: How much worse is let pass, at least 0.
        least: Fewer answers judge nothing, and the candidate passes.
    """
    if heldout is None or len(heldout) < least:
        count = 0 if heldout is None else len(heldout)
        return Verdict(True, f"not judged: {count} held-out answers, {least} are needed", count)
    count = len(heldout)
    new = pair_measures(candidate.net, heldout, candidate.temperature)
    if running is None:
        passed = new["pair_accuracy"] > COIN
        why = f"accuracy {new['pair_accuracy']:.3f} against {COIN} of a coin"
        return Verdict(passed, why, count, new)
    old = pair_measures(running.net, heldout, running.temperature)
    gained = _right(candidate, heldout) - _right(running, heldout)
    drop, rise = -float(gained.mean()), new["ece"] - old["ece"]
    bound = delta + float(gained.std()) / math.sqrt(count)
    loose = delta + 0.5 / math.sqrt(count)
    why = (
        f"accuracy {new['pair_accuracy']:.3f} after {old['pair_accuracy']:.3f} "
        f"(may fall by {bound:.3f}), ECE {new['ece']:.3f} after {old['ece']:.3f} "
        f"(may rise by {loose:.3f})"
    )
    return Verdict(drop <= bound and rise <= loose, why, count, new, old)


def _right(model: Model, pairs: Preferences) -> FloatArray:
    """``(n,)`` credit for each pair, as accuracy counts it."""
    gap, label = differences(model.net, pairs), pairs.preferred
    return np.where(gap > 0, label, np.where(gap < 0, 1 - label, 0.5))


def _ids(pairs: Preferences | None) -> list[str]:
    """The episodes of the clips: what follows the colon of an id."""
    if pairs is None:
        return []
    names = [str(i).rpartition(":")[2].partition("@")[0] for i in pairs.store.ids]
    return sorted(set(names))
