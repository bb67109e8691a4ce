"""A model of what follows a step, and a judge of how real that looks, in plain numpy."""

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

KIND = "dynamics"
LOGVAR = (-12.0, 4.0)
"""Bounds of the log variance of a normalised difference."""
FAR = 6.0
"""Deviations beyond which a candidate is as far as any."""
REAL = 0.6
"""Dynamics reward that 99 % of recorded transitions exceed."""


def clamped(logvar: FloatArray) -> FloatArray:
    """Within `LOGVAR`, smoothly, as the model was fitted."""
    low, high = LOGVAR
    below = high - np.logaddexp(0.0, high - logvar)
    return np.asarray(low + np.logaddexp(0.0, below - low))


def residual(delta: Any, means: Any, spreads: Any) -> Any:
    """``clip((delta - mean) / sd, -6, 6)`` of a mixture of members: numpy or torch, ``(M, ...)`` members.

    >>> residual(np.array([1.0]), np.array([[0.0], [1.0]]), np.array([[0.5], [0.5]])).round(4)
    array([0.7071])
    """
    middle = means.mean(0)
    spread = ((spreads**2).mean(0) + ((means - middle) ** 2).mean(0)) ** 0.5
    return ((delta - middle) / spread).clip(-FAR, FAR)


class Dynamics:
    """``s' = s + delta``, ``delta ~ N(mean_m(s, a), sd_m(s, a)^2)`` of a member m, and a judge of candidates.

    The dynamics reward of ``(s, a, delta)`` is the mean over snapshots k of the judge of
    ``clip(.6 + .4 (l_k - low_k) / (high_k - low_k), 0, 1)``, ``l_k`` the logit that it was recorded
    rather than drawn from the model, ``low`` and ``high`` the first and last percentile of recorded rows.
    The judge reads ``(s, a, delta, z)``, ``z`` the difference from the ensemble's mean in its own deviations:
    candidates of a good model differ by hundredths of a step, which no judge of ``(s, a, delta)`` sees.

    Args:
        inputs: ``obs``, one vector, then ``action``.
        net: ``obs``, the numbers of an observation; ``model`` and ``judge`` as in model.json.
        arrays: ``model.layer<i>.*``, ``judge.layer<i>.*``, ``input.*``, ``delta.mean`` and ``delta.sd``,
            ``judge.low`` and ``judge.high``, some recorded observations, ``starts (n, obs)``, and the
            bounds of numeric actions, ``action.low`` and ``action.high``.

    Raises:
        ConfigError: Arrays that do not fit.

    Source: Luo et al., Reward-consistent dynamics models are strongly generalizable (MOREC), 2023,
        arXiv:2310.05422, section 4. Deviations: the model is fitted by likelihood and not by the judge;
        the judge reads ``z``; logits are scaled by percentiles.
    """

    def __init__(
        self, inputs: Inputs, net: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> None:
        self.inputs, self.width = inputs, int(net["obs"])
        self._model = Layers(net["model"], arrays, "model.")
        self._judge = Layers(net["judge"], arrays, "judge.")
        names = ("input.mean", "input.sd", "delta.mean", "delta.sd", "judge.low", "judge.high")
        read = [np.asarray(array_of(arrays, name), np.float64) for name in names]
        self._mean, self._sd, self._delta, self._unit, self._low, self._high = read
        self.starts = np.asarray(array_of(arrays, "starts"))
        self.action_low, self.action_high = (
            np.asarray(array_of(arrays, f"action.{end}"), np.float32) for end in ("low", "high")
        )
        fits = self._model.outputs == 2 * self.width == 2 * len(self._unit)
        if not fits or self._judge.width != inputs.width + 2 * self.width:
            raise ConfigError(
                f"a dynamics model must foretell {self.width} numbers from {inputs.width}, got "
                f"{self._model.outputs // 2} and a judge of {self._judge.width}. Fit it again."
            )

    def next_obs(
        self, batch: Transitions, rng: np.random.Generator, *, candidates: int = 1
    ) -> tuple[FloatArray, FloatArray]:
        """What follows each row: the candidate with the highest dynamics reward, never changed by it.

        Args:
            batch: Rows; their observations and actions are read.
            rng: Of members and noise.
            candidates: Draws for each row; 1 is the plain model.

        Returns:
            ``(B, obs)`` and the dynamics reward of each, ``(B,)``.
        """
        x = self._encoded(batch)
        means, spreads = self._foretold(x)
        rows, many = len(x), candidates
        member = rng.integers(self._model.members, size=(many, rows))
        place: Any = (member, np.arange(rows))
        drawn = means[place] + spreads[place] * rng.standard_normal((many, rows, self.width))
        real = self._real(x, drawn, residual(drawn, means, spreads))
        best = real.argmax(axis=0)
        place = (best, np.arange(rows))
        obs = np.asarray(batch.obs, np.float64).reshape(rows, -1)
        return obs + drawn[place] * self._unit + self._delta, real[place]

    def real(self, batch: Transitions) -> FloatArray:
        """The dynamics reward of recorded transitions, ``(B,)`` in [0, 1]."""
        x = self._encoded(batch)
        obs, after = (
            np.asarray(o, np.float64).reshape(len(x), -1) for o in (batch.obs, batch.next_obs)
        )
        delta = (after - obs - self._delta) / self._unit
        return np.asarray(self._real(x, delta[None], residual(delta[None], *self._foretold(x)))[0])

    def _foretold(self, x: NDArray[Any]) -> tuple[FloatArray, FloatArray]:
        """``(M, B, obs)`` mean and deviation of each member."""
        found = self._model(x)
        return found[..., : self.width], np.exp(0.5 * clamped(found[..., self.width :]))

    def _real(self, x: NDArray[Any], delta: FloatArray, z: FloatArray) -> FloatArray:
        """``(C, B)`` of ``(B, in)`` and twice ``(C, B, obs)``."""
        seen = np.broadcast_to(x, (len(delta), *x.shape))
        rows = np.concatenate([seen, delta, z], axis=-1)
        logit = self._judge(rows.reshape(-1, rows.shape[-1]))[..., 0]
        scale = np.maximum(self._high - self._low, 1e-9)[:, None]
        share = REAL + (1 - REAL) * (logit - self._low[:, None]) / scale
        return np.asarray(np.clip(share, 0.0, 1.0).mean(axis=0).reshape(rows.shape[:-1]))

    def _encoded(self, batch: Transitions) -> FloatArray:
        x = np.empty((batch.lanes, self.inputs.width))
        self.inputs.write(batch, x)
        return np.asarray((x - self._mean) / self._sd)
