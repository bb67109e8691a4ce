"""Intervals of any statistic of a score matrix, by drawing its runs again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rewardwrap.statistics.intervals import Interval
from rewardwrap.statistics.scores import Array, matrix

_CHUNK = 2**20
"""Resampled scores held at once; keeps the bootstrap under about 50 MB."""


def bootstrap_interval(
    fn: Callable[..., Any],
    scores: ArrayLike,
    *,
    other: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 50_000,
    rng: np.random.Generator | None = None,
) -> Interval:
    """Percentile bootstrap that resamples runs independently within each task.

    It covers less than it promises at few runs (Gaussian mean: 85 % at n = 5, 91 % at n = 10), so
    below 10 runs it is marked as not trusted; see ``recommended_interval``.

    Args:
        fn: Statistic of a batch (..., runs, tasks) -> (...), as all of this module are. One that
            reduces a whole batch to a single number is called once per resample, slowly.
        scores: (runs, tasks) or (runs,).
        other: Second sample (m, tasks) of a statistic ``fn(x, y)``, resampled on its own.
        confidence: Nominal coverage, in (0, 1).
        resamples: How many; 50 000 leave a noise of about 1 % of the width.
        rng: Where the randomness comes from; None is ``default_rng(0)``: same scores, same bounds.
    """
    samples = [matrix(scores)] + ([] if other is None else [matrix(other)])
    source = np.random.default_rng(0) if rng is None else rng
    runs = min(s.shape[0] for s in samples)
    batched = np.shape(fn(*(np.stack([s, s]) for s in samples))) == (2,)
    work = samples[0].size * (samples[1].shape[0] if len(samples) > 1 else 1)
    chunk = max(1, _CHUNK // work)
    found: list[Array] = []
    for start in range(0, resamples, chunk):
        drawn = [_resample(s, min(chunk, resamples - start), source) for s in samples]
        rows = fn(*drawn) if batched else [fn(*row) for row in zip(*drawn, strict=True)]
        found.append(np.asarray(rows, dtype=np.float64))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(found), [tail, 1 - tail])
    why = "" if runs >= 10 else f"the bootstrap covers too little with {runs} runs"
    return Interval(float(low), float(high), "bootstrap", runs >= 10, why)


def _resample(scores: Array, count: int, rng: np.random.Generator) -> Array:
    runs = rng.integers(scores.shape[0], size=(count, *scores.shape))
    return np.take_along_axis(scores[None], runs, axis=1)
