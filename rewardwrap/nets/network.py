"""One builder of reward networks: vectors, images and dicts, any action space, any ensemble size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.nets.paid import Encoded, NetError, PaidNet
from rewardwrap.nets.spaces import inputs_of
from rewardwrap.nets.trunk import Trunk
from rewardwrap.rewards.folding import Arrays
from rewardwrap.rewards.frozen import Frozen
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.outputs import output_of

Head: TypeAlias = Literal["linear", "gaussian", "quantile"]
Activation: TypeAlias = Literal["relu", "silu", "tanh"]
ACTIVATIONS = {"relu": torch.relu_, "silu": nn.functional.silu, "tanh": torch.tanh_}
"""In place where the gradient needs the result alone: half the memory traffic of a training step."""

LOGVAR = (-10.0, 10.0)


class RewardNet(PaidNet):
    """M reward networks side by side; each layer is one batched matrix product.

    ``r_m(row) = scale_m * out_m + shift_m``, ``out_m`` a network of `hidden` layers over the
    normalised inputs. ``forward`` gives ``out``, which is what objectives are written for; scale and
    shift belong to the finished model. Member m starts from the weights that a single network with
    seed ``seed + m`` starts from, so an ensemble is nothing but its members.

    Args:
        inputs: What it reads; see `build`.
        hidden: Sizes of the hidden layers; none is a linear head on the inputs (or image features).
        members: M.
        activation: ``"relu"`` is by far the fastest in the loop; ``"silu"`` for the two-layer head.
        head: ``"linear"``; ``"gaussian"``, mean and log-variance; ``"quantile"``.
        quantiles: How many, for the quantile head.
        output: What the finished number becomes: ``"sigmoid"``, ``"softplus"`` or ``"fairl"``; see
            `rewards.outputs`.
        bound: ``bound * tanh(out)`` instead of ``out``, as B-Pref has it; None for no bound.
        signs: ``(D,)`` of -1, 0, 1: which way the reward must go with each input. Linear nets only.
        features: Numbers that SB3's NatureCNN makes of an image.
        dtype: Of the frozen network; ``"float64"`` where a few inputs need it.
        seed: Of the first weights.
    """

    signs: Tensor | None

    def __init__(
        self,
        inputs: Inputs,
        *,
        hidden: Sequence[int] = (64, 64),
        members: int = 1,
        activation: Activation = "relu",
        head: Head = "linear",
        quantiles: int = 8,
        bound: float | None = None,
        output: str | None = None,
        signs: Sequence[int] | None = None,
        features: int = 64,
        dtype: str = "float32",
        seed: int = 0,
    ) -> None:
        super().__init__(inputs, members, dtype)
        if activation not in ACTIVATIONS:
            raise UnknownName("activation", activation, ACTIVATIONS)
        if signs is not None and hidden:
            raise ConfigError(
                f"a monotone network must be linear, got hidden layers {tuple(hidden)}. "
                "Use hidden=(), or leave signs out."
            )
        columns = {"linear": 1, "gaussian": 2, "quantile": quantiles}
        if head not in columns:
            raise UnknownName("head", head, columns)
        self.hidden, self.activation, self.head, self.bound = tuple(hidden), activation, head, bound
        self.features, self.quantiles, self.seed = features, quantiles, seed
        self.output, self._becomes = output, output_of(output)
        width = inputs.width + features * len(inputs.images)
        sizes = [width, *hidden, columns[head]]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        generators = [torch.Generator().manual_seed(seed + m) for m in range(members)]
        for i, o in pairwise(sizes):
            self.weights.append(nn.Parameter(uniform((i, o), i, generators)))
            self.biases.append(nn.Parameter(uniform((1, o), i, generators)))
        self.trunks = nn.ModuleList(Trunk(part, features, members, seed) for part in inputs.images)
        self.register_buffer("signs", None if signs is None else torch.tensor(signs).float())
        self.to(self.expects)

    def columns(self, rows: Encoded) -> Tensor:
        """Every output column: ``(B..., D) -> (M, B..., C)``, before the bound."""
        shape = rows.x.shape[:-1]
        x = rows.x.reshape(1, math.prod(shape), rows.x.shape[-1])
        if self.trunks:
            flat = [image.reshape(-1, *image.shape[-3:]) for image in rows.images]
            seen = [trunk(image) for trunk, image in zip(self.trunks, flat, strict=True)]
            x = torch.cat([x.expand(self.members, -1, -1), *seen], dim=2)
        hidden = x
        for i, (weight, bias) in enumerate(self._layers()):
            if i:
                hidden = ACTIVATIONS[self.activation](hidden)
            if hidden.shape[0] != self.members:
                hidden = hidden.expand(self.members, -1, -1)
            hidden = torch.baddbmm(bias, hidden, weight)
        return hidden.reshape(self.members, *shape, -1)

    def forward(self, rows: Encoded) -> Tensor:
        """``(B...) -> (M, B...)``: one number per row and member, before scale and shift."""
        return self._number(self.columns(rows))

    def one(self, member: int, rows: Encoded) -> Tensor:
        """``forward`` of one member alone, ``(B,) -> (B,)``: for rows that the others need not see.

        Raises:
            NetError: Rows with images, whose features are made for all members at once.
        """
        if rows.images:
            raise NetError("one member must see vectors, got images. Call the network instead.")
        hidden = rows.x
        for i, (weight, bias) in enumerate(self._layers()):
            if i:
                hidden = ACTIVATIONS[self.activation](hidden)
            hidden = torch.addmm(bias[member], hidden, weight[member])
        return self._number(hidden)

    def _number(self, columns: Tensor) -> Tensor:
        found = columns[..., 0] if self.head == "gaussian" else columns.mean(dim=-1)
        paid: Tensor = found if self.bound is None else self.bound * torch.tanh(found)
        return paid

    def reward(self, rows: Encoded) -> Tensor:
        """The finished reward of prepared rows, ``(M, B...)``."""
        paid = super().reward(rows)
        return paid if self._becomes is None else self._becomes(paid, torch)

    def becomes(self, output: str | None) -> None:
        """Pay another function of the finished number; see `rewards.outputs`."""
        self.output, self._becomes = output, output_of(output)

    def describe(self) -> dict[str, Any]:
        """What model.json says of the network."""
        return {
            "members": self.members,
            "layers": len(self.weights),
            "hidden": list(self.hidden),
            "activation": self.activation,
            "head": self.head,
            "quantiles": self.quantiles,
            "bound": self.bound,
            "output": self.output,
            "signs": None if self.signs is None else [int(s) for s in self.signs],
            "features": self.features,
            "dtype": self.dtype,
        }

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Its weights by the names of the model folder."""
        found = self._common()
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            found |= {f"layer{i}.weight": weight, f"layer{i}.bias": bias}
        for i, trunk in enumerate(self.trunks):
            found |= {f"image{i}.{name}": value for name, value in trunk.named().items()}  # type: ignore[operator]
        return {name: value.detach().numpy().copy() for name, value in found.items()}

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over what `arrays` returned."""
        read = self._read(arrays)
        with torch.no_grad():
            for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
                weight.copy_(read[f"layer{i}.weight"])
                bias.copy_(read[f"layer{i}.bias"])
            for i, trunk in enumerate(self.trunks):
                for name, value in trunk.named().items():  # type: ignore[operator]
                    value.copy_(read[f"image{i}.{name}"])

    def freeze(self, *, rule: str = "mean", k: float = 1.0) -> Frozen:
        """The same as plain numpy; later training does not change it."""
        return Frozen(self.inputs, self.describe(), self.arrays(), rule=rule, k=k)

    def _layers(self) -> list[tuple[Tensor, Tensor]]:
        layers = list(zip(self.weights, self.biases, strict=True))
        if self.signs is not None:
            weight, bias = layers[0]
            signs = self.signs[None, :, None]
            free = signs == 0
            layers[0] = torch.where(free, weight, signs * nn.functional.softplus(weight)), bias
        return layers


def uniform(shape: tuple[int, int], fan_in: int, generators: Sequence[torch.Generator]) -> Tensor:
    """torch's default for Linear: uniform within 1 / sqrt(fan in)."""
    bound = 1.0 / math.sqrt(max(fan_in, 1))
    return torch.stack([torch.rand(shape, generator=g) * 2 * bound - bound for g in generators])


def build(
    store: Any, reads: Sequence[str] = ("obs", "action"), *, known: Any = None, **options: Any
) -> RewardNet:
    """A network for the spaces of a store of episodes.

    Args:
        store: An `EpisodeStore`; spaces it does not know are read off its columns.
        reads: Any of ``obs``, ``action``, ``next_obs``, ``terminated``.
        known: Episodes whose medians fill the gaps of a store that was filled; the store where left out.
        options: Of `RewardNet`.
    """
    return RewardNet(inputs_of(store, reads, known=known), **options)
