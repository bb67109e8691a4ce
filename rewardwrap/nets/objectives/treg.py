"""T-REG: preferences between clips, with hints which of their steps earned it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rewardwrap.core.errors import ConfigError
from rewardwrap.data import Preferences
from rewardwrap.nets.network import NetError
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.contract import objective
from rewardwrap.nets.tables import Table, pairs_table, steps_of


@objective("treg", labels="pairs")
@dataclass(frozen=True)
class TReg:
    """``L_pref + alpha * w * (Reg(a) + Reg(b))``, ``Reg = -(1 / L) sum_t h_t r_t``.

    ``h`` in [-1/2, 1/2] says how good a step was next to the others of its clip: from two contrasting
    policies (`hints`), a rule, or marks of a judge. ``w = sigmoid(R_loser - R_winner)``, taken as a
    constant, fades the hints out as a pair is told apart.

    Args:
        alpha: Weight, 0.1 to 0.5; 0 is the preference loss alone.
        base: The preference loss.
        mean: Whether Reg is divided by L.
        column: Of ``info``, where `table` reads the hints.

    Source: Zhou et al., T-REG: preference optimization with token-level reward regularization, 2024,
        arXiv:2412.02685. Deviation: rewards of a network take the place of ``beta log pi``; they
        must be bounded, since a linear hint on an unbounded reward has no minimum.
    """

    alpha: float = 0.25
    base: BradleyTerry = field(default_factory=BradleyTerry)
    mean: bool = True
    column: str = "hint"

    def table(self, net: Any, preferences: Preferences) -> Table:
        """Pairs with column ``hint (n, 2, L)`` from the episodes' ``info``; NaN is no hint, 0.

        Raises:
            NetError: No such column, or numbers outside [-1/2, 1/2].
        """
        answered = preferences.without_skipped()
        logged = answered.store.info.get(self.column)
        if logged is None or (np.abs(np.nan_to_num(logged)) > 0.5).any():
            got = sorted(answered.store.info) if logged is None else np.nanmax(np.abs(logged))
            raise NetError(
                f'T-REG: info["{self.column}"] must hold hints in [-1/2, 1/2], got {got}. '
                "Log one for each step, or name their column."
            )
        table = pairs_table(net, answered)
        hint = np.zeros(tuple(table["steps"].shape))
        for side, clips in enumerate((answered.a, answered.b)):
            hint[:, side, : clips.longest] = np.nan_to_num(logged)[clips.rows] * clips.mask
        return table.having(hint=torch.as_tensor(hint).to(net.expects))

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``steps``, ``preferred`` and ``hint (n, 2, L)``."""
        if getattr(net, "bound", 1.0) is None:
            raise ConfigError(
                "T-REG: network must be bounded, got bound None. Build it with bound=1.0."
            )
        paid = steps_of(net, table)
        inside = table.items.get("coefficient")
        weighted = paid if inside is None else paid * inside
        returns = weighted.sum(-1)
        loss = self.base.of_returns(returns[..., 0], returns[..., 1], table["preferred"])
        if not self.alpha:
            return loss
        hints = table["hint"] if inside is None else table["hint"] * (inside > 0)
        return loss + self.alpha * self.of_steps(paid, hints, returns, table["preferred"])

    def of_steps(self, paid: Tensor, hint: Tensor, returns: Tensor, preferred: Tensor) -> Tensor:
        """``w * (Reg(a) + Reg(b))`` of ``(..., n, 2, L)`` rewards."""
        gap = returns[..., 1] - returns[..., 0]
        better = torch.sign(preferred - 0.5)
        weight = torch.sigmoid(-better * gap).detach()
        length = paid.shape[-1] if self.mean else 1
        return -weight * (hint * paid).sum((-1, -2)) / length


def hints(log_ratio: Tensor) -> Tensor:
    """``sigmoid(log pi_good(a|s) / pi_bad(a|s)) - 1/2``, antisymmetric in the two policies."""
    return torch.sigmoid(log_ratio) - 0.5
