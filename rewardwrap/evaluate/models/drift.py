"""Whether episodes changed: one row per episode, thresholds by permutation, Holm over dimensions.

Steps of one episode depend on each other, and a test that takes them for independent raises alarms
over the same policy in 87 to 97 % of the cases. So the unit here is the episode: ``episode_means``
makes a row of each, and rows that look like steps are refused.

What to watch: reward given observation, the scale of rewards, a reward model's input. Observations
themselves drift in every training, because the policy learns.

Source: Gretton et al., A kernel two-sample test, 2012 (MMD); Phipson and Smyth, Permutation p-values
should never be zero, 2010; Holm, A simple sequentially rejective multiple test procedure, 1979.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rewardwrap.core.errors import RewardwrapWarning
from rewardwrap.statistics import ScoresError, holm
from rewardwrap.statistics.two_samples import BINS, STATISTICS

Array = NDArray[np.float64]

FEW = 20
"""Episodes on a side below which a shift of one deviation is missed more often than rarely."""
DEPENDENT = 0.5
"""Correlation of neighbouring rows from which they are taken for steps."""
MOST = 500
"""Rows on a side that MMD, whose cost is quadratic, looks at."""


@dataclass(frozen=True)
class Drift:
    """The answer of a drift test.

    Args:
        alarm: Whether any dimension changed, at the stated level over all of them.
        p_values: Of each dimension, adjusted by Holm, (d,).
        statistics: Of each dimension, (d,).
        thresholds: The 1 - alpha quantile of each under permutation, before Holm, (d,).
        method: "ks", "psi" or "mmd".
        alpha: Chance of an alarm where nothing changed.
        reference: Episodes on that side.
        current: Episodes on this one.
    """

    alarm: bool
    p_values: Array
    statistics: Array
    thresholds: Array
    method: str
    alpha: float
    reference: int
    current: int

    @property
    def changed(self) -> NDArray[np.intp]:
        """Dimensions that changed."""
        return np.flatnonzero(self.p_values <= self.alpha)


def detect_drift(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    rng: np.random.Generator,
    method: str = "mmd",
    alpha: float = 0.05,
    permutations: int = 999,
) -> Drift:
    """Test whether episodes of now are as those of the reference.

    Each dimension is tested on its own by a permutation of episodes, which is exact for independent
    episodes at every number of them; Holm's method keeps the chance of any false alarm at alpha.

    Args:
        reference: One row per episode, (n, d) or (n,), e.g. from ``episode_means``.
        current: The same, (m, d) or (m,).
        rng: Of the permutations.
        method: "mmd" (kernel, the most powerful for shifts), "ks" or "psi".
        alpha: Chance of a false alarm, over all dimensions.
        permutations: How many; d / alpha at least.

    Raises:
        ScoresError: Rows that look like steps, too few episodes or permutations to ever reach alpha,
            other dimensions, NaN.

    Warns:
        RewardwrapWarning: Fewer than 20 episodes on a side, or neighbouring ones that are alike.
    """
    before, now = _rows(reference, "reference"), _rows(current, "current")
    if before.shape[1] != now.shape[1]:
        raise ScoresError(
            f"episodes must have the same dimensions, got {before.shape[1]} and {now.shape[1]}. "
            "Aggregate both in the same way."
        )
    if method not in STATISTICS:
        raise ScoresError(f"method must be one of {sorted(STATISTICS)}, got {method!r}.")
    if not 0 < alpha < 1:
        raise ScoresError(f"alpha must lie in (0, 1), got {alpha:g}. 0.05 is usual.")
    _refuse_few(len(before), len(now), before.shape[1], alpha, permutations)
    for name, rows in (("reference", before), ("current", now)):
        _refuse_steps(rows, name)
    if method == "mmd":
        before, now = (_subsample(rows, rng) for rows in (before, now))
    labels = _labels(len(before), len(now), permutations, rng)
    found = np.array(
        [
            _one(np.concatenate([before[:, k], now[:, k]]), labels, method, alpha)
            for k in range(before.shape[1])
        ]
    )
    adjusted = np.asarray(holm(found[:, 1].tolist()), dtype=np.float64)
    return Drift(
        alarm=bool((adjusted <= alpha).any()),
        p_values=adjusted,
        statistics=found[:, 0],
        thresholds=found[:, 2],
        method=method,
        alpha=alpha,
        reference=len(before),
        current=len(now),
    )


def psi(reference: ArrayLike, current: ArrayLike, *, bins: int = BINS) -> float:
    """Population stability index: sum (q - p) · ln(q / p) over quantile bins of the reference.

    Its usual limits, .1 and .25, are for thousands: with 100 on each side the mean without any change
    is .19. Use ``detect_drift(..., method="psi")``, whose threshold fits the numbers at hand.

    Args:
        reference: (n,).
        current: (m,).
        bins: Of equally many reference values.

    Deviation: every bin holds half a count more, so that an empty one gives a finite number.
    """
    before, now = _rows(reference, "reference")[:, 0], _rows(current, "current")[:, 0]
    labels = np.zeros((1, before.size + now.size), dtype=bool)
    labels[:, : before.size] = True
    return float(STATISTICS["psi"](np.concatenate([before, now]), labels, bins)[0])


def _one(pooled: Array, labels: NDArray[np.bool_], method: str, alpha: float) -> Array:
    """Statistic, p-value and threshold of one dimension; row 0 of the labels is what was seen."""
    if np.ptp(pooled) == 0:
        return np.array([0.0, 1.0, 0.0])
    values = STATISTICS[method](pooled, labels, BINS)
    as_large = int((values[1:] >= values[0] - 1e-12).sum())
    chance = (1 + as_large) / values.size
    return np.array([values[0], chance, float(np.quantile(values[1:], 1 - alpha))])


def _labels(
    before: int, now: int, permutations: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    seen = np.arange(before + now) < before
    shuffled = rng.permuted(np.tile(seen, (permutations, 1)), axis=1)
    return np.concatenate([seen[None], shuffled])


def _subsample(rows: Array, rng: np.random.Generator) -> Array:
    return rows if len(rows) <= MOST else rows[np.sort(rng.choice(len(rows), MOST, replace=False))]


def _rows(values: ArrayLike, name: str) -> Array:
    rows: Any = np.asarray(values, dtype=np.float64)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or 0 in rows.shape:
        raise ScoresError(
            f"{name} must hold one row per episode, (episodes, dimensions), got shape "
            f"{np.shape(values)}. Make them with episode_means."
        )
    if not np.isfinite(rows).all():
        raise ScoresError(
            f"{name} must be finite, got {rows[~np.isfinite(rows)][0]}. Find its episode first."
        )
    found: Array = rows
    return found


def _refuse_few(before: int, now: int, dimensions: int, alpha: float, permutations: int) -> None:
    least = 1 / math.comb(before + now, now)
    if least * dimensions > alpha or min(before, now) < 2:
        raise ScoresError(
            f"episodes must be enough for a p-value of {alpha:g} over {dimensions} dimensions, got "
            f"{before} and {now}. Collect at least {FEW} on each side."
        )
    if (permutations + 1) * alpha < dimensions:
        raise ScoresError(
            f"permutations must be at least {math.ceil(dimensions / alpha) - 1} for alpha {alpha:g} "
            f"over {dimensions} dimensions, got {permutations}. 999 are usual."
        )
    if min(before, now) < FEW:
        warnings.warn(
            f"{min(before, now)} episodes show only large changes: no alarm says little. "
            f"Collect {FEW} or more on each side.",
            RewardwrapWarning,
            stacklevel=3,
        )


def _refuse_steps(rows: Array, name: str) -> None:
    """Independent rows have no correlation with their neighbours: its deviation is 1 / sqrt(n)."""
    spread = rows.std(axis=0)
    centred = (rows - rows.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    if not centred.size:
        return
    highest = float((centred[1:] * centred[:-1]).mean(axis=0).max())
    noise = 4 / math.sqrt(len(rows))
    if highest > max(DEPENDENT, noise):
        raise ScoresError(
            f"{name} must hold one row per episode, got rows that follow each other as steps do "
            f"(correlation {highest:.2f} with the next). Make them with episode_means; if they are "
            "episodes of a policy that learns, compare windows of it in which it does not."
        )
    if highest > noise:
        warnings.warn(
            f"{name}: neighbouring episodes are alike (correlation {highest:.2f}), so that alarms "
            "come more often than alpha says. Was the policy learning?",
            RewardwrapWarning,
            stacklevel=3,
        )
