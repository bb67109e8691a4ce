"""From yes-or-no answers to a judge of principles: what ``rewardwrap fit principles`` runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import expit

from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.data.principle_table import Judged, read_principles
from rewardwrap.data.successors import with_successors
from rewardwrap.nets.fitted import HELD_OUT, Fitted, data_of, require_finite, settings_of
from rewardwrap.nets.objectives.abstaining import Abstaining, clip_logits
from rewardwrap.nets.principle_net import PrincipleNet
from rewardwrap.nets.reference import reference_of
from rewardwrap.nets.spaces import inputs_of
from rewardwrap.nets.tables import Table, clips_table
from rewardwrap.nets.trainer import Progress, fit
from rewardwrap.statistics.calibration import brier, ece
from rewardwrap.statistics.ranking import auc


def fit_principles(
    store: EpisodeStore,
    labels: Path | Judged,
    *,
    objective: Abstaining | None = None,
    reads: Sequence[str] = ("obs", "action"),
    seed: int = 0,
    heldout: float = HELD_OUT,
    epochs: int = 50,
    patience: int = 10,
    batch: int = 32,
    lr: float = 3e-3,
    weight_decay: float = 0.1,
    progress: Progress | None = None,
    **options: Any,
) -> Fitted:
    """Fit one network to all principles; held-out figures are of other episodes.

    Args:
        store: Episodes.
        labels: A table (`rewardwrap.data.principle_table`), or what it reads.
        objective: `Abstaining` by default.
        reads: Inputs of the network.
        seed: Of split, first weights and order.
        heldout: Share of the labelled episodes, in (0, 1).
        epochs: So many; without enough clips to stop by, none are spent on that.
        patience: Of the trainer.
        batch: Clips at a time.
        lr: Learning rate.
        weight_decay: Of AdamW.
        progress: Called after every epoch.
        options: Of the network.

    Raises:
        DataError: A table that cannot be read, or fewer than two labelled episodes.
    """
    require_finite(store, reads)
    known = with_successors(store, reads)
    judged = read_principles(labels, known) if isinstance(labels, Path) else labels
    train, held = _split(judged, heldout, seed)
    net = PrincipleNet(inputs_of(known, reads), judged.names, **options, seed=seed)
    shown = known.select(np.unique(train.clips.episode))
    net.normalise(net.encode(shown.transitions()))
    tables = [_table(net, side) for side in (train, held)]
    done = fit(
        net,
        objective or Abstaining(),
        tables[0],
        epochs=epochs,
        patience=patience,
        batch=batch,
        lr=lr,
        weight_decay=weight_decay,
        seed=seed,
        progress=progress,
    )
    figures = [_measures(net, table) for table in tables]
    share = np.nanmean(train.said, axis=0)
    return Fitted(
        net,
        "principles",
        {
            "train": figures[0],
            "heldout": figures[1],
            "null": {"brier": float(np.mean(share * (1 - share))), "auc": 0.5},
            "labels": {
                "principles": list(judged.names),
                "clips": len(judged.said),
                "answers": int((~np.isnan(judged.said)).sum()),
            },
            "episodes": {
                name: [str(i) for i in known.ids[np.unique(side.clips.episode)]]
                for name, side in (("train", train), ("heldout", held))
            },
            "reference": reference_of(shown, net, net.freeze()(shown.transitions())),
            "history": done.history,
        },
        done,
        data=data_of(store),
        settings=settings_of(net, seed, reads=list(reads), heldout=heldout),
    )


def _split(judged: Judged, heldout: float, seed: int) -> tuple[Judged, Judged]:
    """Clips whose episodes the other side does not know."""
    used = np.unique(judged.clips.episode)
    if len(used) < 2:
        raise DataError(
            f"labels must be about two episodes or more, got {len(used)}. Label clips of others too."
        )
    order = np.random.default_rng(seed).permutation(used)
    count = min(max(1, round(heldout * len(used))), len(used) - 1)
    out = np.isin(judged.clips.episode, order[:count])
    return tuple(
        Judged(judged.clips.select(side), judged.names, judged.said[side]) for side in (~out, out)
    )  # type: ignore[return-value]


def _table(net: PrincipleNet, judged: Judged) -> Table:
    table = clips_table(net, judged.clips.store, (judged.clips,))
    return table.having(said=torch.as_tensor(judged.said).to(net.expects))


@torch.no_grad()
def _measures(net: PrincipleNet, table: Table) -> dict[str, float | None]:
    """``accuracy``, ``brier``, ``ece`` and ``auc``, means over principles; and the AUC of each."""
    chance = expit(clip_logits(net, table).double().numpy()).mean(axis=0)
    said = table["said"].double().numpy()
    each: dict[str, list[float]] = {"accuracy": [], "brier": [], "ece": [], "auc": []}
    found: dict[str, float | None] = {}
    for j, name in enumerate(net.names):
        p, y = _known(chance[:, j], said[:, j])
        hard = (y >= 0.5).astype(np.float64)
        found[f"auc/{name}"] = None
        if not len(y):
            continue
        each["accuracy"].append(float(((p >= 0.5) == (hard > 0)).mean()))
        each["brier"].append(float(brier(p, y)))
        each["ece"].append(float(ece(p, hard)))
        if 0 < hard.sum() < len(hard):
            found[f"auc/{name}"] = float(auc(p, hard))
            each["auc"].append(float(auc(p, hard)))
    return {name: float(np.mean(v)) if v else None for name, v in each.items()} | found


def _known(chance: FloatArray, said: FloatArray) -> tuple[FloatArray, FloatArray]:
    there = ~np.isnan(said)
    return chance[there], said[there]
