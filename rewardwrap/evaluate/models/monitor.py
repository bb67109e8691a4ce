"""Whether a stream of episodes still is what a reward model was judged on: window by window, for ever.

The reference are the held-out episodes of the fit; a row an episode: mean residual ``r - f``, mean
``|r - f|``, mean pay, mean inputs. Each window of n new episodes is compared with them, column by
column, by the rank sum of Mann and Whitney, which needs no permutations to reach a small level. Level
of window k: ``alpha / (k (k + 1))``, whose sum is alpha, so that a stream without a change raises any
false alarm with a chance of at most alpha, however long it is watched. Within a window the level is
dealt by weighted Holm: most of it to the residual, which is what a model must keep.

| alarm | what changed |
|---|---|
| relation | what is paid for the same: residuals |
| pay | what the model pays on average |
| input | what it is shown |

Source: Mann and Whitney, 1947; Holm, 1979 (weights); the union bound over windows. Deviation from
`detect_drift`: ranks instead of permutations, since 999 of them never reach the level of window 5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.nets.folder import Model
from rewardwrap.nets.reference import RESIDUALS, stream_rows

WEIGHTS = {"relation": 0.8, "pay": 0.1, "input": 0.1}
LEAST = 8
"""Held-out episodes below which there is nothing to compare with."""


@dataclass(frozen=True)
class Alarm:
    """A change.

    Args:
        kind: ``"relation"``, ``"pay"`` or ``"input"``.
        episode: Number of the stream's episode, from 1, at which it was raised.
        columns: What changed.
        p: The smallest chance of such a window without a change.
    """

    kind: str
    episode: int
    columns: list[str]
    p: float


@dataclass(frozen=True)
class Watch:
    """What was seen.

    Args:
        alarms: The first of each kind.
        windows: One each: last episode, level, and the mean of every column.
        notes: What could not be watched, in sentences.
        reference: Held-out episodes compared with.
    """

    alarms: list[Alarm] = field(default_factory=list)
    windows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reference: int = 0


def monitor(model: Model, store: EpisodeStore, *, every: int = 10, alpha: float = 0.05) -> Watch:
    """Watch the episodes of a store in their order.

    Args:
        model: What pays.
        store: The stream; with logged rewards, relations can be watched.
        every: Episodes of a window.
        alpha: Chance of any false alarm, over all windows.

    Raises:
        DataError: The model keeps no held-out episodes, or too few; less than a window.
    """
    kept = model.metrics.get("stream")
    rows = np.array(kept["rows"], np.float64) if kept else np.zeros((0, 1))
    if len(rows) < LEAST:
        raise DataError(
            f"a monitor must compare with {LEAST} held-out episodes of the fit or more, got "
            f"{len(rows)}. Fit the model again, on more episodes."
        )
    if len(store) < every:
        raise DataError(
            f"a stream must hold a window of {every} episodes, got {len(store)}. Use --every N."
        )
    names, now = stream_rows(store, model.net, model.net.freeze()(store.transitions()))
    made = Watch(reference=len(rows))
    if not np.isfinite(now[:, :2]).all(axis=1).any():
        made.notes.append("No episode has logged rewards: the relation is not watched.")
    raised: set[str] = set()
    for k, begin in enumerate(range(0, len(now) - every + 1, every), start=1):
        level, end = alpha / (k * (k + 1)), begin + every
        window = now[begin:end]
        p = _chances(rows, window)
        made.windows.append(
            {"episode": end, "level": level, "means": dict(zip(names, _means(window), strict=True))}
        )
        for kind, hit in _rejected(p, names, level).items():
            if kind not in raised:
                raised.add(kind)
                made.alarms.append(Alarm(kind, end, hit, float(np.nanmin(p))))
    return made


def kind_of(column: str) -> str:
    """Which alarm a column raises."""
    if column in RESIDUALS:
        return "relation"
    return "pay" if column == "mean pay" else "input"


def _chances(before: FloatArray, now: FloatArray) -> FloatArray:
    """Two-sided p values, one a column; NaN where nothing is known."""
    found = np.full(now.shape[1], np.nan)
    for i in range(now.shape[1]):
        one, other = before[:, i], now[:, i]
        one, other = one[np.isfinite(one)], other[np.isfinite(other)]
        if len(one) < LEAST or len(other) < 2:
            continue
        same = np.ptp(np.concatenate([one, other])) == 0
        found[i] = 1.0 if same else stats.mannwhitneyu(other, one, method="asymptotic").pvalue
    return found


def _rejected(p: FloatArray, names: list[str], level: float) -> dict[str, list[str]]:
    """Weighted Holm: columns whose chance is below their share of the level."""
    kinds = [kind_of(name) for name in names]
    known = np.flatnonzero(np.isfinite(p))
    weight = np.array([WEIGHTS[kind] / kinds.count(kind) for kind in kinds])
    found: dict[str, list[str]] = {}
    left: NDArray[np.intp] = known[np.argsort(p[known] / weight[known], kind="stable")]
    for i, column in enumerate(left):
        if p[column] > level * weight[column] / weight[left[i:]].sum():
            break
        found.setdefault(kinds[column], []).append(names[column])
    return found


def _means(window: FloatArray) -> list[float | None]:
    known = np.isfinite(window)
    total = np.where(known, window, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    return [float(t / n) if n else None for t, n in zip(total, count, strict=True)]
