"""The network of a general preference: clips become directions, and pairs of them an answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor
from torch.nn import functional

from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.paid import Encoded, NetError, PaidNet
from rewardwrap.nets.tables import Table
from rewardwrap.rewards.folding import Arrays
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.paired import KIND, Paired, turned


class PairNet(PaidNet):
    """2k numbers a step; the direction of a clip's mean is compared with another's. It pays no step.

    Args:
        inputs: What it reads; no images.
        planes: k.
        tau: Temperature, above 0.
        options: Of the network, as in `RewardNet`.

    Raises:
        NetError: Image observations, or a bound, which directions do not have.
    """

    pays = False

    def __init__(
        self,
        inputs: Inputs,
        *,
        planes: int = 4,
        tau: float = 0.1,
        bound: Any = None,
        **options: Any,
    ) -> None:
        if inputs.images or bound is not None:
            raise NetError(
                "a general preference must be of vectors and without a bound, got "
                f"{'images' if inputs.images else f'bound {bound}'}. Fit bradley_terry."
            )
        turner = RewardNet(inputs, head="quantile", quantiles=2 * planes, **options)
        super().__init__(inputs, turner.members, turner.dtype)
        self.planes, self.tau, self.turner = planes, tau, turner

    def compute_in(self, dtype: str) -> None:
        super().compute_in(dtype)
        self.turner.compute_in(dtype)

    def forward(self, rows: Encoded) -> Tensor:
        raise NetError(
            "a general preference must not be paid step by step, got steps. Compare whole episodes "
            "with others: rw.WinRate(MODEL, pool=EPISODES)."
        )

    def logits(self, table: Table) -> Tensor:
        """``(M, n)``: above 0 where clip 1 is better than clip 0."""
        steps = self.turner.columns(table.seen("steps"))
        if "coefficient" in table.items:
            # a padding step counts 0; the length drops out with the norm
            steps = steps * table["coefficient"][..., None]
        v = functional.normalize(steps.mean(-2), dim=-1)
        found: Tensor = (v[..., 1, :] * turned(v[..., 0, :])).sum(-1) / self.tau
        return found

    def describe(self) -> dict[str, Any]:
        own = self.turner.describe()
        shared = ("members", "layers", "hidden", "activation", "dtype")
        return {"kind": KIND, "planes": self.planes, "tau": self.tau, **{n: own[n] for n in shared}}

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        own = {k: v for k, v in self.turner.arrays().items() if k.startswith("layer")}
        return own | {name: v.detach().numpy().copy() for name, v in self._common().items()}

    def load_arrays(self, arrays: Arrays) -> None:
        read = self._read(arrays)
        common = self.turner.arrays()
        self.turner.load_arrays(
            {**common, **{k: v.numpy() for k, v in read.items() if k in common}}
        )

    def freeze(self, *, rule: str = "mean", k: float = 1.0) -> Paired:
        return Paired(self.inputs, self.describe(), self.arrays())


def pair_net_of(inputs: Inputs, described: dict[str, Any]) -> PairNet:
    """An untrained one as model.json describes it."""
    names = ("planes", "tau", "members", "hidden", "activation", "dtype")
    return PairNet(inputs, **{name: described[name] for name in names})
