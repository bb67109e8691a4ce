"""When runs reach a threshold, where some never do: the share over time, and a test of two."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rewardwrap.statistics.scores import Array, ScoresError, sample


@dataclass(frozen=True)
class Survival:
    """Share of the runs that have not reached the threshold, as a right-continuous step curve.

    Args:
        times: Steps at which at least one run reached it, (K,).
        surviving: Share that has not, from each of these on, (K,).
        reached: Runs that reached it.
        runs: All runs.
    """

    times: NDArray[np.int64]
    surviving: Array
    reached: int
    runs: int

    @property
    def median(self) -> int | None:
        """First step by which half of the runs have reached it; None: fewer than half did."""
        below = np.flatnonzero(self.surviving <= 0.5 + 1e-12)
        return int(self.times[below[0]]) if below.size else None


def kaplan_meier(times: ArrayLike, reached: ArrayLike) -> Survival:
    """Kaplan and Meier's estimate: S(t) = prod over t_i <= t of (1 - d_i / n_i).

    Runs that never reach the threshold stay in the risk set until they end: dropping them would
    make the worst strategy look fast.

    Args:
        times: Step at which the threshold was reached or the run ended, (runs,).
        reached: Which of the two it was, (runs,) bool.

    Source: Kaplan and Meier, Nonparametric estimation from incomplete observations, 1958.
    """
    when, hit = sample(times), np.asarray(reached, dtype=bool)
    if hit.shape != when.shape:
        raise ScoresError(
            f"reached must have one entry for each of {when.size} times, got shape {hit.shape}. "
            "Mark the runs that never reach the threshold as False."
        )
    events = np.unique(when[hit])
    at_risk = (when[None, :] >= events[:, None]).sum(axis=1)
    hits = ((when[None, :] == events[:, None]) & hit[None, :]).sum(axis=1)
    surviving = np.cumprod(1 - hits / at_risk)
    return Survival(events.astype(np.int64), surviving, int(hit.sum()), int(hit.size))


@dataclass(frozen=True)
class LogRank:
    """Whether runs of one sample reach the threshold sooner than those of another.

    Args:
        excess: Runs of the first that reached it beyond what equal chances would give; above 0: sooner.
        p: Two-sided p value of "no difference".
        method: ``"exact"``, or ``"sampled"`` where there are too many ways to deal the runs.
    """

    excess: float
    p: float
    method: str


def logrank(
    x: tuple[ArrayLike, ArrayLike], y: tuple[ArrayLike, ArrayLike], *, ways: int = 200_000
) -> LogRank:
    """The log-rank test, exact: every way to deal the runs to the two strategies counts as likely.

    Each run scores 1 if it reached the threshold, less the hazard of all runs up to its time (Nelson and
    Aalen's estimate); the excess is the sum of the first strategy's scores, and p the share of all ways
    to deal whose sum lies as far from 0. The usual chi-squared is an approximation for many runs. The runs
    must end alike: the same budget.

    Args:
        x: ``(times, reached)`` as `kaplan_meier` takes them, each (n,), at least 1.
        y: The same of the other strategy, (m,).
        ways: Largest number of ways that are all counted; beyond it 2 000 to 20 000 are drawn with a
            fixed seed.

    Source: Peto and Peto, Asymptotically efficient rank invariant test procedures, 1972.
    """
    parts = [(sample(times), np.asarray(reached, dtype=bool)) for times, reached in (x, y)]
    times, hit = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    count, every = len(parts[0][0]), times.size
    events = np.unique(times[hit])
    hazards = [np.sum(hit & (times == t)) / np.sum(times >= t) for t in events]
    scores = (
        hit
        - np.concatenate([[0.0], np.cumsum(hazards)])[np.searchsorted(events, times, side="right")]
    )
    excess = float(scores[:count].sum())
    exact = math.comb(every, count) <= ways
    if not np.ptp(scores):
        return LogRank(0.0, 1.0, "exact")
    sums = _dealt(every, count) @ scores if exact else _drawn(scores, count)
    far = int(np.sum(np.abs(sums) >= abs(excess) - 1e-9))
    p = far / sums.size if exact else (far + 1) / (sums.size + 1)
    return LogRank(excess, p, "exact" if exact else "sampled")


@lru_cache(maxsize=4)
def _dealt(every: int, count: int) -> Array:
    """All ways to deal ``count`` of ``every`` runs to the first strategy: 1 where it is dealt one."""
    chosen = np.fromiter(chain.from_iterable(combinations(range(every), count)), np.int64)
    ways = np.zeros((chosen.size // count, every))
    ways[np.repeat(np.arange(len(ways)), count), chosen] = 1.0
    return ways


def _drawn(scores: Array, count: int) -> Array:
    draws = max(2_000, min(20_000, 4_000_000 // scores.size))
    rows = np.broadcast_to(scores, (draws, scores.size))
    sums: Array = np.random.default_rng(0).permuted(rows, axis=1)[:, :count].sum(axis=1)
    return sums
