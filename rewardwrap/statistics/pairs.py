"""How well a reward model orders pairs: accuracy, log-loss, temperature.

A pair is told by ``difference = R(first) - R(second)``, shape (n,), the logit of "first is better"
under Bradley and Terry, and by ``preferred``, (n,): 1 where the first was preferred, 0 where the
second was, anything between for a soft label, 1/2 for a tie. Everything stays in logits, because
float32 probabilities lose a difference beyond about 17.

Source: Bradley and Terry, Rank analysis of incomplete block designs, 1952.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit

from rewardwrap.statistics.calibration import Reliability, brier, reliability
from rewardwrap.statistics.scores import ScoresError

Array = NDArray[np.float64]


def pair_probability(difference: ArrayLike) -> Array:
    """P(first is better) = sigmoid(difference), shape (n,)."""
    found: Array = expit(np.asarray(difference, dtype=np.float64))
    return found


def pair_accuracy(difference: ArrayLike, preferred: ArrayLike) -> float:
    """Share of the pairs that the model orders as they were; a tie of the model counts 1/2.

    mean of y·[d > 0] + (1 - y)·[d < 0] + [d = 0] / 2, so that a constant model scores 1/2.

    Args:
        difference: R(first) - R(second), (n,).
        preferred: 1 where the first is preferred, 0 where the second is, (n,); 1/2 is a tie.

    Raises:
        ScoresError: No pairs, different lengths, NaN, or a label outside [0, 1].

    Example:
        >>> pair_accuracy([2.0, -1.0, 0.0], [1, 1, 0])
        0.5
    """
    gap, label = _pairs(difference, preferred)
    return float(np.where(gap > 0, label, np.where(gap < 0, 1 - label, 0.5)).mean())


def log_loss(difference: ArrayLike, preferred: ArrayLike) -> float:
    """Mean of y·softplus(-d) + (1 - y)·softplus(d); log 2 is a model that knows nothing.

    Args:
        difference: R(first) - R(second), (n,).
        preferred: Labels in [0, 1], (n,).
    """
    gap, label = _pairs(difference, preferred)
    return float(np.mean(label * np.logaddexp(0, -gap) + (1 - label) * np.logaddexp(0, gap)))


def fit_temperature(difference: ArrayLike, preferred: ArrayLike) -> float:
    """The temperature t > 0 for which d / t has the least log-loss; fit it on held-out pairs.

    The loss is convex in 1 / t and has one root of its slope, mean of d·(sigmoid(d / t) - y).
    Dividing by t changes neither accuracy nor any ranking.

    Args:
        difference: R(first) - R(second) on pairs the model was not fitted on, (n,).
        preferred: Labels in [0, 1], (n,).

    Returns:
        t; above 1 the model was too sure of itself.

    Raises:
        ScoresError: No difference at all, or a model that is wrong more often than right, for
            which no positive temperature helps.

    Source: Guo et al., On calibration of modern neural networks, 2017, arXiv:1706.04599.
    Deviation: labels are pulled to 1/2 by 1 / (n + 2), as in Platt, Probabilistic outputs for
    support vector machines, 1999, so that pairs without a single mistake have a finite answer.
    """
    gap, label = _pairs(difference, preferred)
    pull = 1 / (gap.size + 2)
    target = label * (1 - pull) + (1 - label) * pull
    scale = float(np.abs(gap).max())
    if scale == 0 or np.mean(gap * (0.5 - target)) >= 0:
        raise ScoresError(
            "difference must point to the preferred side more often than not to be given a "
            f"temperature, got an accuracy of {pair_accuracy(gap, label):.3g}. "
            "Fit the model again, or change its sign."
        )
    unit = gap / scale

    def slope(inverse: float) -> float:
        return float(np.mean(unit * (expit(inverse * unit) - target)))

    upper = 1.0
    while slope(upper) < 0:
        upper *= 2
    return scale / float(brentq(slope, 0.0, upper, xtol=1e-12, rtol=1e-12))


def pair_reliability(
    difference: ArrayLike,
    preferred: ArrayLike,
    *,
    bins: int | ArrayLike = 10,
    equal_mass: bool = False,
) -> Reliability:
    """Confidence max(p, 1 - p) against the share of pairs ordered rightly, binned on [1/2, 1].

    Args:
        difference: R(first) - R(second), (n,).
        preferred: Labels in [0, 1], (n,).
        bins: How many, or their edges.
        equal_mass: Bins of equally many pairs instead of equal width.
    """
    gap, label = _pairs(difference, preferred)
    right = np.where(gap > 0, label, np.where(gap < 0, 1 - label, 0.5))
    return reliability(
        expit(np.abs(gap)), right, bins=bins, equal_mass=equal_mass, bounds=(0.5, 1.0)
    )


def pair_ece(
    difference: ArrayLike,
    preferred: ArrayLike,
    *,
    bins: int | ArrayLike = 10,
    equal_mass: bool = False,
) -> float:
    """Expected calibration error of pairs, over confidence on [1/2, 1]; see pair_reliability."""
    return pair_reliability(difference, preferred, bins=bins, equal_mass=equal_mass).ece


@dataclass(frozen=True)
class PairReport:
    """Every number about one set of pairs.

    Args:
        pairs: How many.
        accuracy: Ties count 1/2.
        log_loss: In nats.
        brier: Mean squared error of the probability.
        ece: Over confidence, on [1/2, 1].
        reliability: The diagram behind it.
    """

    pairs: int
    accuracy: float
    log_loss: float
    brier: float
    ece: float
    reliability: Reliability


def pair_report(difference: ArrayLike, preferred: ArrayLike, *, bins: int = 10) -> PairReport:
    """Accuracy, log-loss, Brier score and calibration of one set of pairs.

    Args:
        difference: R(first) - R(second), (n,).
        preferred: Labels in [0, 1], (n,).
        bins: Of the reliability diagram.
    """
    gap, label = _pairs(difference, preferred)
    diagram = pair_reliability(gap, label, bins=bins)
    return PairReport(
        pairs=gap.size,
        accuracy=pair_accuracy(gap, label),
        log_loss=log_loss(gap, label),
        brier=brier(expit(gap), label),
        ece=diagram.ece,
        reliability=diagram,
    )


def accuracy_drop(
    seen: tuple[ArrayLike, ArrayLike], shifted: tuple[ArrayLike, ArrayLike]
) -> tuple[float, float, float]:
    """What a model loses away from its data: accuracy on seen pairs, on shifted ones, the drop.

    Args:
        seen: (difference, preferred) of held-out pairs from the policies it was fitted on.
        shifted: The same of others: later checkpoints, random, an expert.
    """
    inside, outside = pair_accuracy(*seen), pair_accuracy(*shifted)
    return inside, outside, inside - outside


def _pairs(difference: ArrayLike, preferred: ArrayLike) -> tuple[Array, Array]:
    gap = np.asarray(difference, dtype=np.float64)
    label = np.asarray(preferred, dtype=np.float64)
    if gap.ndim != 1 or gap.size == 0 or label.shape != gap.shape:
        raise ScoresError(
            "difference and preferred must be one number for each of at least one pair, got "
            f"shapes {gap.shape} and {label.shape}. Flatten them, and label every pair."
        )
    if not np.isfinite(gap).all():
        raise ScoresError(
            f"difference must be finite, got {gap[~np.isfinite(gap)][0]}. Look at the rewards."
        )
    if not ((label >= 0) & (label <= 1)).all():
        raise ScoresError(
            "preferred must lie in [0, 1], got "
            f"{label[~((label >= 0) & (label <= 1))][0]:g}. Write 1 for the first of a pair, 0 for "
            "the second, 0.5 for a tie."
        )
    return gap, label
