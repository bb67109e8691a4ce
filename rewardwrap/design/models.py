"""What is known of a task's dynamics: counts of successors, or the weights of known kernels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.design.doubt import ahead

FloatArray = NDArray[np.float64]
EPISODES = 1000
"""What the number of moments is chosen for."""


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

    def begin(self) -> None:
        """An episode begins."""

    def learn(self, s: int, a: int, after: int, ended: bool, value: FloatArray) -> None:
        """One step; counts serve any value."""
        self.seen[int(ended), s, a, after] += 1

    def width(self, values: FloatArray) -> FloatArray:
        """``sqrt(Var V / n) + 1 / n`` for ``(S, C)`` values, ``(S, A, C)``; infinite where n is 0."""
        live, _ = self.chances()
        spread = np.maximum(ahead(live, values**2) - ahead(live, values) ** 2, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            once = 1.0 / self.seen.sum(axis=(0, 3))[:, :, None]
            found: FloatArray = np.where(np.isinf(once), np.inf, np.sqrt(spread * once) + once)
        return found

    def chances(self) -> tuple[FloatArray, FloatArray]:
        """Of successors that go on and of those that end, ``(S, A, S)`` each; unknown: uniform."""
        tried = self.seen.sum(axis=(0, 3))[:, :, None]
        live, ended = self.seen / np.maximum(tried, 1.0)
        return live, ended


class Mixture:
    """Ridge regressions of ``V^(2^m)`` on what the known kernels expect of it, one a moment m < M.

    With ``phi_m(s, a)_i = sum_s' P_i(s'|s, a) V(s')^(2^m)`` and a hat for what an episode began with,

    ``sigma_m^2 = max(Var_m + E_m, 1 / H, d^-1/2 |phi_m| in Sigma_m^-1)``,
    ``Var_m = [theta_(m+1) phi_(m+1)] - [theta_m phi_m]^2``, both clipped to [0, 1],
    ``E_m = min(1, 2 beta |phi_m|) + min(1, beta |phi_(m+1)|)`` in the norms of the hats;
    1 for the last ``Var + E``;
    ``Sigma_m += phi_m phi_m^T / sigma_m^2``, ``b_m += phi_m V(s')^(2^m) / sigma_m^2``,
    ``theta_m = Sigma_m^-1 b_m``.

    Args:
        kernels: ``(d, S, A, S)``.
        horizon: H.
        beta: As in `RewardFree`.

    Source: Zhou, Gu, "Computationally efficient horizon-free reinforcement learning for linear mixture MDPs",
        2022, arXiv 2205.11507, algorithm 2. Deviation: ``M = log2(7 H K)`` with K = `EPISODES`.
    """

    def __init__(self, kernels: FloatArray, horizon: int, beta: float) -> None:
        self.kernels, self.floor, self.beta = kernels, 1.0 / horizon, beta
        d, moments = len(kernels), int(np.ceil(np.log2(7.0 * EPISODES * horizon)))
        self.power = 2.0 ** np.arange(moments)
        # theta lies in the simplex, so that its norm is at most 1 and the prior d
        self.sigma, self.target = np.stack([d * np.eye(d)] * moments), np.zeros((moments, d))
        self.begin()

    def arrays(self) -> dict[str, FloatArray]:
        """What is known."""
        return {"kernels": self.kernels, "sigma": self.sigma, "target": self.target}

    def load(self, arrays: Mapping[str, FloatArray]) -> None:
        """Take over what `arrays` returned."""
        if arrays["sigma"].shape != self.sigma.shape:
            raise ValueError(f"{arrays['sigma'].shape} where {self.sigma.shape} is known")
        self.sigma[:], self.target[:] = arrays["sigma"], arrays["target"]
        self.begin()

    def begin(self) -> None:
        """An episode begins; it is planned and weighted by what is known now."""
        self.inverse = np.linalg.inv(self.sigma)
        self.theta = np.einsum("mij,mj->mi", self.inverse, self.target)
        self._running = self.inverse.copy()

    def learn(self, s: int, a: int, after: int, ended: bool, value: FloatArray) -> None:
        """One step, for the value that the plan sees in its successors."""
        if ended:
            raise ConfigError(
                "RewardFree: episodes of a mixture must not terminate, got an end. "
                "Write ends as absorbing states of the kernels."
            )
        powers = value ** self.power[:, None]
        phi = powers @ self.kernels[:, s, a].T
        weight = 1.0 / self._variance(phi)
        self.sigma += weight[:, None, None] * phi[:, :, None] * phi[:, None, :]
        self.target += weight[:, None] * phi * powers[:, after, None]
        # Sherman and Morrison
        turned = np.einsum("mij,mj->mi", self._running, phi)
        by = weight / (1.0 + weight * np.einsum("mi,mi->m", phi, turned))
        self._running -= by[:, None, None] * turned[:, :, None] * turned[:, None, :]

    def _variance(self, phi: FloatArray) -> FloatArray:
        """``sigma_m^2`` of a row, ``(M,)``."""
        known, now = (
            np.sqrt(np.einsum("mi,mij,mj->m", phi, by, phi)) for by in (self.inverse, self._running)
        )
        mean = np.clip(np.einsum("mi,mi->m", self.theta, phi), 0.0, 1.0)
        found = np.ones(len(phi))
        found[:-1] = mean[1:] - mean[:-1] ** 2
        found[:-1] += np.minimum(1.0, 2.0 * self.beta * known[:-1])
        found[:-1] += np.minimum(1.0, self.beta * known[1:])
        lowest: FloatArray = np.maximum(self.floor, now / np.sqrt(len(self.kernels)))
        return np.maximum(found, lowest)

    def width(self, values: FloatArray) -> FloatArray:
        """``|phi_V|`` in the norm of ``Sigma_0^-1`` for ``(S, C)`` values, ``(S, A, C)``."""
        phi = ahead(self.kernels, values)
        turned = np.tensordot(self.inverse[0], phi, axes=1)
        found: FloatArray = np.sqrt(np.maximum((phi * turned).sum(axis=0), 0.0))
        return found

    def chances(self) -> tuple[FloatArray, FloatArray]:
        """Of the mixture that fits best, made a kernel."""
        raw = np.maximum(np.tensordot(self.theta[0], self.kernels, axes=1), 0.0)
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
