"""Exact optima of a finite decision process, by policy iteration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import spsolve

from rewardwrap.core.transitions import BoolArray, FloatArray
from rewardwrap.evaluate.regret.product import Product

TIE = 1e-9
"""Actions whose values differ by less than this share of the largest value are equally good."""


class Planner:
    """Optima of one process under different rewards.

    Args:
        product: Nodes and outcomes.
        gamma: Discount, in [0, 1).
    """

    def __init__(self, product: Product, gamma: float) -> None:
        self.gamma = gamma
        n, a = product.nodes, product.actions
        self.shape = (n, a)
        self._pair = product.node * a + product.action
        self._chance = product.chance
        on = product.next_node >= 0
        self._moves = sparse.csr_matrix(
            (product.chance[on], (self._pair[on], product.next_node[on])), shape=(n * a, n)
        )
        self.possible: BoolArray = np.zeros(self.shape, bool)
        self.possible.reshape(-1)[self._pair] = True

    def mean(self, reward: FloatArray) -> FloatArray:
        """``(N, A)`` expected reward of each action, from one number an outcome."""
        flat = np.bincount(self._pair, self._chance * reward, minlength=np.prod(self.shape))
        return np.asarray(flat, np.float64).reshape(self.shape)

    def optimum(
        self, reward: FloatArray, allowed: BoolArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """``V`` (N,) and ``Q`` (N, A) of the best policy; forbidden actions have ``Q = -inf``.

        Args:
            reward: ``(N, A)`` expected reward.
            allowed: ``(N, A)`` actions to choose from; all possible ones by default.
        """
        free = self.possible if allowed is None else allowed & self.possible
        policy = np.argmax(np.where(free, reward, -np.inf), axis=1)
        rows = np.arange(self.shape[0])
        while True:
            value = self._value(reward, policy)
            ahead = (self._moves @ value).reshape(self.shape)
            scores = np.where(free, reward + self.gamma * ahead, -np.inf)
            best = np.argmax(scores, axis=1)
            slack = 1e-12 * (1.0 + np.abs(value).max())
            better = scores[rows, best] > scores[rows, policy] + slack
            if not better.any():
                return value, scores
            policy = np.where(better, best, policy)

    def _value(self, reward: FloatArray, policy: NDArray[np.int64]) -> FloatArray:
        n, a = self.shape
        rows = np.arange(n)
        moves = self._moves[rows * a + policy]
        system = (sparse.identity(n, format="csr") - self.gamma * moves).tocsc()
        return np.atleast_1d(spsolve(system, reward[rows, policy]))


def best_actions(value: FloatArray, scores: FloatArray) -> BoolArray:
    """``(N, A)`` actions that are optimal, ties included."""
    found: BoolArray = scores >= value[:, None] - TIE * (np.abs(value).max() or 1.0)
    return found
