"""Whether a stream of episodes still is what a reward model was judged on: window by window, for ever.

The reference are the held-out episodes of the fit, and those that it was fitted on where their residuals
cannot be told from them (`rewardwrap.nets.reference`); a row an episode: mean residual ``r - f``, mean
``|r - f|``, mean pay, mean inputs. After every window of n new episodes the last 20 are compared with
them, column by column, by the rank sum of Mann and Whitney, which needs no permutations to reach a small
level. The levels add up to alpha, so that a stream without a change raises any false alarm with a chance
of at most alpha, however long it is watched: .04 alpha on looks at fewer than 20 episodes, .6 alpha on the
first look at 20, ``.36 alpha / (j (j - 1))`` on the j-th. Within a look the level is dealt by weighted
Holm: most of it to the mean residual, which is what a model must keep.

| alarm | what changed |
|---|---|
| relation | what is paid for the same: residuals; for preferences, the order of clips within an episode |
| pay | what the model pays on average |
| input | what it is shown |

Source: Mann and Whitney, 1947; Holm, 1979 (weights); the union bound over looks. Deviation from
`detect_drift`: ranks instead of permutations, since 999 of them never reach the level of the fifth look.
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
from rewardwrap.nets.reference import DISAGREEMENT, RESIDUALS, aggregates, stream_rows

WEIGHTS = {
    "mean residual": 0.8,
    "pair disagreement": 0.85,
    "mean |residual|": 0.05,
    "pay": 0.05,
    "input": 0.1,
}
LEAST = 8
"""Held-out episodes below which there is nothing to compare with."""
SPAN = 20
"""Episodes that are looked at together, or one window where that is longer."""
BEFORE, FIRST, LATER = 0.04, 0.6, 0.36
"""Shares of alpha: looks at fewer than `SPAN` episodes, the first at so many, and all later ones."""


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


@dataclass
class Watch:
    """What was seen.

    Args:
        alarms: The first of each kind.
        windows: One each: last episode, level, and the mean of every column.
        notes: What could not be watched, in sentences.
        reference: Episodes compared with.
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
    if len(store) < every:
        raise DataError(
            f"a stream must hold a window of {every} episodes, got {len(store)}. Use --every N."
        )
    made = Watch()
    names, before, now = _rows(model, store, made)
    made.reference, span = len(before), max(SPAN, every)
    raised: set[str] = set()
    for end in range(every, len(now) + 1, every):
        level = alpha * share(end, every, span)
        p = _chances(before, now[max(0, end - span) : end])
        window = now[end - every : end]
        made.windows.append(
            {"episode": end, "level": level, "means": dict(zip(names, _means(window), strict=True))}
        )
        for kind, hit in _rejected(p, names, level).items():
            if kind not in raised:
                raised.add(kind)
                smallest = float(np.nanmin([p[names.index(name)] for name in hit]))
                made.alarms.append(Alarm(kind, end, hit, smallest))
    return made


def share(end: int, every: int, span: int) -> float:
    """The part of alpha that a look after ``end`` episodes may spend; all of them add up to 1 at most.

    Example:
        >>> [share(end, 10, 20) for end in (10, 20, 30, 40)]
        [0.04, 0.6, 0.18, 0.06]
    """
    if end < span:
        return BEFORE / max(1, (span - 1) // every)
    look = (end - -(-span // every) * every) // every + 1
    return FIRST if look == 1 else LATER / (look * (look - 1))


def _rows(
    model: Model, store: EpisodeStore, made: Watch
) -> tuple[list[str], FloatArray, FloatArray]:
    """Columns, rows of the reference, rows of the stream; notes say what is not watched."""
    kept = model.metrics.get("stream")
    paid = model.net.freeze()(store.transitions())
    if kept is None and "reference" in model.metrics:
        made.notes.append(
            f"A model of {model.document['objective']} pays in no unit of the log: the relation is not "
            "watched."
        )
        kept = model.metrics["reference"]
        names, now = aggregates(store, model.net, paid)
    else:
        names, now = stream_rows(store, model.net, paid, length=(kept or {}).get("length"))
    before = np.array(kept["rows"], np.float64) if kept else np.zeros((0, 1))
    if len(before) < LEAST:
        raise DataError(
            f"a monitor must compare with {LEAST} held-out episodes of the fit or more, got "
            f"{len(before)}. Fit the model again, on more episodes."
        )
    watched = [i for i, name in enumerate(names) if kind_of(name) == "relation"]
    if watched and not np.isfinite(now[:, watched]).all(axis=1).any():
        made.notes.append("No episode has logged rewards: the relation is not watched.")
    return names, before, now


def kind_of(column: str) -> str:
    """Which alarm a column raises."""
    if column in (*RESIDUALS, DISAGREEMENT):
        return "relation"
    return "pay" if column == "mean pay" else "input"


def _chances(before: FloatArray, now: FloatArray) -> FloatArray:
    """Two-sided p values, one a column; NaN where nothing is known."""
    found = np.full(now.shape[1], np.nan)
    # columns without gaps are ranked in one call, which costs hardly more than one of them
    whole = np.isfinite(before).all(axis=0) & np.isfinite(now).all(axis=0)
    gaps = [np.array([i]) for i in np.flatnonzero(~whole)]
    for columns in (np.flatnonzero(whole), *gaps):
        one, other = before[:, columns], now[:, columns]
        if len(columns) == 1:
            one, other = one[np.isfinite(one[:, 0])], other[np.isfinite(other[:, 0])]
        if not len(columns) or len(one) < LEAST or len(other) < 2:
            continue
        same = np.ptp(np.concatenate([one, other]), axis=0) == 0
        test = stats.mannwhitneyu(other, one, method="asymptotic", axis=0)
        found[columns] = np.where(same, 1.0, test.pvalue)
    return found


def _rejected(p: FloatArray, names: list[str], level: float) -> dict[str, list[str]]:
    """Weighted Holm: columns whose chance is below their share of the level."""
    kinds = [kind_of(name) for name in names]
    known = np.flatnonzero(np.isfinite(p))
    weight = np.array([WEIGHTS.get(name) or WEIGHTS[kind] / kinds.count(kind)
                       for name, kind in zip(names, kinds, strict=True)])  # fmt: skip
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
