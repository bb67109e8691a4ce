"""Where a demonstration falls into steps: the cheapest cuts, found by dynamic programming."""

from __future__ import annotations

from typing import Literal

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray

Cost = Literal["sse", "literal"]


def segments(
    x: FloatArray, count: int, *, least: int = 2, cost: Cost = "sse"
) -> tuple[list[int], float]:
    """The cuts of T frames into ``count`` segments that cost least, and that cost.

    ``"sse"``: the sum of squared distances of frames to the mean of their segment, the likelihood of
    Gaussians of one width. ``"literal"``: the mean over segments of the mean over features of the standard
    deviation, as printed; it favours tiny segments.

    Args:
        x: Frames, ``(T, D)``.
        count: Segments, from 1.
        least: Frames that a segment has at least.
        cost: As above.

    Returns:
        Where segments 2 to ``count`` begin, and the cost.

    Raises:
        ConfigError: Too few frames.

    Source: Sermanet et al., "Unsupervised perceptual rewards for imitation learning", 2016, arXiv 1612.06699,
        algorithm 1 (``"literal"``; its recursion finds the same cuts).

    >>> x = np.array([0, 0, 1, 0, 5, 5, 6, 5, 5, 9, 9, 9, 10.0])[:, None]
    >>> segments(x, 3)[0], segments(x, 2)[0]
    ([4, 9], [4])
    """
    if count < 1 or least < 1 or len(x) < count * least:
        raise ConfigError(
            f"steps must have at least {least} frames each, got {len(x)} frames for {count} steps. Ask "
            "for fewer "
            "steps, or record longer episodes."
        )
    each = _costs(x, cost)
    frames = len(x)
    lengths = np.arange(frames + 1)[None, :] - np.arange(frames + 1)[:, None]
    each = np.where(lengths >= least, each, np.inf)
    best, came = each[0], []
    for _ in range(count - 1):
        total = best[:, None] + each
        came.append(total.argmin(axis=0))
        best = total.min(axis=0)
    cuts, end = [], frames
    for start in reversed(came):
        end = int(start[end])
        cuts.append(end)
    scale = count if cost == "literal" else 1
    return cuts[::-1], float(best[frames]) / scale


def _costs(x: FloatArray, cost: Cost) -> FloatArray:
    """Of every segment ``[i, j)``, ``(T + 1, T + 1)``; infinite where j <= i."""
    # moved to the middle, so that squares of large numbers are not subtracted
    x = x - x.mean(axis=0)
    frames = len(x)
    found = np.full((frames + 1, frames + 1), np.inf)
    none = np.zeros((1, x.shape[1]))
    sums, squares = (np.concatenate([none, np.cumsum(y, axis=0)]) for y in (x, x**2))
    for i in range(frames):
        n = np.arange(1, frames - i + 1)[:, None]
        about = squares[i + 1 :] - squares[i] - (sums[i + 1 :] - sums[i]) ** 2 / n
        about = np.maximum(about, 0.0)
        found[i, i + 1 :] = about.sum(1) if cost == "sse" else np.sqrt(about / n).mean(1)
    return found
