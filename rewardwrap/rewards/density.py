"""How often a step like this one was demonstrated: a kernel density in plain numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.demonstrated import Demonstrated, standardised
from rewardwrap.rewards.inputs import Inputs

KIND = "density"
BELOW = 20.0
"""How far below the least likely demonstrated row the log density is cut: it falls without end."""
BLOCK = 2**22
"""Differences in memory at a time."""


class Density(Demonstrated):
    """``log p(x) = log mean_i N(x; x_i, h^2 I)`` over the n demonstrated rows, in standardised inputs.

    Numbers are standardised by the demonstrations, so units do not matter; digits are one-hot and left as
    they are. It pays as any model of `rewardwrap.Learned` does, and learns nothing more.

    Args:
        inputs: What it reads: ``obs``, ``obs, action`` or ``obs, next_obs``, for example.
        net: ``bandwidth`` h and ``floor``, as in model.json.
        arrays: ``rows (n, D)`` standardised, ``input.mean`` and ``input.sd (D,)``.

    Raises:
        ConfigError: Arrays that do not fit the inputs.

    Source: the density baseline of Gleave et al., imitation, 2022, arXiv:2211.11972. Deviations: one
        density for all time steps, cut `BELOW` under the least likely demonstrated row.
    """

    def __init__(
        self, inputs: Inputs, net: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> None:
        super().__init__(inputs, {"kind": KIND, **net}, arrays)
        self.bandwidth, self.floor = float(net["bandwidth"]), net["floor"]
        if not self.bandwidth > 0:
            raise ConfigError(
                f"a density must have a bandwidth above 0, got {self.bandwidth}. Fit it again."
            )
        self._squares = np.square(self.rows).sum(axis=1)
        self._numbers = int((~inputs.flags()).sum())

    @classmethod
    def of(cls, inputs: Inputs, batch: Transitions, *, bandwidth: float = 0.5) -> Density:
        """The density of demonstrated rows.

        Args:
            inputs: What to read of them.
            batch: The rows.
            bandwidth: h, in standard deviations of the demonstrations.
        """
        made = cls(inputs, {"bandwidth": bandwidth, "floor": None}, standardised(inputs, batch))
        made.floor = float(made(batch).min()) - BELOW
        return made

    def __call__(self, batch: Transitions) -> FloatArray:
        """The log density of every row, ``(B,)`` float64."""
        return self.log(self.encode(batch))

    def log(self, x: FloatArray) -> FloatArray:
        """The log density at standardised inputs, ``(B, D) -> (B,)``."""
        step = max(1, BLOCK // len(self.rows))
        found = np.concatenate([self._log(x[i : i + step]) for i in range(0, len(x), step)])
        return found if self.floor is None else np.maximum(found, self.floor)

    def all(self, batch: Transitions) -> FloatArray:
        """As an ensemble of one, ``(1, B)``."""
        return self(batch)[None]

    def _log(self, x: FloatArray) -> FloatArray:
        # |x - y|^2 without a (B, n, D) array in between
        square = np.square(x).sum(axis=1)[:, None] + self._squares - 2.0 * (x @ self.rows.T)
        exponent = -np.maximum(square, 0.0) / (2.0 * self.bandwidth**2)
        top = exponent.max(axis=1)
        mass = np.exp(exponent - top[:, None]).mean(axis=1)
        normal = 0.5 * self._numbers * math.log(2.0 * math.pi * self.bandwidth**2)
        return np.asarray(top + np.log(mass) - normal)

    def describe(self) -> dict[str, Any]:
        """What model.json says of it."""
        return {"kind": KIND, "bandwidth": self.bandwidth, "floor": self.floor}
