"""The mixture that nobody beats on average, for a finite set of answers and a general preference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.statistics.scores import ScoresError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Nash:
    """What `nash` found.

    Args:
        mixture: ``(n,)`` the mean of all iterates.
        last: ``(n,)`` the last iterate, which may be far from it.
        exploitability: The best answer's win rate against the mixture; 1/2 at the equilibrium.
        last_exploitability: The same against the last iterate.
        gains: ``(steps,)`` win rate of each iterate against the one before.
    """

    mixture: FloatArray
    last: FloatArray
    exploitability: float
    last_exploitability: float
    gains: FloatArray


def nash(preference: Any, *, start: Any = None, eta: float = 1.0, steps: int = 2000) -> Nash:
    """``pi_{t+1} ~ pi_t exp(r_t / eta)``, ``r_t = P pi_t``, and the uniform mixture of ``pi_1 .. pi_steps``.

    Each iterate wins against the one before, ``>= 1/2 + eta KL(pi_{t+1} || pi_t)``; where preferences go
    in a circle the iterates go round it, and their mixture alone nears the equilibrium.

    Args:
        preference: ``(n, n)`` P(i better than j), ``P + P^T = 1``.
        start: ``(n,)`` the first policy; uniform where left out.
        eta: Temperature, above 0: how slowly a policy moves.
        steps: Iterates.

    Raises:
        ScoresError: No such matrix, start, temperature or number.

    Source: Rosset et al., Direct Nash optimization, 2024, arXiv 2404.03715, eq. 5 with exact expectations.

    Example:
        >>> import rewardwrap as rw
        >>> beats = [[0.5, 1, 0], [0, 0.5, 1], [1, 0, 0.5]]
        >>> found = rw.statistics.nash(beats, start=[0.6, 0.2, 0.2], eta=1.0, steps=1)
        >>> found.last.round(6), round(float(found.gains[0]), 6)
        (array([0.595222, 0.162442, 0.242335]), 0.515979)
    """
    wins = np.asarray(preference, np.float64)
    n = len(wins)
    if wins.shape != (n, n) or not np.allclose(wins + wins.T, 1.0) or wins.min(initial=0) < 0:
        raise ScoresError(
            f"nash: preference must be chances (n, n) with P + P^T = 1, got shape {wins.shape}. "
            "P(i, i) is 1/2."
        )
    policy = np.full(n, 1.0 / n) if start is None else np.asarray(start, np.float64)
    if policy.shape != (n,) or policy.min() < 0 or not np.isclose(policy.sum(), 1.0):
        raise ScoresError(
            f"nash: start must be {n} chances that sum to 1, got {start!r}. Leave it out."
        )
    if not eta > 0.0 or steps < 1:
        raise ScoresError(
            f"nash: eta and steps must be above 0, got {eta!r} and {steps!r}. Use 1 and 2000."
        )
    total, gains = np.zeros(n), np.empty(steps)
    for t in range(steps):
        before, worth = policy, wins @ policy
        policy = before * np.exp((worth - worth.max()) / eta)
        policy /= policy.sum()
        gains[t] = policy @ worth
        total += policy
    mixture = total / steps
    return Nash(mixture, policy, exploitability(wins, mixture), exploitability(wins, policy), gains)


def exploitability(preference: Any, policy: Any) -> float:
    """``max_i sum_j P(i better than j) pi_j``: how often the best answer to a policy beats it."""
    return float((np.asarray(preference, np.float64) @ np.asarray(policy, np.float64)).max())
