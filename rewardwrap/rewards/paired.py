"""A general preference in plain numpy: who of two is better, without a score for either."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import BoolArray, FloatArray, Transitions
from rewardwrap.rewards.folding import array_of
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.layers import Layers

KIND = "pair"
BLOCK = 8192


class Paired:
    """``P(a better than b) = sigmoid(v_a J v_b / tau)``, ``v`` the direction of the mean over steps.

    ``v`` has 2k numbers and length 1; J turns each of its k planes by 90 degrees, so that
    ``v_a J v_b = -v_b J v_a``: ``P(a, b) + P(b, a) = 1`` and ``P(a, a) = 1/2`` whatever the weights. A
    circle of directions is a circle of preferences, which no score can have.

    Args:
        inputs: What it reads of a step.
        net: ``members``, ``planes`` (k), ``tau``, ``layers``, ``activation`` and ``dtype``.
        arrays: ``layer<i>.weight (M, in, out)`` and ``.bias``, ``input.mean`` and ``input.sd (D,)``.
    """

    def __init__(
        self, inputs: Inputs, net: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> None:
        self.inputs, self.tau = inputs, float(net["tau"])
        self._mean, self._sd = (array_of(arrays, f"input.{n}") for n in ("mean", "sd"))
        self._layers = Layers(net, arrays)
        self.members = self._layers.members

    def __call__(self, batch: Transitions) -> FloatArray:
        raise _unpaid()

    def all(self, batch: Transitions) -> FloatArray:
        """There is no number for a step."""
        raise _unpaid()

    def steps(self, batch: Transitions) -> FloatArray:
        """``(M, B, 2k)``, of which a clip's mean is taken."""
        x = np.empty((batch.lanes, self.inputs.width))
        self.inputs.write(batch, x)
        x = (x - self._mean) / self._sd
        return np.concatenate(
            [self._layers(x[i : i + BLOCK]) for i in range(0, len(x), BLOCK)], axis=1
        )

    def vectors(self, steps: FloatArray, inside: BoolArray) -> FloatArray:
        """``(M, n, L, 2k)`` and ``(n, L)`` -> ``(M, n, 2k)`` of length 1."""
        whole = np.where(inside[..., None], steps, 0.0).sum(2) / inside.sum(1)[:, None]
        length = np.linalg.norm(whole, axis=-1, keepdims=True)
        return np.asarray(whole / np.maximum(length, 1e-12))

    def episode(self, batch: Transitions) -> FloatArray:
        """One episode's ``v``, ``(M, 1, 2k)``."""
        steps = self.steps(batch)
        return self.vectors(steps[:, None], np.ones((1, steps.shape[1]), bool))

    def logits(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """``(M, n, 2k)`` and ``(M, m, 2k)`` -> ``(n, m)``: above 0 where a is better."""
        return np.asarray(np.einsum("mix,mjx->ij", a, turned(b)) / (self.tau * self.members))

    def differences(self, preferences: Any) -> FloatArray:
        """The logit of "b better" of every pair of clips, ``(n,)``."""
        steps = self.steps(preferences.store.transitions())
        a, b = (self.vectors(steps[:, c.rows], c.mask) for c in (preferences.a, preferences.b))
        return np.asarray(np.einsum("mnx,mnx->n", b, turned(a)) / (self.tau * self.members))


def _unpaid() -> ConfigError:
    return ConfigError(
        "model must be of a reward to be paid or judged step by step, got one of pairs. Its held-out figures "
        "are those of fit; pay episodes by it with rw.WinRate(MODEL)."
    )


def turned(v: Any) -> Any:
    """``J v``: each plane ``(x, y)`` becomes ``(-y, x)``; arrays and tensors alike."""
    planes = v.reshape(*v.shape[:-1], -1, 2)
    found = (
        planes[..., [1, 0]] * planes.new_tensor([-1.0, 1.0])
        if hasattr(v, "new_tensor")
        else (planes[..., ::-1] * np.array([-1.0, 1.0]))
    )
    return found.reshape(v.shape)
