"""A policy that is paid as a reward, in plain numpy: how much likelier it acts so than a reference."""

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

KIND = "log_ratio"
SIDES = ("policy", "reference")
BLOCK = 8192


class LogRatio:
    """``scale * beta * (log pi(a|s) - log pi_ref(a|s)) + shift`` of every row and member.

    Args:
        inputs: ``obs`` first, then ``action``.
        net: ``beta``, ``sd`` (of a Gaussian policy, in units of the actions), ``discrete``, ``members``,
            ``layers``, ``activation`` and ``dtype``, as in model.json.
        arrays: ``policy.layer<i>.weight (M, in, out)``, ``policy.layer<i>.bias (M, 1, out)`` and the
            same of ``reference``; ``input.mean``, ``input.sd (D,)``, ``output.scale``, ``output.shift (M,)``.
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
        self.members, self._activation = int(net["members"]), str(net["activation"])
        self._beta, self._spread = float(net["beta"]), float(net["sd"])
        self._discrete = bool(net["discrete"])
        self._mean, self._sd = (array_of(arrays, f"input.{n}") for n in ("mean", "sd"))
        self._scale, self._shift = (
            np.asarray(array_of(arrays, f"output.{n}"), np.float64)[:, None]
            for n in ("scale", "shift")
        )
        self._sides = [Layers(net, arrays, f"{side}.") for side in SIDES]
        self._width, self._numbers = self._sides[0].width, self._sides[0].outputs
        acts = [part for part in inputs.parts if part.column == "action"]
        self._gaps = acts[0].fillable if acts else []

    def __call__(self, batch: Transitions) -> FloatArray:
        """The reward of every row, ``(B,)`` float64."""
        return self.combine(self.all(batch))

    def combine(self, each: FloatArray) -> FloatArray:
        """Members to one number: ``(M, B) -> (B,)``."""
        return combined(each, self.rule, self.k)

    def all(self, batch: Transitions) -> FloatArray:
        """What each member says, ``(M, B)`` float64."""
        x = np.empty((batch.lanes, self.inputs.width))
        self.inputs.write(batch, x)
        x = (x - self._mean) / self._sd
        parts = [self._ratio(x[i : i + BLOCK]) for i in range(0, len(x), BLOCK)]
        return self._scale * self._beta * np.concatenate(parts, axis=1) + self._shift

    def _ratio(self, x: FloatArray) -> FloatArray:
        own, other = (self._log_prob(x, side) for side in self._sides)
        return own - other

    def _log_prob(self, x: FloatArray, side: Layers) -> FloatArray:
        """``(M, B)``; a Gaussian's without its constant, which a ratio does not have."""
        found, rest = side(x[:, : self._width]), x[:, self._width :]
        action, filled = rest[:, : self._numbers], rest[:, self._numbers :]
        if not self._discrete:
            each = np.square((action - found) / self._spread)
            if self._gaps:
                each[..., self._gaps] *= 1.0 - filled
            return np.asarray(-0.5 * each.sum(axis=-1))
        top = found.max(axis=-1, keepdims=True)
        normal = np.log(np.exp(found - top).sum(axis=-1, keepdims=True)) + top
        return np.asarray(((found - normal) * action).sum(axis=-1))
