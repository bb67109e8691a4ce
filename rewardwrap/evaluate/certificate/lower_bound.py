"""How much return an attacker must leave to a smoothed policy.

An attacker shifts every observation by e_t before its noise is added, knowing everything so far, with
``sum over the episode of |e_t|² <= B²``. An event that happens with probability at least p without it
still happens with probability at least ``Phi(Phi^-1(p) - B / sigma)``, so that

    E[R under attack] >= a + sum over i of (v_i - v_{i-1}) · Phi(Phi^-1(p_i) - B / sigma),  v_0 = a,

where a is a true lower bound of the return and p_i a lower confidence bound of P(R >= v_i). It speaks
of the smoothed policy's own return, with its noise on.

Source: Kumar, Levine and Feizi, Policy smoothing for provably robust reinforcement learning, 2022,
arXiv:2106.11420. Deviation: their Freeway script takes the two-sided
constant, sqrt(ln(2/alpha) / 2n), where Massart's one-sided sqrt(ln(1/alpha) / 2n) is enough.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from rewardwrap.evaluate.certificate.claims import (
    CLOPPER_PEARSON,
    DKW,
    CertificateError,
    check_claim,
    checked_budgets,
    checked_levels,
    checked_returns,
    refuse_chosen,
    refuse_few,
)
from rewardwrap.pages.frames import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
SHOWN = 6


@dataclass(frozen=True, repr=False)
class Certificate(Shown):
    """Certified expected return for each budget, and what it rests on.

    Args:
        budgets: B, in the unit of the observation, (K,).
        certified: Lower bound of the expected return under attack, (K,); holds for all of them at
            once with confidence 1 - alpha.
        mean: Mean return of the episodes, without attack.
        episodes: How many.
        sigma: Of the noise.
        lower: The true lower bound of a return.
        alpha: Chance that the bounds are wrong.
        method: "clopper-pearson" or "dkw".
        thresholds: v_i, (V,).
        probabilities: Lower confidence bounds of P(R >= v_i), (V,).
    """

    budgets: Array
    certified: Array
    mean: float
    episodes: int
    sigma: float
    lower: float
    alpha: float
    method: str
    thresholds: Array
    probabilities: Array

    def at(self, budgets: ArrayLike) -> Array:
        """The bound at other budgets; it is the same statement, so no confidence is lost.

        Args:
            budgets: (K,) or a number, >= 0.
        """
        return _bound(
            self.thresholds,
            self.probabilities,
            checked_budgets(np.atleast_1d(np.asarray(budgets, dtype=np.float64))),
            self.sigma,
            self.lower,
        )

    def plot(self) -> Axes:
        """Draw the certified return over the budget; returns the matplotlib axes."""
        from rewardwrap.pages.drawing import drawing
        from rewardwrap.pages.palette import STRATEGIES

        order = np.argsort(self.budgets)
        with drawing(6.2, 3.8) as (_, axes):
            axes.plot(
                self.budgets[order], self.certified[order], color=STRATEGIES[1][0], linewidth=2.2
            )
            axes.axhline(self.mean, color=STRATEGIES[1][0], linewidth=0.9, linestyle=(0, (2, 3)))
            axes.set_xlabel("budget of the attacker: root of the summed squares of its shifts")
            axes.set_ylabel("expected true return, certified")
            return axes

    def _title(self) -> str:
        return (
            f"Certificate by {self.method}, confidence {1 - self.alpha:.0%}: sigma {self.sigma:g}, "
            f"{self.episodes:,} episodes, mean {self.mean:.4g} without attack"
        )

    def _columns(self) -> dict[str, Sequence[Any]]:
        return {"budget": self.budgets.tolist(), "certified return": self.certified.tolist()}

    def _shown(self) -> dict[str, Sequence[Any]]:
        # the first, the last and some between
        places = np.unique(np.linspace(0, self.budgets.size - 1, SHOWN).round().astype(int))
        return {name: [column[i] for i in places] for name, column in self._columns().items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }


def certify(
    returns: ArrayLike,
    *,
    sigma: float,
    budgets: ArrayLike,
    lower: float,
    thresholds: ArrayLike | None = None,
    alpha: float = 0.05,
    method: str = CLOPPER_PEARSON,
) -> Certificate:
    """Certified expected return of a smoothed policy for each budget of an attacker.

    Args:
        returns: Of independent episodes of the *smoothed* policy, without attack, (n,).
        sigma: Standard deviation of its noise, > 0.
        budgets: B of sum |e_t|² <= B², (K,), each >= 0; an attacker who may shift each of T
            observations by eps has sqrt(T) · eps.
        lower: A number no return can be below, e.g. 0 for CartPole, -200 for MountainCar.
        thresholds: Rising numbers above ``lower`` that were fixed before any episode was played,
            e.g. 1, 2, ..., 200. With "dkw" they may be left out: every seen return is one then.
        alpha: Chance that the bounds are wrong, in (0, 1/2].
        method: "clopper-pearson": exact for each threshold, alpha shared among them (Bonferroni);
            the better one near p = 1. "dkw": holds for all thresholds at once, chosen from the data
            or not.

    Raises:
        CertificateError: A claim that the episodes cannot support: no or chosen thresholds for
            Clopper and Pearson, too few episodes, a return below ``lower``, NaN, sigma <= 0,
            thresholds that do not rise, a negative budget.

    Example:
        >>> perfect = [200.0] * 10_000
        >>> found = certify(perfect, sigma=0.2, budgets=[0, 0.2], lower=0, thresholds=range(1, 201))
        >>> found.certified.round(2).tolist()
        [199.83, 196.81]
    """
    played = checked_returns(returns, lower)
    check_claim(sigma, alpha, method)
    wanted = checked_budgets(np.atleast_1d(np.asarray(budgets, dtype=np.float64)))
    if thresholds is None:
        if method == CLOPPER_PEARSON:
            raise CertificateError(
                "thresholds must be fixed before any episode is played for clopper-pearson, got "
                'none. Give e.g. range(1, 201) for returns up to 200, or take method="dkw".'
            )
        levels = np.unique(played[played > lower])
    else:
        levels = checked_levels(thresholds, lower)
        if method == CLOPPER_PEARSON:
            refuse_chosen(levels, played, lower)
    refuse_few(played.size, levels.size, alpha, method)
    reached = played.size - np.searchsorted(np.sort(played), levels, side="left")
    chances = _lower_bounds(reached, played.size, alpha, method)
    return Certificate(
        budgets=wanted,
        certified=_bound(levels, chances, wanted, float(sigma), float(lower)),
        mean=float(played.mean()),
        episodes=int(played.size),
        sigma=float(sigma),
        lower=float(lower),
        alpha=float(alpha),
        method=method,
        thresholds=levels,
        probabilities=chances,
    )


def _lower_bounds(reached: NDArray[np.intp], episodes: int, alpha: float, method: str) -> Array:
    """Lower confidence bounds of reached / episodes, valid together with confidence 1 - alpha."""
    if method == DKW:
        chances: Array = reached / episodes - math.sqrt(math.log(1 / alpha) / (2 * episodes))
        return np.maximum(chances, 0.0)
    counts, places = np.unique(reached, return_inverse=True)
    each = alpha / reached.size
    found = np.zeros(counts.size)
    some = counts > 0
    found[some] = stats.beta.ppf(each, counts[some], episodes - counts[some] + 1)
    bounds: Array = found[places]
    return bounds


def _bound(levels: Array, chances: Array, budgets: Array, sigma: float, lower: float) -> Array:
    # levels with the same chance share one term, and those that are never reached have none
    held = chances > 0
    steps = np.diff(levels, prepend=lower)[held]
    distinct, places = np.unique(chances[held], return_inverse=True)
    width = np.bincount(places, weights=steps, minlength=distinct.size)
    shifted = special.ndtr(special.ndtri(distinct)[None, :] - budgets[:, None] / sigma)
    found: Array = lower + shifted @ width
    return found
