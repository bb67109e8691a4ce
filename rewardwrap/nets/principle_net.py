"""One network that judges several principles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.paid import Encoded, PaidNet
from rewardwrap.rewards.folding import Arrays
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.principled import KIND, Principled


class PrincipleNet(PaidNet):
    """k logits a row from one trunk; paid as a reward, the mean of their chances.

    Args:
        inputs: What it reads; no images.
        names: Of the k principles.
        options: Of the network, as in `RewardNet`.
    """

    def __init__(self, inputs: Inputs, names: Sequence[str], **options: Any) -> None:
        judge = RewardNet(inputs, head="quantile", quantiles=len(names), **options)
        super().__init__(inputs, judge.members, judge.dtype)
        self.names, self.judge = tuple(names), judge

    def compute_in(self, dtype: str) -> None:
        super().compute_in(dtype)
        self.judge.compute_in(dtype)

    def logits(self, rows: Encoded) -> Tensor:
        """``(M, B..., k)``."""
        return self.judge.columns(rows)

    def forward(self, rows: Encoded) -> Tensor:
        """``(M, B...)`` in [0, 1]."""
        return torch.sigmoid(self.logits(rows)).mean(-1)

    def describe(self) -> dict[str, Any]:
        own = self.judge.describe()
        shared = ("members", "layers", "hidden", "activation", "dtype")
        return {"kind": KIND, "names": list(self.names), **{name: own[name] for name in shared}}

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        own = {k: v for k, v in self.judge.arrays().items() if k.startswith("layer")}
        return own | {name: v.detach().numpy().copy() for name, v in self._common().items()}

    def load_arrays(self, arrays: Arrays) -> None:
        read = self._read(arrays)
        common = self.judge.arrays()
        self.judge.load_arrays({**common, **{k: v.numpy() for k, v in read.items() if k in common}})

    def freeze(self, *, rule: str = "mean", k: float = 1.0) -> Principled:
        return Principled(self.inputs, self.describe(), self.arrays(), rule=rule, k=k)


def principle_net_of(inputs: Inputs, described: dict[str, Any]) -> PrincipleNet:
    """An untrained one as model.json describes it."""
    names = ("names", "members", "hidden", "activation", "dtype")
    return PrincipleNet(inputs, **{name: described[name] for name in names})
