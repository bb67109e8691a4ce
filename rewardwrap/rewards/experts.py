"""A mixture of experts in plain numpy: a gate sends each step to the networks that know it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.folding import array_of
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.layers import Layers
from rewardwrap.rewards.members import combined, require_rule

KIND = "experts"
BLOCK = 8192


class Experts:
    """``scale * sum_{e in top k} p_e(x) f_e(x) + shift``, ``p`` a softmax over the experts of a member.

    Args:
        inputs: What it reads.
        net: ``members`` (M), ``experts`` (E), ``top`` (k), ``bound``, ``layers``, ``activation`` and
            ``dtype``, as in model.json.
        arrays: ``layer<i>.weight (M E, in, out)`` and ``.bias``, those of a member side by side;
            ``gate.weight (M, D, E)`` and ``gate.bias (M, 1, E)``; ``input.mean``, ``input.sd (D,)``,
            ``output.scale``, ``output.shift (M,)``.
        rule: How members become one number; see `rewardwrap.Learned`.
        k: Weight of their spread.

    Raises:
        ConfigError: A gate that does not fit the experts.
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
        self.members, self.experts, self.top = (int(net[n]) for n in ("members", "experts", "top"))
        self.bound = net["bound"]
        self._mean, self._sd = (array_of(arrays, f"input.{n}") for n in ("mean", "sd"))
        self._scale, self._shift = (
            np.asarray(array_of(arrays, f"output.{n}"), np.float64)[:, None]
            for n in ("scale", "shift")
        )
        self._layers = Layers(net, arrays)
        gate = array_of(arrays, "gate.weight"), array_of(arrays, "gate.bias")
        self._gate = Layers(
            {**net, "layers": 1}, dict(zip(("layer0.weight", "layer0.bias"), gate, strict=True))
        )
        fits = self._gate.members == self.members and self._gate.outputs == self.experts
        if not fits or self._layers.members != self.members * self.experts:
            raise ConfigError(
                f"a gate must choose among the experts of {self.members} members, got one for "
                f"{self._gate.members} members of {self._gate.outputs} beside {self._layers.members} "
                "networks. Fit the model again."
            )

    def __call__(self, batch: Transitions) -> FloatArray:
        """The reward of every row, ``(B,)`` float64."""
        return self.combine(self.all(batch))

    def combine(self, each: FloatArray) -> FloatArray:
        """Members to one number: ``(M, B) -> (B,)``."""
        return combined(each, self.rule, self.k)

    def all(self, batch: Transitions) -> FloatArray:
        """What each member says, ``(M, B)`` float64."""
        x = self._encoded(batch)
        parts = [self._paid(x[i : i + BLOCK]) for i in range(0, len(x), BLOCK)]
        return self._scale * np.concatenate(parts, axis=1) + self._shift

    def chances(self, batch: Transitions) -> FloatArray:
        """What the gate says, ``(M, B, E)``: sums to 1 over the experts."""
        return self._chances(self._encoded(batch))

    def _encoded(self, batch: Transitions) -> FloatArray:
        x = np.empty((batch.lanes, self.inputs.width))
        self.inputs.write(batch, x)
        return np.asarray((x - self._mean) / self._sd)

    def _chances(self, x: FloatArray) -> FloatArray:
        logits = self._gate(x)
        odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=-1, keepdims=True))

    def _paid(self, x: FloatArray) -> FloatArray:
        said = self._layers(x)[..., 0].reshape(self.members, self.experts, len(x))
        if self.bound is not None:
            said = self.bound * np.tanh(said)
        chances = self._chances(x)
        least = np.partition(chances, self.experts - self.top, axis=-1)[
            ..., self.experts - self.top
        ]
        weight = np.where(chances >= least[..., None], chances, 0.0)
        return np.asarray((said * np.moveaxis(weight, -1, 1)).sum(axis=1))
