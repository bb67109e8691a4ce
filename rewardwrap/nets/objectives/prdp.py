"""PRDP: regress the difference of two rewards, instead of the sign of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rewardwrap.core.errors import ConfigError
from rewardwrap.data import Preferences
from rewardwrap.nets.objectives.contract import objective
from rewardwrap.nets.paid import NetError
from rewardwrap.nets.tables import Table, pairs_table, returns_of


@objective("prdp", labels="pairs")
@dataclass(frozen=True)
class Differences:
    """``(rhat_b - rhat_a - (R_b - R_a) / beta)^2``, ``rhat`` what the network pays for a clip.

    On an `ImplicitReward` with its beta 1, ``rhat = log pi(clip) / pi_ref(clip)``, and the one minimum
    is ``pi* ~ pi_ref exp(R / beta)``; on a reward network it is regression from returns of clips
    alone. A constant added to R changes nothing.

    Args:
        beta: Temperature of the target, above 0.
        clip: How far ``rhat`` of a clip may move from the snapshot before the loss of the clipped
            value counts, where that is larger; None trains without it.

    Source: Deng et al., PRDP: proximal reward difference prediction, 2024, arXiv:2402.08714, eq. 8
        and 12. Deviation: ``clip`` bounds a whole clip, since a reward network has no steps of
        denoising to bound one by one.
    """

    beta: float = 1.0
    clip: float | None = None

    def __post_init__(self) -> None:
        if self.beta <= 0 or (self.clip is not None and self.clip <= 0):
            raise ConfigError(
                f"Differences: beta and clip must be above 0, got {self.beta} and {self.clip}. "
                "Use clip=None for none."
            )

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``steps``, ``gap (n,)`` and, with a clip, ``before (n, M, 2)``."""
        paid = returns_of(net, table)
        target = table["gap"] / self.beta
        loss = (paid[..., 1] - paid[..., 0] - target).square()
        if self.clip is None:
            return loss
        before = table["before"].transpose(0, 1)
        near = before + (paid - before).clamp(-self.clip, self.clip)
        return torch.maximum(loss, (near[..., 1] - near[..., 0] - target).square())

    def table(self, net: Any, preferences: Preferences) -> Table:
        """Pairs with column ``gap``: the difference of their logged returns, which the answers are of.

        Raises:
            NetError: Clips without logged rewards, or a ``clip``, which needs a loop of snapshots.
        """
        if self.clip is not None:
            raise NetError(
                f"Differences: clip must be None in one fit, got {self.clip}. "
                "Call snapshot again after every few updates, or leave it out."
            )
        answered = preferences.without_skipped()
        gap = answered.b.returns() - answered.a.returns()
        if np.isnan(gap).any():
            raise NetError(
                f"Differences: clips must have logged rewards, got {int(np.isnan(gap).sum())} pairs "
                "without. Use bradley_terry, which needs only who is better."
            )
        return pairs_table(net, answered).having(gap=torch.as_tensor(gap).to(net.expects))

    @torch.no_grad()
    def snapshot(self, net: Any, table: Table) -> Table:
        """The table with what the network pays now: again after every K updates."""
        return table.having(before=returns_of(net, table).transpose(0, 1).contiguous())
