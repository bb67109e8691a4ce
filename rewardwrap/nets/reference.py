"""What a model remembers of its training episodes, so that drift can be seen without them."""

from __future__ import annotations

from typing import Any

import numpy as np

from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import EpisodeStore
from rewardwrap.statistics.two_samples import episode_means

RESIDUALS = ("mean residual", "mean |residual|")
DISAGREEMENT = "pair disagreement"
MOST_COLUMNS, MOST_EPISODES = 16, 200
CLIPS = 4
"""Clips that an episode is cut into at least, for pairs of them."""
ALIKE, FEWEST = 0.1, 4
"""Chance below which episodes of the fit differ from held-out ones, and of how many that is asked."""


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


def stream_rows(
    store: EpisodeStore, net: Any, paid: FloatArray, *, length: int | None = None
) -> tuple[list[str], FloatArray]:
    """One row per episode: mean residual, mean ``|residual|``, mean pay, mean inputs.

    A model of preferences has no unit and so no residual. Given the ``length`` of its clips, the share of
    pairs of clips within the episode that it orders otherwise than the logged rewards stands there.
    Steps without a reward count for nothing; an episode of such steps alone has NaN there.
    """
    names, rows = aggregates(store, net, paid)
    if length is not None:
        torn = np.array([_torn(e.reward, p, length) for e, p in _with_pay(store, paid)])
        return [DISAGREEMENT, *names], np.concatenate([torn[:, None], rows], axis=1)
    missed = store.reward - paid
    known = np.isfinite(missed)
    count = np.add.reduceat(known, store.first_step).astype(np.float64)
    both = []
    for column in (missed, np.abs(missed)):
        total = np.add.reduceat(np.where(known, column, 0.0), store.first_step)
        both.append(np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0))
    return [*RESIDUALS, *names], np.concatenate([np.stack(both, axis=1), rows], axis=1)


def _with_pay(store: EpisodeStore, paid: FloatArray) -> Any:
    return zip(store, np.split(paid, store.first_step[1:]), strict=True)


def _torn(reward: FloatArray, paid: FloatArray, length: int) -> float:
    """Share of pairs of clips that are ordered otherwise; NaN where no pair has an order."""
    size = max(1, min(length, len(reward) // CLIPS))
    count = len(reward) // size
    sums = [x[: count * size].reshape(count, size).sum(axis=1) for x in (reward, paid)]
    i, j = np.triu_indices(count, 1)
    true, said = (x[i] - x[j] for x in sums)
    ordered = np.isfinite(true) & (true != 0)
    return float((true[ordered] * said[ordered] < 0).mean()) if ordered.any() else float("nan")


def stream_of(
    held: EpisodeStore, net: Any, *, others: EpisodeStore | None = None, length: int | None = None
) -> dict[str, Any]:
    """What metrics.json keeps for `rewardwrap monitor`: rows of the held-out episodes; NaN is null.

    Rows of the episodes of the fit join them where they cannot be told apart by residual or by
    ``|residual|``, which an overfitted model shows smaller on what it has seen: a reference of twelve
    episodes finds a shift of one deviation in .72 of the cases, one of sixty in .97.

    Args:
        held: Held-out episodes.
        net: The network, or a frozen one.
        others: The other episodes of the fit.
        length: Of clips, for a model of preferences.
    """
    frozen = net.freeze() if hasattr(net, "freeze") else net
    names, rows = stream_rows(held, net, frozen(held.transitions()), length=length)
    if others is not None and len(others):
        _, more = stream_rows(others, net, frozen(others.transitions()), length=length)
        if _alike(rows, more, 1 if length is not None else len(RESIDUALS)):
            rows = np.concatenate([rows, more])
    kept = significant(rows[:MOST_EPISODES])
    return {
        "columns": names, "heldout": len(held), "length": length,
        "rows": [[None if np.isnan(v) else v for v in row] for row in kept.tolist()],
    }  # fmt: skip


def _alike(held: FloatArray, others: FloatArray, columns: int) -> bool:
    """Whether no residual column tells the sides apart, by the rank sum."""
    from scipy import stats

    for i in range(columns):
        one, other = (side[np.isfinite(side[:, i]), i] for side in (held, others))
        if len(one) < FEWEST or len(other) < FEWEST:
            return False
        if np.ptp(np.concatenate([one, other])) == 0:
            continue
        if stats.mannwhitneyu(one, other, method="asymptotic").pvalue < ALIKE:
            return False
    return True


def significant(values: FloatArray, digits: int = 9) -> FloatArray:
    """Rounded to significant digits: rewards may be of any unit.

    Example:
        >>> significant(np.array([1.23456e-7, 0.0, 987654.0]), 3).tolist()
        [1.23e-07, 0.0, 988000.0]
    """
    return np.array([float(f"{v:.{digits}g}") for v in values.ravel()]).reshape(values.shape)
