"""Demonstrated rows in a common unit: what every fixed reward of demonstrations stands on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError, NotWritten
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.inputs import Inputs


class Demonstrated:
    """Rows of demonstrations, numbers standardised by them; digits are one-hot and left as they are.

    Args:
        inputs: What is read of a step: ``obs``, ``obs, action`` or ``obs, next_obs``, for example.
        net: As in model.json.
        arrays: ``rows (n, D)`` standardised, ``input.mean`` and ``input.sd (D,)``.

    Raises:
        ConfigError: Arrays that do not fit the inputs.
    """

    members = 1

    def __init__(
        self, inputs: Inputs, net: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> None:
        self.inputs = inputs
        self.rows, self.mean, self.sd = (arrays[n] for n in ("rows", "input.mean", "input.sd"))
        shapes = self.rows.shape[1:], self.mean.shape, self.sd.shape
        if shapes != ((inputs.width,),) * 3 or not len(self.rows):
            raise ConfigError(
                f"a {net['kind']} must hold rows of {inputs.width} numbers, got shapes {shapes}. "
                "Fit it again."
            )

    def encode(self, batch: Transitions) -> FloatArray:
        """Standardised inputs, ``(B, D)``."""
        return np.asarray((_written(self.inputs, batch) - self.mean) / self.sd)

    def describe(self) -> dict[str, Any]:
        """What model.json says of it."""
        raise NotWritten(
            f"{type(self).__name__} must say what it is, got nothing. Write describe(self)."
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By the names of the model folder."""
        return {"rows": self.rows, "input.mean": self.mean, "input.sd": self.sd}


def standardised(inputs: Inputs, batch: Transitions) -> dict[str, NDArray[Any]]:
    """Rows by their own mean and deviation, as `Demonstrated` takes them; what is constant is only moved."""
    return in_deviations(_written(inputs, batch), inputs.scaled())


def _written(inputs: Inputs, batch: Transitions) -> FloatArray:
    """Rows with their gaps filled; that there was one brings no two rows closer or apart."""
    x = np.empty((batch.lanes, inputs.width))
    inputs.write(batch, x)
    x[:, inputs.flags()] = 0.0
    return x


def in_deviations(x: FloatArray, scaled: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """The same of numbers ``(n, D)``, of which those of a unit are ``scaled (D,)``."""
    sd = x.std(axis=0)
    constant = sd <= 1e-6 * np.maximum(np.abs(x).max(axis=0), 1.0)
    mean, sd = np.where(scaled, x.mean(axis=0), 0.0), np.where(scaled & ~constant, sd, 1.0)
    return {"rows": (x - mean) / sd, "input.mean": mean, "input.sd": sd}
