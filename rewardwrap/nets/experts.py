"""A mixture of experts: several reward networks side by side, and a gate that sends each step to some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rewardwrap.core.errors import ConfigError
from rewardwrap.nets.network import RewardNet, build, uniform
from rewardwrap.nets.paid import Encoded, NetError, PaidNet
from rewardwrap.nets.spaces import inputs_of
from rewardwrap.nets.tables import Table
from rewardwrap.rewards.experts import KIND, Experts
from rewardwrap.rewards.folding import Arrays
from rewardwrap.rewards.inputs import Inputs

GATE = 1_000_003
"""Added to the seed of a gate, so that it does not draw the numbers of an expert's first layer."""
BALANCE = 1e-2


class ExpertsNet(PaidNet):
    """``f(x) = sum_{e in top k} p_e(x) f_e(x)``, ``p = softmax(W x + b)``, each ``f_e`` a `RewardNet`.

    The experts that a step is not sent to neither pay nor learn there. So that all of them get some,
    `costs` adds ``balance * (E sum_e F_e P_e - 1)``: ``F_e`` the share of steps sent to e, ``P_e`` its mean
    chance; 0 where both are even, ``balance * (E - 1)`` where one expert gets everything. One expert is the
    plain network, bit by bit: its chance is 1 and its costs are 0.

    Args:
        inputs: What it reads; no images.
        experts: E.
        top: k, how many of them a step is sent to, from 1 to E.
        members: M mixtures side by side, each with a gate of its own.
        balance: Weight of the costs.
        bound: As in `RewardNet`; each expert keeps it, and so does their mixture.
        seed: Of the first weights; expert e of member m has those of a network with seed ``seed + m E + e``.
        options: Of `RewardNet`: ``hidden``, ``activation``, ``dtype``.

    Raises:
        ConfigError: More experts for a step than there are.
        NetError: Image observations, or a head of several numbers.

    Source: Fedus et al., Switch Transformers, 2021, arXiv:2101.03961, eq. 2 and 4 to 6 (k = 1, the chance
        stays a factor, so that the gate has a gradient; the weight 1e-2). Deviations: whole networks and
        not layers; all experts are computed, for a handful of small ones costs less than choosing rows;
        1 is taken from the costs, which changes no gradient. SWE-RM, 2025, arXiv:2512.21919 uses a mixture
        of experts as a verifier.
    """

    def __init__(
        self,
        inputs: Inputs,
        *,
        experts: int = 4,
        top: int = 1,
        members: int = 1,
        balance: float = BALANCE,
        bound: float | None = None,
        seed: int = 0,
        **options: Any,
    ) -> None:
        if not 1 <= top <= experts:
            raise ConfigError(
                f"experts: top must lie between 1 and the {experts} experts there are, got {top}. Use 1."
            )
        if inputs.images or options.get("head", "linear") != "linear":
            raise NetError(
                "a mixture of experts must pay one number for vectors, got "
                f"{'images' if inputs.images else 'a head ' + options['head']}. Leave --experts out."
            )
        trunk = RewardNet(inputs, members=members * experts, bound=bound, seed=seed, **options)
        super().__init__(inputs, members, trunk.dtype)
        self.experts, self.top, self.balance, self.trunk = experts, top, balance, trunk
        draws = [torch.Generator().manual_seed(seed + GATE + m) for m in range(members)]
        self.gate_weight = nn.Parameter(uniform((inputs.width, experts), inputs.width, draws))
        self.gate_bias = nn.Parameter(uniform((1, experts), inputs.width, draws))
        self.to(self.expects)

    def compute_in(self, dtype: str) -> None:
        super().compute_in(dtype)
        self.trunk.compute_in(dtype)

    def chances(self, rows: Encoded) -> Tensor:
        """``p``, ``(M, B..., E)``: sums to 1 over the experts."""
        shape = rows.x.shape[:-1]
        x = rows.x.reshape(1, -1, rows.x.shape[-1]).expand(self.members, -1, -1)
        logits = torch.baddbmm(self.gate_bias, x, self.gate_weight)
        return torch.softmax(logits, dim=-1).reshape(self.members, *shape, self.experts)

    def sent(self, chances: Tensor) -> Tensor:
        """Which experts each step is sent to: bool, of the shape of ``chances``; all of a tie are."""
        least = chances.detach().kthvalue(self.experts - self.top + 1, dim=-1, keepdim=True).values
        return chances >= least

    def forward(self, rows: Encoded) -> Tensor:
        """``(M, B...)``, before scale and shift."""
        said = self.trunk(rows)
        said = said.reshape(self.members, self.experts, *said.shape[1:])
        chances = self.chances(rows)
        weight = chances * self.sent(chances)
        paid: Tensor = (said * weight.movedim(-1, 1)).sum(1)
        return paid

    def costs(self, table: Table) -> Tensor:
        """``(M, n)``: what uneven use of the experts costs; its mean over items is the formula's."""
        place = "steps" if "steps" in table.items else "row"
        chances = self.chances(table.seen(place))
        sent = self.sent(chances).to(chances.dtype)
        sent = sent / sent.sum(-1, keepdim=True)
        inside = table.items.get("coefficient")
        share, mean = (_per_item(each, inside) for each in (sent, chances))
        used = share.mean(dim=1, keepdim=True)
        return self.balance * (self.experts * (used * mean).sum(-1) - 1.0)

    def describe(self) -> dict[str, Any]:
        own = self.trunk.describe()
        shared = ("layers", "hidden", "activation", "bound", "dtype")
        return {"kind": KIND, "members": self.members, "experts": self.experts, "top": self.top,
                "balance": self.balance, **{name: own[name] for name in shared}}  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        own = {k: v for k, v in self.trunk.arrays().items() if k.startswith("layer")}
        gate = {"gate.weight": self.gate_weight, "gate.bias": self.gate_bias}
        return own | {n: v.detach().numpy().copy() for n, v in (self._common() | gate).items()}

    def load_arrays(self, arrays: Arrays) -> None:
        read = self._read(arrays)
        common = self.trunk.arrays()
        own = {k: v.numpy() for k, v in read.items() if k.startswith("layer")}
        self.trunk.load_arrays({**common, **own})
        with torch.no_grad():
            self.gate_weight.copy_(read["gate.weight"])
            self.gate_bias.copy_(read["gate.bias"])

    def freeze(self, *, rule: str = "mean", k: float = 1.0) -> Experts:
        return Experts(self.inputs, self.describe(), self.arrays(), rule=rule, k=k)


def _per_item(each: Tensor, inside: Tensor | None) -> Tensor:
    """``(M, n, ..., E) -> (M, n, E)``: the mean over an item's steps, padding left out."""
    if each.dim() == 3:
        return each
    if inside is None:
        return each.flatten(2, -2).mean(2)
    there = (inside > 0).to(each.dtype).flatten(1)[None, ..., None]
    return (each.flatten(2, -2) * there).sum(2) / there.sum(2)


def build_mixed(
    store: Any, reads: Sequence[str] = ("obs", "action"), *, experts: int = 1, top: int = 1,
    known: Any = None, **options: Any,
) -> RewardNet | ExpertsNet:  # fmt: skip
    """A plain network, or from two experts on a mixture of them, for the spaces of a store.

    Raises:
        ConfigError: More experts for a step than there are.
    """
    if experts == 1 and top == 1:
        return build(store, reads, known=known, **options)
    return ExpertsNet(inputs_of(store, reads, known=known), experts=experts, top=top, **options)


def experts_of(inputs: Inputs, described: dict[str, Any]) -> ExpertsNet:
    """An untrained one as model.json describes it."""
    return ExpertsNet(
        inputs, **{name: value for name, value in described.items() if name != "kind"}
    )
