"""PEBBLE's pre-training reward: go where few states have been, before anybody is asked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.reward import Reward
from rewardwrap.core.transitions import FloatArray, Transitions

BLOCK = 256


def knn_distance(states: NDArray[Any], among: NDArray[Any], k: int) -> FloatArray:
    """Euclidean distance to the k-th nearest neighbour, ``(B, d), (N, d) -> (B,)``.

    With fewer than k others it is the distance to the farthest. A state that lies in ``among`` is a
    neighbour of itself at distance 0: ask for k + 1 then.
    """
    others = np.asarray(among, np.float64).reshape(len(among), -1)
    rows = np.asarray(states, np.float64).reshape(len(states), -1)
    place = min(k, len(others)) - 1
    found = np.empty(len(rows))
    for begin in range(0, len(rows), BLOCK):
        part = rows[begin : begin + BLOCK, None] - others[None]
        squared = np.einsum("bnd,bnd->bn", part, part)
        found[begin : begin + BLOCK] = np.partition(squared, place, axis=1)[:, place]
    return np.sqrt(found)


class Entropy(Reward):
    """``r = log(1 + |s' - s'_k|) / sd``, ``s'_k`` the k-th nearest state that was seen.

    A particle estimate of how much a state adds to the entropy of all states. It learns while
    training: states enter a ring, and ``sd`` is the running deviation of what it paid. Use it alone
    for the first steps, then ask for preferences, relabel all that was collected and reset the critic.

    Args:
        width: Numbers in a flat observation.
        k: Which neighbour.
        keep: States in the ring.

    Source: Lee et al., PEBBLE, 2021, arXiv:2106.05091, eq. 5 (there log without 1 +, which is minus
        infinity at a state seen before; Seo et al., RE3, 2021, arXiv:2102.09430 have the 1).
    """

    learns = True

    def __init__(self, width: int, *, k: int = 5, keep: int = 5000) -> None:
        if min(width, k, keep) < 1:
            raise ConfigError(
                f"Entropy: width, k and keep must be at least 1, got {width}, {k}, {keep}. "
                "Use the defaults."
            )
        self.width, self.k, self.keep = width, k, keep
        self.ring = np.zeros((keep, width))
        # how many states were ever seen; count, mean and squares of what was paid
        self.seen, self.moments = 0, np.zeros(3)

    def __call__(self, batch: Transitions) -> FloatArray:
        states = np.asarray(batch.next_obs, np.float64).reshape(batch.lanes, -1)
        held = min(self.seen, self.keep)
        seen = self.ring[:held]
        paid = np.log1p(knn_distance(states, seen, self.k)) if held else np.zeros(batch.lanes)
        if batch.training:
            self._learn(states, paid)
        count, _, squares = self.moments
        scale = math.sqrt(squares / count) if count > 1 and squares > 0 else 1.0
        return np.asarray(paid / scale)

    def _learn(self, states: FloatArray, paid: FloatArray) -> None:
        good = np.isfinite(states).all(axis=1)
        for row in states[good]:
            self.ring[self.seen % self.keep] = row
            self.seen += 1
        for value in paid[good]:
            self.moments[0] += 1
            away = value - self.moments[1]
            self.moments[1] += away / self.moments[0]
            self.moments[2] += away * (value - self.moments[1])

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        return {"ring": self.ring, "seen": np.array(self.seen), "moments": self.moments}

    def load_state_arrays(self, arrays: Any) -> None:
        self.ring[:] = arrays["ring"]
        self.seen = int(arrays["seen"])
        self.moments[:] = arrays["moments"]
