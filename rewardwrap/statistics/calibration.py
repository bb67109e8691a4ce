"""Whether probabilities mean what they say: Brier score, reliability diagram, calibration error.

Order and calibration are two questions: a rising map of the scores leaves accuracy and AUC as they
are and may ruin the probabilities, and a verifier with the better calibration trains the better
policy at the same accuracy.

Source: Guo et al., On calibration of modern neural networks, 2017, arXiv:1706.04599; SWE-RM, 2025,
arXiv:2512.21919.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rewardwrap.statistics.scores import ScoresError

Array = NDArray[np.float64]
HOTTEST = 1e4
"""Mean differences beyond which a temperature leaves nothing but 1/2."""


@dataclass(frozen=True)
class Reliability:
    """What a reliability diagram draws, for bins that hold at least one sample.

    Args:
        low: Lower edge of each bin, (B,).
        high: Upper edge, (B,).
        count: Samples in it, (B,) int.
        confidence: Their mean probability, (B,).
        accuracy: Their mean outcome, (B,).
    """

    low: Array
    high: Array
    count: NDArray[np.int64]
    confidence: Array
    accuracy: Array

    @property
    def ece(self) -> float:
        """Expected calibration error: sum over bins of n_b / n · |accuracy_b - confidence_b|."""
        weight = self.count / self.count.sum()
        return float(np.sum(weight * np.abs(self.accuracy - self.confidence)))

    @property
    def worst(self) -> float:
        """Maximum calibration error: the largest gap of a bin."""
        return float(np.abs(self.accuracy - self.confidence).max())


def brier(probability: ArrayLike, outcome: ArrayLike) -> float:
    """Mean of (p - y)²: 0 is perfect, 1/4 is always saying 1/2.

    Args:
        probability: Of outcome 1, (n,), in [0, 1]. Of a pair: ``pair_probability(difference)``.
        outcome: 0 or 1, or a soft label between, (n,).

    Source: Brier, Verification of forecasts expressed in terms of probability, 1950.
    """
    chance, seen = _outcomes(probability, outcome)
    return float(np.mean(np.square(chance - seen)))


def reliability(
    probability: ArrayLike,
    outcome: ArrayLike,
    *,
    bins: int | ArrayLike = 10,
    equal_mass: bool = False,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Reliability:
    """Mean probability against mean outcome, bin by bin.

    Args:
        probability: Of outcome 1, (n,), in ``bounds``.
        outcome: In [0, 1], (n,).
        bins: How many, or their rising edges, e.g. ``[0, .25, .5, .75, 1]``.
        equal_mass: Bins of equally many samples (equal probabilities stay together) instead of
            equal width.
        bounds: Of the bins of equal width.

    Raises:
        ScoresError: No samples, different lengths, a probability outside the bins.
    """
    chance, seen = _outcomes(probability, outcome)
    edges = _edges(chance, bins, equal_mass, bounds)
    if chance.min() < edges[0] or chance.max() > edges[-1]:
        raise ScoresError(
            f"probability must lie within the bins, [{edges[0]:g}, {edges[-1]:g}], got one from "
            f"{chance.min():g} to {chance.max():g}. Give wider edges."
        )
    place = np.clip(np.searchsorted(edges, chance, side="right") - 1, 0, edges.size - 2)
    count = np.bincount(place, minlength=edges.size - 1)
    held = count > 0
    share = count[held]
    return Reliability(
        low=edges[:-1][held],
        high=edges[1:][held],
        count=share.astype(np.int64),
        confidence=np.bincount(place, chance, edges.size - 1)[held] / share,
        accuracy=np.bincount(place, seen, edges.size - 1)[held] / share,
    )


def ece(
    probability: ArrayLike,
    outcome: ArrayLike,
    *,
    bins: int | ArrayLike = 10,
    equal_mass: bool = False,
) -> float:
    """Expected calibration error of a probability on [0, 1]; ``pair_ece`` is that of pairs.

    Example:
        >>> said = [0.9] * 4 + [0.6] * 2 + [0.2] * 2
        >>> round(ece(said, [1, 1, 1, 0, 1, 0, 0, 0], bins=4), 3)
        0.15
    """
    return reliability(probability, outcome, bins=bins, equal_mass=equal_mass).ece


def temperature(difference: ArrayLike, outcome: ArrayLike) -> float:
    """T under which ``sigmoid(difference / T)`` is most likely to give the outcomes.

    Differences that say nothing get a T so large that nobody is sure of anything, and few outcomes
    never make it 0: outcomes are pulled towards 1/2 as by one more success and failure.

    Args:
        difference: ``R_b - R_a``, (n,).
        outcome: P(b better), (n,).

    Source: Guo et al., above, section 4.2; the pull is that of Platt, Probabilistic outputs for support
        vector machines, 1999, section 2.2.

    Example:
        >>> untold = temperature([1.0, -1.0, 1.0, -1.0], [1, 1, 0, 0])
        >>> untold > 1000, temperature([3.0, -3.0, 3.0], [1, 0, 1]) < 3
        (True, True)
    """
    gap = np.asarray(difference, dtype=np.float64)
    _, seen = _outcomes(np.full(gap.shape, 0.5), outcome)
    unit = float(np.abs(gap).mean())
    if not unit:
        return HOTTEST
    target = (gap.size * seen + 1) / (gap.size + 2)
    heats = unit * np.geomspace(1 / HOTTEST, HOTTEST, 400)
    logit = gap / heats[:, None]
    loss = (np.logaddexp(0.0, logit) - target * logit).mean(axis=1)
    return float(heats[int(np.argmin(loss))])


def _edges(
    chance: Array, bins: int | ArrayLike, equal_mass: bool, bounds: tuple[float, float]
) -> Array:
    if isinstance(bins, int | np.integer):
        if bins < 1:
            raise ScoresError(f"bins must be at least 1, got {bins}. 10 to 15 are usual.")
        if not equal_mass:
            return np.linspace(*bounds, int(bins) + 1)
        cuts: Array = np.unique(np.quantile(chance, np.linspace(0, 1, int(bins) + 1)))
        return cuts if cuts.size > 1 else np.repeat(cuts, 2)
    edges = np.asarray(bins, dtype=np.float64)
    if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
        raise ScoresError(
            f"bins must be a number or at least two rising edges, got {edges.tolist()}. "
            "Sort them and drop doubles."
        )
    return edges


def _outcomes(probability: ArrayLike, outcome: ArrayLike) -> tuple[Array, Array]:
    chance = np.asarray(probability, dtype=np.float64)
    seen = np.asarray(outcome, dtype=np.float64)
    if chance.ndim != 1 or chance.size == 0 or seen.shape != chance.shape:
        raise ScoresError(
            "probability and outcome must be one number for each of at least one sample, got "
            f"shapes {chance.shape} and {seen.shape}. Flatten them."
        )
    for name, values in (("probability", chance), ("outcome", seen)):
        outside = ~((values >= 0) & (values <= 1))
        if outside.any():
            raise ScoresError(
                f"{name} must lie in [0, 1], got {values[outside][0]:g}. "
                "Turn scores into probabilities first, e.g. by pair_probability."
            )
    return chance, seen
