"""Distances between two samples under many labellings at once, for permutation tests.

Each distance takes the pooled sample (N,), labels (P, N) that are true for the first of the two, and a number
of bins, and returns (P,): row 0 as it was seen, the others permuted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rewardwrap.statistics.scores import ScoresError

Array = NDArray[np.float64]
Labels = NDArray[np.bool_]

BINS = 10
_CHUNK = 2**22


def episode_means(steps: ArrayLike, first: ArrayLike) -> Array:
    """One row per episode: the mean over its steps.

    Args:
        steps: (T,) or (T, d), episodes one after the other.
        first: Whether a step begins an episode, (T,) bool; the first one must.

    Returns:
        (episodes, d) float64.

    Raises:
        ScoresError: Other lengths, or steps before the first episode.
    """
    rows, starts = np.asarray(steps, dtype=np.float64), np.asarray(first, dtype=bool)
    rows = rows[:, None] if rows.ndim == 1 else rows.reshape(len(rows), -1)
    if starts.shape != rows.shape[:1] or not starts.size or not starts[0]:
        raise ScoresError(
            f"first must say for each of {len(rows)} steps whether it begins an episode, the first "
            f"one included, got shape {starts.shape}. Cut the steps before it off."
        )
    places = np.flatnonzero(starts)
    lengths = np.diff(places, append=len(rows))
    means: Array = np.add.reduceat(rows, places, axis=0) / lengths[:, None]
    return means


def ks_distances(pooled: Array, labels: Labels, bins: int = BINS) -> Array:
    """Kolmogorov and Smirnov: the largest gap between the two distribution functions."""
    order = np.argsort(pooled, kind="stable")
    ordered = pooled[order]
    ends = np.append(ordered[1:] != ordered[:-1], True)
    chosen = labels[:, order]
    first = np.cumsum(chosen, axis=1)[:, ends]
    second = np.cumsum(~chosen, axis=1)[:, ends]
    gaps: Array = np.abs(first / first[:, -1:] - second / second[:, -1:]).max(axis=1)
    return gaps


def psi_distances(pooled: Array, labels: Labels, bins: int = BINS) -> Array:
    """Population stability index over bins that hold equally many of the first sample."""
    rows = max(1, _CHUNK // (pooled.size * bins))
    return np.concatenate(
        [_psi(pooled, labels[at : at + rows], bins) for at in range(0, len(labels), rows)]
    )


def mmd_distances(pooled: Array, labels: Labels, bins: int = BINS) -> Array:
    """Squared maximum mean discrepancy, biased, Gaussian kernel of the median distance's width.

    The kernel is that of the pooled sample, so that all labellings share it.
    """
    apart = np.abs(pooled[:, None] - pooled[None, :])
    width = float(np.median(apart[np.triu_indices(pooled.size, 1)]))
    # most values equal: the median is 0, and any width below the distances that exist will do
    width = width or float(apart[apart > 0].mean())
    kernel = np.exp(-np.square(apart / width) / 2)
    weights = np.where(
        labels,
        1 / labels.sum(axis=1, keepdims=True),
        -1 / (~labels).sum(axis=1, keepdims=True),
    )
    found: Array = np.einsum("pn,pn->p", weights @ kernel, weights)
    return found


def _psi(pooled: Array, labels: Labels, bins: int) -> Array:
    samples = [
        np.broadcast_to(pooled, labels.shape)[chosen].reshape(len(labels), -1)
        for chosen in (labels, ~labels)
    ]
    # inner edges; values on an edge belong below it, so that equal values stay together
    edges = np.quantile(samples[0], np.linspace(0, 1, bins + 1)[1:-1], axis=1).T
    shares = []
    for values in samples:
        above = (values[:, :, None] > edges[:, None, :]).sum(axis=1)
        full = np.full((len(labels), 1), values.shape[1])
        counts = -np.diff(np.concatenate([full, above, 0 * full], axis=1), axis=1) + 0.5
        shares.append(counts / counts.sum(axis=1, keepdims=True))
    before, now = shares
    found: Array = ((now - before) * np.log(now / before)).sum(axis=1)
    return found


STATISTICS: Mapping[str, Callable[[Array, Labels, int], Array]] = MappingProxyType(
    {"ks": ks_distances, "mmd": mmd_distances, "psi": psi_distances}
)
