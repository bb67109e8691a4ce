"""Networks of several outputs in plain numpy: a policy's logits, a judge's principles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.rewards.folding import array_of


class Layers:
    """M networks side by side over rows that are normalised already.

    Args:
        net: ``layers``, ``activation`` and ``dtype``, as in model.json.
        arrays: ``<prefix>layer<i>.weight (M, in, out)`` and ``<prefix>layer<i>.bias (M, 1, out)``.
        prefix: Of the names.

    Raises:
        ConfigError: Layers that do not fit each other.
    """

    def __init__(
        self, net: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], prefix: str = ""
    ) -> None:
        self._activation, self._dtype = str(net["activation"]), np.dtype(net["dtype"])
        self._layers = [
            (
                array_of(arrays, f"{prefix}layer{i}.weight"),
                array_of(arrays, f"{prefix}layer{i}.bias"),
            )
            for i in range(int(net["layers"]))
        ]
        self.members, self.width, _ = self._layers[0][0].shape
        self.outputs = self._layers[-1][0].shape[2]
        before = self.width
        for weight, bias in self._layers:
            fits = weight.shape[:2] == (self.members, before)
            if not fits or bias.shape != (self.members, 1, weight.shape[2]):
                raise ConfigError(
                    f"layers must fit each other, got weights {weight.shape} and biases {bias.shape} after "
                    f"{before} numbers. Fit the model again."
                )
            before = weight.shape[2]

    def __call__(self, x: NDArray[Any]) -> FloatArray:
        """``(B, in) -> (M, B, out)`` float64."""
        hidden: NDArray[Any] = x.astype(self._dtype)[None]
        for i, (weight, bias) in enumerate(self._layers):
            hidden = (self._active(hidden) if i else hidden) @ weight + bias
        return hidden.astype(np.float64)

    def _active(self, values: NDArray[Any]) -> NDArray[Any]:
        if self._activation == "relu":
            return np.asarray(np.maximum(values, 0))
        if self._activation == "tanh":
            return np.asarray(np.tanh(values))
        # exp of a large number overflows to inf, and x / inf is the right 0
        with np.errstate(over="ignore"):
            return np.asarray(values / (1 + np.exp(-values)))
