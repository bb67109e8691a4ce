"""Markov decision processes written out as arrays, checked once where they enter."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.core.transitions import FloatArray


class MdpError(RewardwrapError, ValueError):
    """Arrays that are no Markov decision process."""


def require_discount(gamma: float) -> float:
    value = float(gamma)
    if not 0.0 <= value < 1.0:
        raise MdpError(
            f"gamma must lie in [0, 1), got {gamma}. Use the discount of the agent, e.g. 0.99."
        )
    return value


def require_dynamics(T: ArrayLike) -> FloatArray:
    dynamics = np.asarray(T, np.float64)
    if dynamics.ndim != 3 or dynamics.shape[0] != dynamics.shape[2] or dynamics.size == 0:
        raise MdpError(
            f"T must have shape (states, actions, states), got {dynamics.shape}. "
            "T[s, a, s'] is the probability of s' after action a in s."
        )
    return _probabilities(dynamics, "T", "Give a terminal state T[t, :, t] = 1.")


def require_reward(R: ArrayLike, shape: tuple[int, ...], name: str) -> FloatArray:
    reward = np.asarray(R, np.float64)
    if reward.shape != shape:
        raise MdpError(
            f"{name} must have the shape of T, {shape}, got {reward.shape}. "
            "Write R(s, a) as np.broadcast_to(R[:, :, None], T.shape)."
        )
    wrong = np.argwhere(~np.isfinite(reward))
    if wrong.size:
        place = tuple(wrong[0].tolist())
        raise MdpError(
            f"{name} must be finite, got {reward[place]} at {place}. "
            "Give impossible transitions some number too, such as 0."
        )
    return reward


def require_distribution(given: ArrayLike | None, shape: tuple[int, ...], name: str) -> FloatArray:
    if given is None:
        return np.full(shape, 1.0 / shape[-1])
    found = np.asarray(given, np.float64)
    if found.shape != shape:
        raise MdpError(
            f"{name} must have shape {shape}, got {found.shape}. Leave it out for uniform."
        )
    return _probabilities(found, name, "Divide by the sum, or leave it out for uniform.")


def _probabilities(values: FloatArray, name: str, way_out: str) -> FloatArray:
    if not np.isfinite(values).all():
        raise MdpError(f"{name} must be finite, got {values[~np.isfinite(values)][0]}. {way_out}")
    if values.min() < 0.0:
        raise MdpError(f"{name} must not be negative, got {values.min():g}. {way_out}")
    sums = values.sum(axis=-1)
    wrong = np.abs(sums - 1.0) > 1e-6
    if wrong.any():
        where = tuple(np.argwhere(wrong)[0].tolist()) if sums.ndim else ()
        place = f" at {where}" if where else ""
        got = float(sums[where])
        raise MdpError(f"{name} must sum to 1 over its last axis, got {got:g}{place}. {way_out}")
    return values
