"""Preferences that need no score behind them: cycles can be fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional

from rewardwrap.core.errors import ConfigError
from rewardwrap.nets.objectives.contract import objective
from rewardwrap.nets.paid import NetError
from rewardwrap.nets.pair_net import PairNet
from rewardwrap.nets.spaces import inputs_of
from rewardwrap.nets.tables import Table


@objective("gpm", labels="pairs")
@dataclass(frozen=True)
class GeneralPreference:
    """``P(b better) = sigmoid(v_b J v_a / tau)``, ``v`` the direction of a clip, J antisymmetric.

    The loss is the cross-entropy with the label in [0, 1]. Where a beats b, b beats c and c beats a,
    Bradley and Terry's scores are all equal and every pair is 1/2; here all three are right. The model
    answers about pairs and pays no step: `rw.WinRate` pays episodes by it.

    Args:
        planes: k: numbers of a direction are 2k. One plane holds one circle; an order needs half of one.
        tau: Temperature, above 0: no chance is beyond ``sigmoid(1 / tau)``.

    Raises:
        ConfigError: No planes, or ``tau`` not above 0.

    Source: Zhang et al., Beyond Bradley-Terry models: a general preference model, 2024, arXiv:2410.02197,
        eq. 7, tau 0.1 of its code. Deviations: the planes weigh alike (there a prompt weighs them), and a
        clip's vector is the direction of the mean over its steps.
    """

    planes: int = 4
    tau: float = 0.1

    def __post_init__(self) -> None:
        if self.planes < 1 or not self.tau > 0:
            raise ConfigError(
                f"GeneralPreference: planes must be at least 1 and tau above 0, got {self.planes} and "
                f"{self.tau}. Use 4 and 0.1."
            )

    def network(self, store: Any, reads: Sequence[str], **options: Any) -> PairNet:
        return PairNet(inputs_of(store, reads), planes=self.planes, tau=self.tau, **options)

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``steps``, ``coefficient`` and ``preferred``."""
        if not isinstance(net, PairNet):
            raise NetError(
                f"gpm must fit a network of pairs, got a {type(net).__name__}. Leave signs out."
            )
        gap = net.logits(table)
        return functional.softplus(gap) - table["preferred"] * gap
