"""When runs reach a threshold, where some never do."""

from __future__ import annotations

from dataclasses import dataclass

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
