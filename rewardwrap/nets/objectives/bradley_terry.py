"""Preferences between clips: Bradley and Terry's model, with ties and with labels that were flipped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from rewardwrap.core.errors import ConfigError
from rewardwrap.nets.objectives.contract import objective
from rewardwrap.nets.tables import Table, returns_of


@objective("bradley_terry", labels="pairs")
@dataclass(frozen=True)
class BradleyTerry:
    """``P(b better) = sigmoid(R_b - R_a)``, ``R`` the (discounted) sum of rewards over a clip.

    The loss is the cross-entropy with the label ``p`` in [0, 1], in logits. A constant added to the
    reward changes nothing as long as both clips are equally long, so the reward is known up to that.

    Args:
        flips: Chance that a label was flipped, in [0, 1/2): the model is then
            ``P' = flips + (1 - 2 flips) P``, so that no single wrong label can dominate. With the right
            rate the expected loss still has its minimum at the true P.
        ties: Davidson's nu, at least 0. Above 0 a label of 1/2 is the event "equal", of chance
            ``nu sqrt(ab) / (a + b + nu sqrt(ab))`` with ``a = e^{R_a}``; at 0 it is a soft label.

    Raises:
        ConfigError: A rate outside its range, or both at once.

    Source: Christiano et al., Deep reinforcement learning from human preferences, 2017,
        arXiv:1706.03741; Davidson, On extending the Bradley-Terry model to accommodate ties, 1970.
        Deviation: Christiano et al. fix 10 % of uniformly random answers, which is ``flips=0.05``.
    """

    flips: float = 0.0
    ties: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.flips < 0.5:
            raise ConfigError(
                f"BradleyTerry: flips must lie in [0, 0.5), got {self.flips}. "
                "A teacher who is wrong half of the time says nothing."
            )
        if self.ties < 0 or (self.ties and self.flips):
            raise ConfigError(
                f"BradleyTerry: ties must be at least 0 and without flips, got {self.ties} and "
                f"{self.flips}. Use one of them."
            )

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``steps``, ``coefficient`` and ``preferred``."""
        paid = returns_of(net, table)
        return self.of_returns(paid[..., 0], paid[..., 1], table["preferred"])

    def of_returns(self, a: Tensor, b: Tensor, preferred: Tensor) -> Tensor:
        """The loss of two returns; the three arguments broadcast."""
        if self.ties:
            return davidson(a, b, preferred, self.ties)
        gap = b - a
        if not self.flips:
            # softplus(gap) - p gap = p softplus(-gap) + (1 - p) softplus(gap)
            return functional.softplus(gap) - preferred * gap
        log_flip, log_rest = math.log(self.flips), math.log1p(-2 * self.flips)
        floor = torch.full_like(gap, log_flip)
        b_better = torch.logaddexp(floor, log_rest + functional.logsigmoid(gap))
        a_better = torch.logaddexp(floor, log_rest + functional.logsigmoid(-gap))
        return -(preferred * b_better + (1 - preferred) * a_better)


def davidson(a: Tensor, b: Tensor, preferred: Tensor, nu: float) -> Tensor:
    """Cross-entropy over the three events; ``1 - |2p - 1|`` of a label's mass is a tie."""
    tie = math.log(nu) + 0.5 * (a + b)
    whole = torch.logsumexp(torch.stack([a, b, tie]), dim=0)
    towards_b = (2 * preferred - 1).clamp(min=0)
    towards_a = (1 - 2 * preferred).clamp(min=0)
    middle = 1 - towards_a - towards_b
    return whole - (towards_a * a + towards_b * b + middle * tie)
