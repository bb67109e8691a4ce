"""How far two canonical rewards lie apart: unit vectors, one formula, and the conventions for zero.

For standardised ``x`` and ``y``, ``sqrt((1 - rho) / 2) = |x/|x| - y/|y|| / 2``: EPIC's, DARD's and ERC's
distance is STARC's on centred vectors. The right-hand side is computed, since it keeps 1e-16 where
``1 - rho`` loses half of the digits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.transitions import FloatArray

METRICS = ("epic", "dard", "starc-val", "starc-minimal", "npec", "erc")

ZERO = 1e-10
"""A canonical reward this much smaller than the reward itself is rounding: it asks for nothing."""

ONE_IS_ZERO = 0.5
"""Distance of a reward that asks for nothing to one that asks for something: halfway to its opposite."""

CONVENTION = (
    "one of the two rewards asks for nothing (it is zero, constant or pure shaping), "
    "so no direction can be compared: 0.5 by convention"
)


def unit(
    values: FloatArray, weights: FloatArray | None, *, centred: bool, scale: float
) -> FloatArray | None:
    """``values`` as a vector of length 1 under ``weights``; None where nothing is left of it.

    Args:
        values: A canonical reward, any shape.
        weights: Probabilities, same shape; None for uniform.
        centred: Whether the mean is taken off first (Pearson).
        scale: Largest absolute value of the reward before it was made canonical.
    """
    x = np.ravel(values)
    w = np.full(x.size, 1.0 / x.size) if weights is None else np.ravel(weights)
    if centred:
        x = x - w @ x
    scaled = x * np.sqrt(w)
    norm = float(np.sqrt(scaled @ scaled))
    return None if norm <= ZERO * scale else scaled / norm


def separation(x: FloatArray | None, y: FloatArray | None) -> float:
    """``|x - y| / 2`` of two unit vectors, in [0, 1]; 0 if both are None, 0.5 if one is."""
    if x is None or y is None:
        return 0.0 if x is y else ONE_IS_ZERO
    return min(float(np.linalg.norm(x - y)) / 2.0, 1.0)


def residual_share(source: FloatArray, target: FloatArray, scales: tuple[float, float]) -> float:
    """NPEC of what shaping left over: ``min_{l >= 0} |l * source - target| / |target|``, in [0, 1].

    Args:
        source: The first reward's part orthogonal to all shaping, times the root of the weights.
        target: The second reward's.
        scales: Largest absolute value of either reward.

    Returns:
        0 where the target is nothing, 1 where the source is nothing and the target is not.
    """
    if np.linalg.norm(target) <= ZERO * scales[1]:
        return 0.0
    if np.linalg.norm(source) <= ZERO * scales[0]:
        return 1.0
    factor = max(0.0, float(source @ target) / float(source @ source))
    left = float(np.linalg.norm(factor * source - target) / np.linalg.norm(target))
    return min(left, 1.0)


def bootstrap(
    measure: Callable[[FloatArray], float],
    groups: NDArray[np.int64],
    *,
    repetitions: int,
    confidence: float,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Percentile interval of a weighted measure, whole groups drawn again with replacement.

    Rows of one episode resemble each other: drawing rows one by one would promise too much.

    Args:
        measure: Distance as a function of row weights ``(rows,)`` that sum to 1.
        groups: ``(rows,)`` the episode of each row, numbered from 0.
        repetitions: How often to draw.
        confidence: Nominal coverage, in (0, 1).
        rng: Draws.
    """
    count = int(groups.max()) + 1
    found = np.empty(repetitions)
    for i in range(repetitions):
        times = np.bincount(rng.integers(count, size=count), minlength=count)
        weights = times[groups].astype(np.float64)
        found[i] = measure(weights / weights.sum()) if weights.any() else np.nan
    tail = (1.0 - confidence) / 2.0
    low, high = np.nanquantile(found, [tail, 1.0 - tail])
    return float(low), float(high)
