"""What the steps of a task look like: a Gaussian of a few chosen features for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.sight import Sight

KIND = "steps"


class StepModel:
    """A Gaussian of a few chosen features for each step, in features standardised by all frames.

    Args:
        inputs: What is seen of a state.
        net: ``sharpness``: how surely the nearest step is taken for the present one; ``divide``; and
            ``sight``, where features of a frozen network are seen (`rewardwrap.rewards.sight`).
        arrays: ``mean`` and ``sd (n, D)`` of each step's frames, ``chosen (n, D)`` 0 or 1, and
            ``input.mean``, ``input.sd (D,)``; of ``sight`` its weights.

    Raises:
        ConfigError: Arrays that do not fit the inputs.
    """

    members = 1

    def __init__(
        self, inputs: Inputs, net: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> None:
        self.inputs, self.sharpness, self.divide = (
            inputs,
            float(net["sharpness"]),
            str(net["divide"]),
        )
        self._arrays, self.sight = dict(arrays), Sight(inputs, net.get("sight", {}), arrays)
        self.mean, self.sd, self.chosen = (arrays[name] for name in ("mean", "sd", "chosen"))
        shapes = {x.shape[1:] for x in (self.mean, self.sd, self.chosen)}
        if shapes != {(self.sight.width,)} or len(self.mean) < 2:
            raise ConfigError(
                f"steps must be 2 or more of {self.sight.width} numbers each, got shape {self.mean.shape}. "
                "Fit them again."
            )

    def encode(self, batch: Transitions) -> FloatArray:
        """Standardised features, ``(B, D)``."""
        return np.asarray(
            (self.sight(batch) - self._arrays["input.mean"]) / self._arrays["input.sd"]
        )

    def likeness(self, x: FloatArray) -> FloatArray:
        """``R_g(x) = -1/k sum_j (x_j - mu_gj)^2 / sd_gj^2`` over the k features of step g, ``(B, n)``."""
        width = self.sd**2 if self.divide == "variance" else self.sd
        square = (x[:, None] - self.mean) ** 2 / width * self.chosen
        return np.asarray(-square.sum(2) / self.chosen.sum(1))

    def progress(self, x: FloatArray) -> FloatArray:
        """``sum_g p_g g / (n - 1)`` with ``p = softmax(sharpness R)``, ``(B,)`` in [0, 1]."""
        like = self.sharpness * self.likeness(x)
        share = np.exp(like - like.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        return np.asarray(share @ np.linspace(0.0, 1.0, len(self.mean)))

    def __call__(self, batch: Transitions) -> FloatArray:
        """Progress at the successors, ``(B,)``."""
        return self.progress(self.encode(batch))

    def all(self, batch: Transitions) -> FloatArray:
        """As an ensemble of one, ``(1, B)``."""
        return self(batch)[None]

    def describe(self) -> dict[str, Any]:
        """What model.json says of it."""
        said = {"kind": KIND, "sharpness": self.sharpness, "divide": self.divide}
        return {**said, "sight": self.sight.net} if self.sight.net else said

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By the names of the model folder."""
        return self._arrays
