"""What is left of the truth when a proxy is optimised: best-of-n curves, and their KL.

Source: Gao, Schulman and Hilton, Scaling laws for reward model overoptimization, 2022,
arXiv:2210.10760. The estimator of best-of-n from N samples is that of their equation for Nakano et
al., WebGPT, 2021, arXiv:2112.09332.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from rewardwrap.statistics import ScoresError

Array = NDArray[np.float64]


def best_of_n_kl(n: ArrayLike) -> Array:
    """KL of best-of-n from the policy it samples: ln n - (n - 1) / n, in nats.

    >>> best_of_n_kl([1, 4]).round(4).tolist()
    [0.0, 0.6363]
    """
    sizes = np.asarray(n, dtype=np.float64)
    found: Array = np.log(sizes) - (sizes - 1) / sizes
    return found


def best_of_n(proxy: ArrayLike, value: ArrayLike, n: int) -> float:
    """Expected value of the best of n candidates by proxy, without bias, from N >= n of them.

    sum over i of C(i - 1, n - 1) / C(N, n) · value_(i), candidates sorted by proxy; equal proxies
    share the mean of their values, which is what picking one of them at random gives.

    Args:
        proxy: What candidates are chosen by, (N,).
        value: What that is worth, (N,): the true return, or the proxy itself.
        n: Candidates to choose from, in [1, N].

    Example:
        >>> round(best_of_n([1, 2, 3], [10, 20, 60], 2), 2)
        46.67
    """
    by, worth = _pool(proxy, value)
    total = by.size
    if not 1 <= n <= total:
        raise ScoresError(
            f"n must lie in [1, {total}], the candidates there are, got {n}. Sample more candidates."
        )
    levels, place, count = np.unique(by, return_inverse=True, return_counts=True)
    shared = (np.bincount(place, weights=worth, minlength=levels.size) / count)[np.sort(place)]
    rank = np.arange(1, total + 1)
    chance = np.zeros(total)
    able = rank >= n
    chance[able] = np.exp(_log_choose(rank[able] - 1, n - 1) - _log_choose(total, n))
    return float(chance @ shared)


@dataclass(frozen=True)
class BestOfCurve:
    """Proxy and truth over how hard the proxy is optimised.

    Args:
        n: Candidates chosen from, (K,).
        kl: ln n - (n - 1) / n, (K,).
        proxy: Expected proxy of the chosen one, (K,).
        gold: Expected true value of it, (K,).
    """

    n: NDArray[np.int64]
    kl: Array
    proxy: Array
    gold: Array

    @property
    def lost(self) -> float:
        """How far the truth falls from its peak to the last n."""
        return float(self.gold.max() - self.gold[-1])

    def fit(self) -> tuple[float, float, float]:
        """alpha and beta of gold - gold(n=1) = d · (alpha - beta · d), d = sqrt(KL), and the peak.

        Returns:
            alpha, beta, d* = alpha / (2 beta); d* is inf where the truth does not turn.
        """
        distance = np.sqrt(self.kl)
        if np.unique(distance).size < 3 or self.kl[0] != 0:
            raise ScoresError(
                f"n must hold 1 and two more values to fit two numbers, got {self.n.tolist()}. "
                "Give e.g. 1, 2, 4, 8, 16."
            )
        columns = np.stack([distance, -np.square(distance)], axis=1)
        alpha, beta = np.linalg.lstsq(columns, self.gold - self.gold[0], rcond=None)[0]
        peak = alpha / (2 * beta) if beta > 0 else math.inf
        return float(alpha), float(beta), float(max(peak, 0.0))


def best_of_curve(proxy: ArrayLike, gold: ArrayLike, n: ArrayLike | None = None) -> BestOfCurve:
    """The over-optimisation curve of a pool of candidates.

    Args:
        proxy: Score of the model, (N,), or (items, N) for several prompts or start states.
        gold: True value, same shape.
        n: Rising; None: powers of 2 up to N / 4, above which N candidates say little.

    Raises:
        ScoresError: Other shapes, NaN, an n above N.
    """
    by, worth = np.asarray(proxy, dtype=np.float64), np.asarray(gold, dtype=np.float64)
    by, worth = (values[None] if values.ndim == 1 else values for values in (by, worth))
    if by.shape != worth.shape or by.ndim != 2 or 0 in by.shape:
        raise ScoresError(
            f"proxy and gold must be (N,) or (items, N) alike, got {by.shape} and {worth.shape}."
            " Score every candidate twice."
        )
    top = max(by.shape[1] // 4, 1)
    sizes = 2 ** np.arange(int(math.log2(top)) + 1) if n is None else np.asarray(n, dtype=np.int64)
    curves = [
        [np.mean([best_of_n(b, w, int(k)) for b, w in zip(by, value, strict=True)]) for k in sizes]
        for value in (by, worth)
    ]
    return BestOfCurve(
        sizes.astype(np.int64), best_of_n_kl(sizes), np.array(curves[0]), np.array(curves[1])
    )


def _log_choose(total: ArrayLike, chosen: ArrayLike) -> Array:
    large, small = np.asarray(total, dtype=np.float64), np.asarray(chosen, dtype=np.float64)
    found: Array = gammaln(large + 1) - gammaln(small + 1) - gammaln(large - small + 1)
    return found


def _pool(proxy: ArrayLike, value: ArrayLike) -> tuple[Array, Array]:
    by, worth = np.asarray(proxy, dtype=np.float64), np.asarray(value, dtype=np.float64)
    if by.ndim != 1 or by.shape != worth.shape or not by.size:
        raise ScoresError(
            f"proxy and value must be one number for each candidate, got shapes {by.shape} and "
            f"{worth.shape}. Score every candidate twice."
        )
    for values in (by, worth):
        if not np.isfinite(values).all():
            raise ScoresError(
                f"scores must be finite, got {values[~np.isfinite(values)][0]}. Look at the model."
            )
    return by, worth
