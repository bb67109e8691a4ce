"""Primal Wasserstein imitation: how cheaply a step is moved onto demonstrated ones that are still free."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.registry import register
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.learned import Learned
from rewardwrap.rewards.limits import require_count, require_number
from rewardwrap.rewards.matched import Matched


def greedy(
    apart: FloatArray, free: FloatArray, mass: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Move ``mass`` of each lane onto the nearest free rows.

    Args:
        apart: Distances, ``(B, n)``.
        free: Mass that is free at each row, ``(B, n)``.
        mass: To be moved.

    Returns:
        Cost ``(B,)``, what is free after it ``(B, n)``, and what found no place ``(B,)``.

    >>> cost, free, _ = greedy(np.array([[1.0, 1.0, 2.0]]), np.full((1, 3), 1 / 3), 1 / 3)
    >>> cost.round(4), free.round(4)
    (array([0.3333]), array([[0.    , 0.3333, 0.3333]]))
    """
    order = np.argsort(apart, axis=1, kind="stable")
    near = np.take_along_axis(free, order, axis=1)
    until = np.minimum(np.cumsum(near, axis=1), mass)
    taken = np.diff(until, axis=1, prepend=0.0)
    left = np.empty_like(free)
    np.put_along_axis(left, order, near - taken, axis=1)
    cost = (taken * np.take_along_axis(apart, order, axis=1)).sum(axis=1)
    return cost, left, mass - until[:, -1]


@register("pwil")
class PWIL(Learned):
    """``r_t = alpha exp(-beta T c_t / sqrt(d))``: c_t is what step t costs to be moved onto demonstrations.

    An episode of T steps has mass ``1/T`` a step, each of n demonstrated rows ``1/n``. Step t is moved onto
    the nearest rows that no earlier step of the episode has taken, and c_t is the distance travelled, in
    deviations of the demonstrations over d numbers. So it is known at once; it depends on the order, and
    ``sum_t c_t`` is at least the Wasserstein distance. It lies in ``[0, alpha]`` and pays for staying alive;
    0 once every row is taken.

    Args:
        path: What ``rewardwrap fit demonstrations DIR --method pwil --out MODEL`` wrote.
        alpha: The most that a step is paid, above 0.
        beta: How fast it falls, above 0.
        horizon: T; None: the longest demonstration's.

    Raises:
        ConfigError: A model of something else, or a number out of its range.

    Source: Dadashi et al., "Primal Wasserstein imitation learning", 2021, arXiv 2006.04678, algorithm 1.
        There demonstrations are thinned to every 20th step; here to ``rows`` of `fit`, evenly.

    Example:
        >>> import rewardwrap as rw
        >>> env = rw.make("CartPole-v1", rw.PWIL("model/"))  # doctest: +SKIP
    """

    alpha: float = 5.0
    beta: float = 5.0
    horizon: int | None = None

    def __post_init__(self) -> None:
        for name in ("alpha", "beta"):
            require_number(self, name, "Use 5.", low=0.0, above=True)
        if self.horizon is not None:
            require_count(self, "horizon", "Leave it out for that of the demonstrations.")
        super().__post_init__()

    def init(self, lanes: int) -> Carry:
        rows = len(self._matched.rows)
        return np.full((lanes, rows), 1.0 / rows)

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        matched = self._matched
        x = matched.encode(batch)
        steps = self.horizon or matched.horizon
        free = np.where(batch.first[:, None], 1.0 / len(matched.rows), carry)
        cost, free, left = greedy(matched.apart(x), free, 1.0 / steps)
        paid = self.alpha * np.exp(-self.beta * steps / math.sqrt(x.shape[1]) * cost)
        # what found no place is moved infinitely far
        return free, np.where(left > 1e-9 / steps, 0.0, paid)

    def __call__(self, batch: Transitions) -> FloatArray:
        return super(Learned, self).__call__(batch)

    @property
    def _matched(self) -> Matched:
        found = self._net()
        assert isinstance(found, Matched)
        return found

    def _take(self, document: dict[str, Any], packed: bytes) -> None:
        super()._take(document, packed)
        if not isinstance(self.__dict__["_frozen"], Matched):
            raise ConfigError(
                f"PWIL: model must hold demonstrations to be matched, got one fitted by "
                f"{document['objective']}. "
                "Fit it with rewardwrap fit demonstrations DIR --method pwil --out MODEL."
            )
