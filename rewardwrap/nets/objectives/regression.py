"""Regression on numbers that were logged: rewards with gaps, or any other target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rewardwrap.nets.network import LOGVAR, RewardNet
from rewardwrap.nets.objectives.contract import objective
from rewardwrap.nets.paid import FAR
from rewardwrap.nets.tables import Table, rows_table

SMALLEST_SD = 1e-12
"""Share of the largest number below which a deviation is rounding: rewards may be of any unit."""


@dataclass(frozen=True)
class Scaling:
    """``z = (r - mean) / sd`` of the observed targets of the training episodes.

    Args:
        mean: Of the observed targets.
        sd: Of the observed targets, ddof 0; 1 where they are all alike.

    Example:
        >>> Scaling.of([1.0, float("nan"), 3.0, 5.0])
        Scaling(mean=3.0, sd=1.632993161855452)
    """

    mean: float
    sd: float

    @classmethod
    def of(cls, target: Any) -> Scaling:
        """Missing targets (NaN) are left out, never read as 0."""
        values = np.asarray(target, np.float64)
        seen = values[~np.isnan(values)]
        if not seen.size:
            return cls(0.0, 1.0)
        sd = float(seen.std())
        return cls(float(seen.mean()), sd if sd > SMALLEST_SD * abs(seen).max() else 1.0)

    def apply(self, target: Any) -> Any:
        """``(r - mean) / sd``."""
        return (np.asarray(target, np.float64) - self.mean) / self.sd

    def put(self, net: RewardNet) -> None:
        """Let the network answer in the targets' own unit."""
        if abs(self.mean) > FAR * self.sd:
            net.compute_in("float64")
        net.scale = torch.full_like(net.scale, self.sd)
        net.shift = torch.full_like(net.shift, self.mean)


@objective("regression", labels="rewards")
@dataclass(frozen=True)
class Regression:
    """Distance between the network and a number per row.

    Linear head: ``(f - z)^2``, or Huber's loss beyond ``delta``. Gaussian head:
    ``(mu - z)^2 / (2 s^2) + log s``. Quantile head: pinball loss, ``(tau - [z < q]) (z - q)`` for
    ``tau = (i + 1/2) / C``.

    Args:
        loss: ``"square"`` or ``"huber"``; only the linear head reads it.
        delta: Where Huber's loss turns linear, in standard deviations of the target.

    Source: Gaussian: Kendall and Gal, What uncertainties do we need in Bayesian deep learning, 2017,
        arXiv:1703.04977. Deviation: the log-variance is kept in [-10, 10], against collapse.
    """

    loss: Literal["square", "huber"] = "square"
    delta: float = 1.0

    def losses(self, net: RewardNet, table: Table) -> Tensor:
        """``(M, n)``; reads ``row`` and ``target``."""
        found, target = net.columns(table.seen("row")), table["target"]
        if net.head == "gaussian":
            return gaussian_nll(found[..., 0], found[..., 1], target)
        if net.head == "quantile":
            return pinball(found, target)
        value = net.bound * torch.tanh(found[..., 0]) if net.bound is not None else found[..., 0]
        if self.loss == "huber":
            wanted = target.expand_as(value)
            return functional.huber_loss(value, wanted, reduction="none", delta=self.delta)
        return (value - target).square()


def gaussian_nll(mean: Tensor, logvar: Tensor, target: Tensor) -> Tensor:
    """``(mu - z)^2 / (2 s^2) + log s``, least at ``s = |mu - z|``."""
    logvar = logvar.clamp(*LOGVAR)
    return 0.5 * ((target - mean).square() * torch.exp(-logvar) + logvar)


def pinball(quantiles: Tensor, target: Tensor) -> Tensor:
    """Mean over C quantiles of ``max(tau e, (tau - 1) e)``, ``e = z - q``; half the MAE at tau 1/2."""
    count = quantiles.shape[-1]
    tau = (torch.arange(count, dtype=quantiles.dtype) + 0.5) / count
    error = target[..., None] - quantiles
    return torch.maximum(tau * error, (tau - 1) * error).mean(-1)


def mixture(mean: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of M Gaussians as one: ``mean s^2 + Var(mu)``, the law of total variance."""
    spread = mean.var(dim=0, correction=0)
    return mean.mean(0), torch.exp(logvar.clamp(*LOGVAR)).mean(0) + spread


def regression_table(net: RewardNet, batch: Any, target: Any, scaling: Scaling) -> Table:
    """Rows with their scaled targets; missing ones are left out."""
    return rows_table(net, batch, scaling.apply(target))
