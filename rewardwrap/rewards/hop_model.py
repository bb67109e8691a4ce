"""How far it is from one state to another, as a share of what is left or of what is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.layers import Layers
from rewardwrap.rewards.unpaid import Unpaid

KIND = "hops"


def hop(before: FloatArray, after: FloatArray) -> FloatArray:
    """``H = (P_q - P_p) / (1 - P_p)`` forward, ``(P_q - P_p) / P_p`` back, of progress P in [0, 1].

    >>> hop(np.array([0.6, 0.6, 0.0]), np.array([0.8, 0.3, 0.7])).round(9)
    array([ 0.5, -0.5,  0.7])
    """
    move = after - before
    room = np.where(move >= 0, 1.0 - before, before)
    return np.asarray(np.where(room > 0, move / np.where(room > 0, room, 1.0), 0.0))


def advance(progress: FloatArray, hops: FloatArray) -> FloatArray:
    """Where a hop leads: the inverse of `hop`; it never leaves [0, 1].

    >>> float(advance(np.array([0.6]), np.array([0.5]))[0])
    0.8
    """
    return np.asarray(progress + hops * np.where(hops >= 0, 1.0 - progress, progress))


def gated(
    before: FloatArray, step: FloatArray, forward: FloatArray, backward: FloatArray, alpha: float
) -> FloatArray:
    """``P + w/2 (m - P + dP_I)``: the less start and goal agree, the less is believed.

    ``m`` is the mean of both, ``d = |backward - forward| / m`` and ``w = exp(-alpha d^2)``.

    >>> of = [np.array([x]) for x in (0.6, 0.8, 0.7, 0.9)]
    >>> round(float(gated(*of, alpha=1.0)[0]), 3)
    0.788
    """
    middle = (forward + backward) / 2.0
    apart = np.abs(backward - forward) / np.maximum(middle, 1e-6)
    trust = np.exp(-alpha * apart**2)
    return np.asarray(before + trust / 2.0 * (middle - before + step - before))


class HopModel(Unpaid):
    """Members of ``H(p, q) = tanh(f(p, q))``, and the states in which demonstrations ended.

    Args:
        inputs: What is seen of a state.
        net: ``layers``, ``activation``, ``dtype`` and ``members``, as in model.json.
        arrays: ``layer<i>.weight (M, in, out)``, ``layer<i>.bias (M, 1, out)``, ``input.mean`` and
            ``input.sd (D,)``, ``goals (G, D)`` standardised.

    Raises:
        ConfigError: Arrays that do not fit the inputs.
    """

    holds: ClassVar[str] = "hops between states"
    paid_by: ClassVar[str] = "rw.HopProgress(MODEL)"

    def __init__(
        self, inputs: Inputs, net: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> None:
        self.inputs, self.members = inputs, int(net["members"])
        self._net, self._arrays = dict(net), dict(arrays)
        self._layers, self.goals = Layers(net, arrays), arrays["goals"]
        if self._layers.width != 2 * inputs.width or self.goals.shape[1:] != (inputs.width,):
            raise ConfigError(
                f"hops must be between states of {inputs.width} numbers, got a network of "
                f"{self._layers.width} and goals {self.goals.shape}. Fit them again."
            )

    def state(self, batch: Transitions) -> FloatArray:
        """Standardised states, ``(B, D)``."""
        x = np.empty((batch.lanes, self.inputs.width))
        self.inputs.write(batch, x)
        return np.asarray((x - self._arrays["input.mean"]) / self._arrays["input.sd"])

    def hop(self, before: FloatArray, after: FloatArray) -> FloatArray:
        """``(B, D), (B, D) -> (B,)`` in (-1, 1), the mean of the members."""
        found = self._layers(np.concatenate([before, after], axis=1))[..., 0]
        return np.asarray(np.tanh(found).mean(axis=0))

    def backward(self, x: FloatArray) -> FloatArray:
        """``1 + H(goal, x)``, the mean over the goals, ``(B,)``."""
        seen = [self.hop(np.broadcast_to(goal, x.shape), x) for goal in self.goals]
        return np.asarray(1.0 + np.mean(seen, axis=0))

    def describe(self) -> dict[str, Any]:
        """What model.json says of it."""
        return {**self._net, "kind": KIND}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By the names of the model folder."""
        return self._arrays
