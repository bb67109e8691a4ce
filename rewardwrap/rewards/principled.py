"""A judge of several yes-or-no principles in plain numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.folding import array_of
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.layers import Layers
from rewardwrap.rewards.members import combined, require_rule

KIND = "principles"
BLOCK = 8192


class Principled:
    """``c_j = sigmoid(z_j(row))``, the chance that a step keeps principle j; paid alone, their mean.

    Args:
        inputs: What it reads.
        net: ``names`` of the k principles, ``members``, ``layers``, ``activation`` and ``dtype``.
        arrays: ``layer<i>.weight (M, in, out)`` and ``.bias``, ``input.mean`` and ``input.sd (D,)``.
        rule: How members become one number; see `rewardwrap.Learned`.
        k: Weight of their spread.
    """

    def __init__(
        self,
        inputs: Inputs,
        net: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        *,
        rule: str = "mean",
        k: float = 1.0,
    ) -> None:
        self.inputs, self.rule, self.k = inputs, require_rule(rule), k
        self.names = tuple(str(name) for name in net["names"])
        self._mean, self._sd = (array_of(arrays, f"input.{n}") for n in ("mean", "sd"))
        self._layers = Layers(net, arrays)
        self.members = self._layers.members

    def __call__(self, batch: Transitions) -> FloatArray:
        """The mean over principles of every row, ``(B,)`` float64."""
        return self.combine(self.all(batch))

    def combine(self, each: FloatArray) -> FloatArray:
        """Members to one number: ``(M, B) -> (B,)``."""
        return combined(each, self.rule, self.k)

    def all(self, batch: Transitions) -> FloatArray:
        """What each member says of all principles together, ``(M, B)``."""
        return np.asarray(self._chances(batch).mean(axis=-1))

    def chances(self, batch: Transitions) -> FloatArray:
        """``(k, B)``: each principle alone, members combined, in [0, 1]."""
        each = np.moveaxis(self._chances(batch), -1, 0)
        return np.clip([self.combine(one) for one in each], 0.0, 1.0)

    def _chances(self, batch: Transitions) -> FloatArray:
        x = np.empty((batch.lanes, self.inputs.width))
        self.inputs.write(batch, x)
        x = (x - self._mean) / self._sd
        logits = [self._layers(x[i : i + BLOCK]) for i in range(0, len(x), BLOCK)]
        # tanh cannot overflow
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * np.concatenate(logits, axis=1)))
