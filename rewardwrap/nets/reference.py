"""What a model remembers of its training episodes, so that drift can be seen without them."""

from __future__ import annotations

from typing import Any

import numpy as np

from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import EpisodeStore
from rewardwrap.statistics.two_samples import episode_means

RESIDUALS = ("mean residual", "mean |residual|")
MOST_COLUMNS, MOST_EPISODES = 16, 200


def aggregates(store: EpisodeStore, net: Any, paid: FloatArray) -> tuple[list[str], FloatArray]:
    """One row per episode: mean pay, and the means of the first inputs."""
    x = net.encode(store.transitions()).x.numpy()[:, :MOST_COLUMNS]
    labels = [f"{part.label}[{i}]" for part in net.inputs.parts for i in range(part.width)]
    columns = np.concatenate([paid[:, None], x], axis=1)
    return ["mean pay", *labels[:MOST_COLUMNS]], episode_means(columns, store.transitions().first)


def reference_of(store: EpisodeStore, net: Any, paid: FloatArray) -> dict[str, Any]:
    """What metrics.json keeps of the training episodes, so that drift can be seen without them."""
    names, rows = aggregates(store, net, paid)
    kept = rows[:: max(1, len(rows) // MOST_EPISODES)][:MOST_EPISODES]
    return {"columns": names, "rows": significant(kept).tolist()}


def stream_rows(store: EpisodeStore, net: Any, paid: FloatArray) -> tuple[list[str], FloatArray]:
    """One row per episode: mean residual, mean ``|residual|``, mean pay, mean inputs.

    Steps without a reward count for neither residual; an episode of such steps alone has NaN there.
    """
    names, rows = aggregates(store, net, paid)
    missed = store.reward - paid
    known = np.isfinite(missed)
    count = np.add.reduceat(known, store.first_step).astype(np.float64)
    both = []
    for column in (missed, np.abs(missed)):
        total = np.add.reduceat(np.where(known, column, 0.0), store.first_step)
        both.append(np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0))
    return [*RESIDUALS, *names], np.concatenate([np.stack(both, axis=1), rows], axis=1)


def stream_of(store: EpisodeStore, net: Any, paid: FloatArray) -> dict[str, Any]:
    """What metrics.json keeps of the held-out episodes, for `rewardwrap monitor`; NaN is null."""
    names, rows = stream_rows(store, net, paid)
    kept = significant(rows[:MOST_EPISODES])
    return {"columns": names,
            "rows": [[None if np.isnan(v) else v for v in row] for row in kept.tolist()]}  # fmt: skip


def significant(values: FloatArray, digits: int = 9) -> FloatArray:
    """Rounded to significant digits: rewards may be of any unit.

    Example:
        >>> significant(np.array([1.23456e-7, 0.0, 987654.0]), 3).tolist()
        [1.23e-07, 0.0, 988000.0]
    """
    return np.array([float(f"{v:.{digits}g}") for v in values.ravel()]).reshape(values.shape)
