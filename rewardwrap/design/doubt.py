"""The reward whose values a model knows worst, and the policy that goes where it does not know them."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
GOALS, FEWEST, WORK = 12, 4, 3000
"""Rewards that are compared before an episode: at most, at least, and times states in between."""


class Model(Protocol):
    """What is known of the dynamics, and how well it foretells a value."""

    def chances(self) -> tuple[FloatArray, FloatArray]: ...
    def width(self, values: FloatArray) -> FloatArray: ...


class Doubt(NamedTuple):
    """A way to go, ``(H, S)`` actions; the values ``(H + 1, S)`` to be learned there; the sum of doubts."""

    policy: NDArray[np.int64]
    values: FloatArray
    sum: float


def goal_values(live: FloatArray, horizon: int, goals: NDArray[np.int64]) -> FloatArray:
    """The best values of rewards of at most 1 in total, ``(H + 1, S, C)``.

    Goal ``g < S`` pays ``1 / H`` after every step that leads to state g, ``S + g`` pays 1 where the
    last step does.

    Args:
        live: ``(S, A, S)`` chances of successors that go on.
        horizon: H.
        goals: ``(C,)`` numbers below ``2 S``.
    """
    states = len(live)
    at = np.arange(states)[:, None] == goals % states
    often, last = at * (goals < states) / horizon, at * (goals >= states) * 1.0
    values = np.empty((horizon + 1, states, len(goals)))
    values[horizon] = often + last
    for t in range(horizon - 1, -1, -1):
        values[t] = (t > 0) * often + ahead(live, values[t + 1]).max(axis=1)
    return values


def ahead(live: FloatArray, values: FloatArray) -> FloatArray:
    """What is expected of ``(S, C)`` values, ``(S, A, C)``."""
    found: FloatArray = live.reshape(-1, len(values)) @ values
    return found.reshape(*live.shape[:-1], -1)


def doubt(
    model: Model, horizon: int, beta: float, start: int, rng: np.random.Generator, most: float = 1.0
) -> Doubt:
    """``max_r W_0^r(start)`` with ``W_h = min(most, max_a u_h + P W_{h+1})``.

    ``u_h = min(1, beta width(V_{h+1}^r))``, in [0, 1].

    Args:
        model: What is known.
        horizon: H.
        beta: Scale of the widths.
        start: State of the episode's beginning.
        rng: Draws rewards where there are more than `GOALS`, and breaks ties.
        most: Bound of the sum.
    """
    live, _ = model.chances()
    states, actions = live.shape[:2]
    goals = rng.permutation(2 * states)[: max(FEWEST, min(GOALS, WORK // states))]
    values = goal_values(live, horizon, goals)
    # of all steps at once: (S, A, H, C)
    side_by_side = values[1:].transpose(1, 0, 2).reshape(states, -1)
    unknown = np.minimum(1.0, beta * model.width(side_by_side))
    unknown = unknown.reshape(states, actions, horizon, -1)
    policy = np.empty((horizon, states, len(goals)), np.int64)
    sums = np.zeros((states, len(goals)))
    # what is equally unknown is tried in turn
    ties = 1e-6 * rng.random((states, actions, 1))
    for t in range(horizon - 1, -1, -1):
        q = unknown[:, :, t] + ties + ahead(live, sums)
        policy[t] = q.argmax(axis=1)
        sums = np.minimum(q.max(axis=1), most)
    worst = int(sums[start].argmax())
    return Doubt(policy[:, :, worst], values[:, :, worst], float(sums[start, worst]))
