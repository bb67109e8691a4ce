"""From successes to a validated network: what ``rewardwrap fit outcome`` and ``process`` run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from scipy.special import expit

from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import DataError, EpisodeStore, Fragments
from rewardwrap.nets.experts import build_mixed
from rewardwrap.nets.fitted import (
    HELD_OUT,
    Fitted,
    data_of,
    require_finite,
    settings_of,
    watched_apart,
)
from rewardwrap.nets.objectives import Outcome, Process
from rewardwrap.nets.paid import NetError, PaidNet
from rewardwrap.nets.reference import reference_of
from rewardwrap.nets.tables import Table, clips_table, rows_table
from rewardwrap.nets.trainer import Progress, fit
from rewardwrap.statistics.calibration import brier, ece
from rewardwrap.statistics.ranking import auc

LABEL = "rewardwrap/label"
ENDS = ("terminated", "truncated")


def fit_success(
    store: EpisodeStore,
    column: str,
    *,
    objective: Outcome | Process | None = None,
    reads: Sequence[str] = ("obs", "action"),
    seed: int = 0,
    heldout: float = HELD_OUT,
    epochs: int = 50,
    patience: int = 10,
    batch: int = 64,
    lr: float = 1e-3,
    weight_decay: float = 0.1,
    progress: Progress | None = None,
    **options: Any,
) -> Fitted:
    """Fit whether episodes succeeded (`Outcome`), or whether steps were good (`Process`).

    The network pays logits: of a step, and for an outcome the mean over the steps is that of the
    episode. Held-out figures are of whole episodes.

    Args:
        store: Episodes.
        column: Of ``info``, in [0, 1] and NaN where nobody said it; an outcome is read at the last step
            and may also be ``"terminated"`` or ``"truncated"``.
        objective: `Outcome` by default.
        reads: Inputs of the network.
        seed: Of split, first weights and order.
        heldout: Share of the episodes, in (0, 1).
        epochs: At most so many.
        patience: Epochs without a better loss on the episodes to stop by.
        batch: Episodes at a time; steps come 16 times as many.
        lr: Learning rate.
        weight_decay: Of AdamW.
        progress: Called after every epoch.
        options: Of `RewardNet`, or ``experts`` and ``top`` of `ExpertsNet`.

    Raises:
        DataError: No such column, numbers outside [0, 1], or a side of the split without labels.
    """
    require_finite(store, reads)
    objective = objective or Outcome()
    whole = isinstance(objective, Outcome)
    labelled = replace(store, info={**store.info, LABEL: _labels(store, column, whole)})
    known, held = labelled.split(heldout, seed=seed)
    train, watched = watched_apart(known, seed)
    net = build_mixed(store, reads, known=train, seed=seed, **options)
    net.normalise(net.encode(train.transitions()))
    done = fit(
        net,
        objective,
        _table(net, train, whole),
        _table(net, watched, whole) if watched is not train else None,
        epochs=epochs,
        patience=patience,
        batch=batch if whole else 16 * batch,
        lr=lr,
        weight_decay=weight_decay,
        seed=seed,
        progress=progress,
    )
    frozen = net.freeze()
    paid = {name: frozen(side.transitions()) for name, side in (("train", train), ("held", held))}
    share = float(np.nanmean(train.info[LABEL]))
    return Fitted(
        net,
        "outcome" if whole else "process",
        {
            "train": _measures(train, paid["train"], whole),
            "heldout": _measures(held, paid["held"], whole),
            "null": _measures(held, np.full(held.steps, np.log(share / (1 - share))), whole),
            "labels": {"column": column, "share": share},
            "episodes": {"train": [str(i) for i in known.ids], "heldout": [str(i) for i in held.ids]},
            "reference": reference_of(train, net, paid["train"]),
            "history": done.history,
        },
        done,
        data=data_of(store),
        settings=settings_of(net, seed, reads=list(reads), heldout=heldout),
    )  # fmt: skip


def _labels(store: EpisodeStore, column: str, whole: bool) -> FloatArray:
    """``(N,)``, an outcome on every step of its episode."""
    last = store.first_step + store.lengths - 1
    if whole and column in ENDS:
        return np.repeat(getattr(store, column)[last].astype(np.float64), store.lengths)
    if column not in store.info:
        raise DataError(
            f"labels must be a column of info{' or an end of episodes' if whole else ''}, got "
            f'"{column}". Known: {", ".join([*(ENDS if whole else ()), *sorted(store.info)])}.'
        )
    found = store.info[column]
    found = np.repeat(found[last], store.lengths) if whole else found
    known = found[~np.isnan(found)]
    if not known.size or known.min() < 0 or known.max() > 1 or known.min() == known.max():
        got = f"{known.min():g} to {known.max():g}" if known.size else "none"
        raise DataError(
            f'labels in "{column}" must lie in [0, 1] and differ, got {got}. '
            "Write 1 for a success, 0 for a failure and NaN for what nobody judged."
        )
    return found


def _table(net: PaidNet, store: EpisodeStore, whole: bool) -> Table:
    label = store.info[LABEL]
    if not whole:  # rows without the successor that is read are left out there
        return rows_table(net, store.transitions(), label)
    kept = np.flatnonzero(~np.isnan(label[store.first_step]))
    if not kept.size:
        raise NetError(
            "outcomes must be known of some episode to fit and to stop by, got none. Label more."
        )
    clips = Fragments(store, kept, np.zeros(len(kept), np.int64), store.lengths[kept])
    success = torch.as_tensor(label[store.first_step[kept]]).to(net.expects)
    return clips_table(net, store, [clips]).having(success=success)


def _measures(store: EpisodeStore, paid: FloatArray, whole: bool) -> dict[str, float | None]:
    """``accuracy``, ``brier``, ``ece`` and, with both outcomes there, ``auc`` of the labelled items."""
    label = store.info[LABEL]
    if whole:
        paid = np.add.reduceat(paid, store.first_step) / store.lengths
        label = label[store.first_step]
    there = ~np.isnan(label)
    if not there.any():
        raise DataError(
            "labels must be on both sides of the split, got none held out. Label more episodes."
        )
    chance, so = expit(paid[there]), label[there]
    hard = (so >= 0.5).astype(np.float64)
    both = 0 < hard.sum() < len(hard)
    return {
        "accuracy": float(((chance >= 0.5) == (hard > 0)).mean()),
        "brier": float(brier(chance, so)),
        "ece": float(ece(chance, hard)),
        "auc": float(auc(chance, hard)) if both else None,
    }
