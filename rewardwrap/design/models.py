"""What is known of a task's dynamics: counts of successors, or the weights of known kernels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError

FloatArray = NDArray[np.float64]
FLOOR, RIDGE = 0.05, 1.0
"""Smallest variance that a regression is weighted by, and its prior."""


class Counted:
    """What followed each state and action, by number."""

    def __init__(self, states: int, actions: int) -> None:
        self.seen = np.zeros((2, states, actions, states))

    def arrays(self) -> dict[str, FloatArray]:
        """What is known."""
        return {"seen": self.seen}

    def load(self, arrays: Mapping[str, FloatArray]) -> None:
        """Take over what `arrays` returned."""
        self.seen[:] = arrays["seen"]

    def learn(self, s: int, a: int, after: int, ended: bool, value: FloatArray) -> None:
        self.seen[int(ended), s, a, after] += 1

    def width(self) -> FloatArray:
        """``n^-1/2``, infinite where nothing was tried."""
        with np.errstate(divide="ignore"):
            found: FloatArray = self.seen.sum(axis=(0, 3)) ** -0.5
        return found

    def chances(self) -> tuple[FloatArray, FloatArray]:
        """Of successors that go on and of those that end, ``(S, A, S)`` each; unknown: uniform."""
        tried = self.seen.sum(axis=(0, 3))[:, :, None]
        live, ended = self.seen / np.maximum(tried, 1.0)
        return np.where(tried > 0, live, 1.0 / live.shape[2]), ended


class Mixture:
    """A ridge regression of values on what the known kernels expect of them."""

    def __init__(self, kernels: FloatArray) -> None:
        self.kernels = kernels
        d = len(kernels)
        self.sigma, self.target = np.stack([RIDGE * np.eye(d)] * 2), np.zeros((2, d))

    def arrays(self) -> dict[str, FloatArray]:
        """What is known."""
        return {"kernels": self.kernels, "sigma": self.sigma, "target": self.target}

    def load(self, arrays: Mapping[str, FloatArray]) -> None:
        """Take over what `arrays` returned."""
        self.sigma[:], self.target[:] = arrays["sigma"], arrays["target"]

    def theta(self, moment: int) -> FloatArray:
        """The weights of the mixture that fit best."""
        found: FloatArray = np.linalg.solve(self.sigma[moment], self.target[moment])
        return found

    def learn(self, s: int, a: int, after: int, ended: bool, value: FloatArray) -> None:
        if ended:
            raise ConfigError(
                "RewardFree: episodes of a mixture must not terminate, got an end. "
                "Write ends as absorbing states of the kernels."
            )
        rows = self.kernels[:, s, a]
        # chosen before the outcome is looked at: the plan's own value, and the most doubtful state
        for target in (value, np.eye(len(value))[self._doubted(s, a)]):
            for moment, power in ((0, target), (1, target**2)):
                phi = rows @ power
                spread = float(self.theta(1) @ phi - (self.theta(0) @ (rows @ target)) ** 2)
                weight = 1.0 / max(spread if moment == 0 else 1.0, FLOOR)
                self.sigma[moment] += weight * np.outer(phi, phi)
                self.target[moment] += weight * phi * power[after]

    def _doubted(self, s: int, a: int) -> int:
        rows = self.kernels[:, s, a]
        return int(np.einsum("is,ij,js->s", rows, np.linalg.inv(self.sigma[0]), rows).argmax())

    def width(self) -> FloatArray:
        """The largest ``|phi_V|`` in the norm of ``Sigma^-1`` over single states."""
        inverse = np.linalg.inv(self.sigma[0])
        square = np.einsum("isat,ij,jsat->sat", self.kernels, inverse, self.kernels)
        widest: FloatArray = np.sqrt(np.maximum(square, 0.0).max(axis=2))
        return widest

    def chances(self) -> tuple[FloatArray, FloatArray]:
        """Of the mixture that fits best, made a kernel."""
        raw = np.maximum(np.tensordot(self.theta(0), self.kernels, axes=1), 0.0)
        total = raw.sum(-1, keepdims=True)
        live = np.where(total > 0, raw / np.where(total > 0, total, 1.0), 1.0 / raw.shape[2])
        return live, np.zeros_like(live)


def best(
    reward: FloatArray, live: FloatArray, horizon: int, most: float
) -> tuple[NDArray[np.int64], FloatArray]:
    """Backward induction: ``(H, S)`` actions and ``(H + 1, S)`` values, each at most ``most``.

    Args:
        reward: ``(S, A)`` mean.
        live: ``(S, A, S)`` chances of successors that go on.
        horizon: H.
        most: Bound of a value.
    """
    values = np.zeros((horizon + 1, len(reward)))
    policy = np.zeros((horizon, len(reward)), np.int64)
    for t in range(horizon - 1, -1, -1):
        q = reward + live @ values[t + 1]
        policy[t] = q.argmax(axis=1)
        values[t] = np.minimum(q.max(axis=1), most)
    return policy, values


def checked_kernels(kernels: Any, states: int, actions: int) -> FloatArray:
    found = np.asarray(kernels, np.float64)
    fits = found.ndim == 4 and found.shape[1:] == (states, actions, states)
    if not fits or found.min() < 0 or not np.allclose(found.sum(-1), 1.0):
        raise ConfigError(
            f"RewardFree: kernels must be (d, {states}, {actions}, {states}) and sum to 1 over successors, "
            f"got {found.shape}. Each must be a kernel of its own."
        )
    return found
