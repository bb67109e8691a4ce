"""What a certificate may be claimed from: every refusal of ``certify``, with its sentence."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rewardwrap.core.errors import RewardwrapError

Array = NDArray[np.float64]

CLOPPER_PEARSON, DKW = "clopper-pearson", "dkw"
METHODS = (CLOPPER_PEARSON, DKW)


class CertificateError(RewardwrapError, ValueError):
    """A claim that these episodes cannot support."""


def checked_returns(returns: ArrayLike, lower: float) -> Array:
    """One finite return for each episode, none below ``lower``."""
    played = np.asarray(returns, dtype=np.float64)
    if played.ndim != 1 or played.size == 0:
        raise CertificateError(
            f"returns must be one number for each of at least one episode, got shape {played.shape}. "
            "Sum the rewards of each episode."
        )
    if not np.isfinite(played).all():
        raise CertificateError(
            f"returns must be finite, got {played[~np.isfinite(played)][0]}. "
            "Find the episode it comes from; leaving it out would bias the bound."
        )
    if not math.isfinite(lower):
        raise CertificateError(
            f"lower must be a finite number that no return is below, got {lower}. "
            "Without one no expected return can be certified."
        )
    if played.min() < lower:
        raise CertificateError(
            f"lower must be a bound that no return is below, got {lower:g} and a return of "
            f"{played.min():g}. Take the least return that the environment can give."
        )
    return played


def check_claim(sigma: float, alpha: float, method: str) -> None:
    """Refuse a sigma, alpha or method that nothing follows from."""
    if not (math.isfinite(sigma) and sigma > 0):
        raise CertificateError(
            f"sigma must be above 0, got {sigma:g}. Only a policy that plays with noise is certified."
        )
    if not 0 < alpha <= 0.5:
        raise CertificateError(
            f"alpha must lie in (0, 1/2], got {alpha:g}. 0.05 is a confidence of 95 %."
        )
    if method not in METHODS:
        raise CertificateError(f"method must be one of {METHODS}, got {method!r}. Choose one.")


def checked_budgets(budgets: Array) -> Array:
    """Budgets as an array (K,), each finite and >= 0."""
    if budgets.ndim != 1 or not (np.isfinite(budgets) & (budgets >= 0)).all():
        raise CertificateError(
            f"budgets must be finite numbers >= 0, got {budgets.tolist()}. "
            "They are in the unit of the observation, e.g. np.linspace(0, 1, 101)."
        )
    return budgets


def checked_levels(thresholds: ArrayLike, lower: float) -> Array:
    """Thresholds as a rising array (V,) from above ``lower``."""
    levels = np.asarray(thresholds, dtype=np.float64)
    if levels.ndim != 1 or levels.size == 0 or not np.isfinite(levels).all():
        raise CertificateError(
            f"thresholds must be at least one finite number, got {levels.tolist()}. "
            "Give e.g. range(1, 201)."
        )
    if not (np.diff(levels) > 0).all() or levels[0] <= lower:
        raise CertificateError(
            f"thresholds must rise, and from above lower ({lower:g}), got "
            f"{np.array2string(levels, threshold=6, edgeitems=2)}. Sort them and drop doubles."
        )
    return levels


def refuse_chosen(levels: Array, played: Array, lower: float) -> None:
    """Thresholds that give away that they were computed from the returns.

    Clopper and Pearson's bound of P(R >= v) holds for a v that was there before R. What is seen: v that
    equal returns digit by digit where nobody would have written such a number, all of an uneven
    list being returns, a grid from the least to the largest return, quantiles of the returns. What
    is not seen is still wrong.
    """
    seen = np.isin(levels, played)
    odd = seen & (np.array([float(f"{level:.4g}") for level in levels]) != levels)
    gaps = np.diff(levels)
    even = bool(np.allclose(gaps, gaps[:1])) if gaps.size else True
    # a grid that starts one step above lower may well have been written down
    loose = levels.size > 2 and not np.isclose(levels[0] - lower, gaps[0])
    spans = loose and levels[0] == played.min() and levels[-1] == played.max()
    listed = levels.size > 2 and not even and bool(seen.all())
    if odd.any() or listed or spans or (not even and _are_quantiles(levels, played)):
        raise CertificateError(
            "thresholds must be fixed before any episode is played for clopper-pearson, got some "
            f"computed from the returns, e.g. {levels[seen][0] if seen.any() else levels[0]:g}. "
            'Take an even grid between the bounds of a return, or method="dkw", which holds for all.'
        )


def _are_quantiles(levels: Array, played: Array) -> bool:
    ranks = (
        np.linspace(0, 1, levels.size),
        np.linspace(0, 1, levels.size + 2)[1:-1],
        np.linspace(0, 1, levels.size + 1)[1:],
    )
    return levels.size > 2 and any(
        np.allclose(levels, np.quantile(played, rank), rtol=1e-9, atol=0) for rank in ranks
    )


def refuse_few(episodes: int, levels: int, alpha: float, method: str) -> None:
    """Where perfect episodes would not even certify half of the range without an attack."""
    if method == DKW:
        needed = math.ceil(2 * math.log(1 / alpha))
    else:
        needed = math.ceil(math.log(max(levels, 1) / alpha) / math.log(2))
    if episodes < needed:
        shared = f" shared by {levels} thresholds" if method == CLOPPER_PEARSON else ""
        raise CertificateError(
            f"returns must hold at least {needed} episodes for alpha {alpha:g}{shared}, got "
            f"{episodes}: with fewer, even perfect ones do not certify half of the range. "
            "Play more; 10 000 are usual."
        )
