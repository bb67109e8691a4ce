"""One builder of reward networks: vectors, images and dicts, any action space, any ensemble size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from rewardwrap.core.errors import ConfigError, RewardwrapError, UnknownName
from rewardwrap.core.transitions import Transitions
from rewardwrap.rewards.frozen import STRIDES, Arrays, Frozen, channels_first
from rewardwrap.rewards.inputs import Inputs, Part, plain_space

Head: TypeAlias = Literal["linear", "gaussian", "quantile"]
Activation: TypeAlias = Literal["relu", "silu", "tanh"]
ACTIVATIONS = {"relu": torch.relu, "silu": nn.functional.silu, "tanh": torch.tanh}
SMALLEST_SD = 1e-6
LOGVAR = (-10.0, 10.0)


@dataclass(frozen=True)
class Encoded:
    """Rows as a network reads them.

    Args:
        x: ``(..., D)`` float32, normalised once `RewardNet.prepare` has seen it.
        images: ``(..., C, H, W)`` uint8, one for each image among the inputs.
    """

    x: Tensor
    images: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Tensor) -> Encoded:
        """Rows by index, of any shape."""
        return Encoded(self.x[rows], tuple(image[rows] for image in self.images))


class RewardNet(nn.Module):
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
        bound: ``bound * tanh(out)`` instead of ``out``, as B-Pref has it; None for no bound.
        signs: ``(D,)`` of -1, 0, 1: which way the reward must go with each input. Linear nets only.
        features: Numbers that SB3's NatureCNN makes of an image.
        dtype: Of the frozen network; ``"float64"`` where a few inputs need it.
        seed: Of the first weights.
    """

    mean: Tensor
    sd: Tensor
    scale: Tensor
    shift: Tensor
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
        signs: Sequence[int] | None = None,
        features: int = 64,
        dtype: str = "float32",
        seed: int = 0,
    ) -> None:
        super().__init__()
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
        self.inputs, self.members, self.hidden = inputs, members, tuple(hidden)
        self.activation, self.head, self.bound, self.dtype = activation, head, bound, dtype
        self.features, self.quantiles, self.seed = features, quantiles, seed
        width = inputs.width + features * len(inputs.images)
        sizes = [width, *hidden, columns[head]]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        generators = [torch.Generator().manual_seed(seed + m) for m in range(members)]
        for i, o in pairwise(sizes):
            self.weights.append(nn.Parameter(_uniform((i, o), i, generators)))
            self.biases.append(nn.Parameter(_uniform((1, o), i, generators)))
        self.trunks = nn.ModuleList(_Trunk(part, features, members, seed) for part in inputs.images)
        self.register_buffer("mean", torch.zeros(inputs.width))
        self.register_buffer("sd", torch.ones(inputs.width))
        self.register_buffer("scale", torch.ones(members))
        self.register_buffer("shift", torch.zeros(members))
        self.register_buffer("signs", None if signs is None else torch.tensor(signs).float())
        self.to(self.expects)

    @property
    def expects(self) -> torch.dtype:
        """What rows are computed in."""
        return torch.float64 if self.dtype == "float64" else torch.float32

    def encode(self, batch: Transitions) -> Encoded:
        """Rows of a batch, not yet normalised.

        Raises:
            NetError: An input is missing or not finite.
        """
        x = np.empty((batch.lanes, self.inputs.width), np.float64)
        self.inputs.write(batch, x)
        bad = np.flatnonzero(~np.isfinite(x).all(axis=1))
        if bad.size:
            raise NetError(
                f"inputs must be finite, got {x[bad[0]][~np.isfinite(x[bad[0]])][0]} in row {bad[0]} "
                f"({bad.size} of {len(x)} rows). Drop those episodes, or fill the gaps first."
            )
        images = tuple(
            torch.from_numpy(np.ascontiguousarray(channels_first(self.inputs.leaf(batch, part))))
            for part in self.inputs.images
        )
        return Encoded(torch.from_numpy(x), images)

    def normalise(self, rows: Encoded) -> None:
        """Take mean and deviation of the inputs from training rows; one-hot columns stay as they are."""
        scaled = torch.from_numpy(self.inputs.scaled())
        x = rows.x.double()
        sd = x.std(dim=0, correction=0)
        constant = sd <= SMALLEST_SD * x.abs().amax(dim=0).clamp(min=1.0)
        self.mean = torch.where(scaled, x.mean(dim=0), 0.0).to(self.expects)
        self.sd = torch.where(scaled & ~constant, sd, 1.0).to(self.expects)

    def prepare(self, rows: Encoded) -> Encoded:
        """Normalised rows: what ``forward`` takes. Done once, not at every step."""
        return Encoded(((rows.x - self.mean) / self.sd).to(self.expects), rows.images)

    def columns(self, rows: Encoded) -> Tensor:
        """Every output column: ``(B..., D) -> (M, B..., C)``, before the bound."""
        shape = rows.x.shape[:-1]
        x = rows.x.reshape(1, -1, rows.x.shape[-1])
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
        found = self.columns(rows)
        found = found[..., 0] if self.head == "gaussian" else found.mean(dim=-1)
        paid: Tensor = found if self.bound is None else self.bound * torch.tanh(found)
        return paid

    def reward(self, rows: Encoded) -> Tensor:
        """The finished reward of prepared rows, ``(M, B...)``."""
        shape = (-1,) + (1,) * (rows.x.dim() - 1)
        paid: Tensor = self(rows) * self.scale.view(shape) + self.shift.view(shape)
        return paid

    def center(self, rows: Encoded, *, block: int = 8192) -> None:
        """Choose scale and shift so that every member has mean 0 and deviation 1 on these rows."""
        self.scale, self.shift = torch.ones_like(self.scale), torch.zeros_like(self.shift)
        paid = self.all(rows, block=block)
        sd = paid.std(dim=1, correction=0)
        sd = torch.where(sd > SMALLEST_SD, sd, 1.0)
        self.scale, self.shift = 1.0 / sd, -paid.mean(dim=1) / sd

    @torch.no_grad()
    def all(self, rows: Encoded, *, block: int = 8192) -> Tensor:
        """The finished reward of many prepared rows, ``(M, B)``, in blocks."""
        index = torch.arange(len(rows))
        parts = torch.split(index, block)
        return torch.cat([self.reward(rows.take(part)) for part in parts], dim=1)

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
            "signs": None if self.signs is None else [int(s) for s in self.signs],
            "features": self.features,
            "dtype": self.dtype,
        }

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Its weights by the names of the model folder."""
        found: dict[str, Tensor] = {"input.mean": self.mean, "input.sd": self.sd}
        found |= {"output.scale": self.scale, "output.shift": self.shift}
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            found |= {f"layer{i}.weight": weight, f"layer{i}.bias": bias}
        for i, trunk in enumerate(self.trunks):
            found |= {f"image{i}.{name}": value for name, value in trunk.named().items()}  # type: ignore[operator]
        return {name: value.detach().numpy().copy() for name, value in found.items()}

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over what `arrays` returned."""
        own = self.arrays()
        wrong = [k for k in own if k not in arrays or arrays[k].shape != own[k].shape]
        if wrong:
            raise NetError(
                f"weights must fit the network, got another {wrong[0]}. Load the model they came from."
            )
        read = {name: torch.from_numpy(np.array(arrays[name])) for name in own}
        self.mean, self.sd = read["input.mean"], read["input.sd"]
        self.scale, self.shift = read["output.scale"], read["output.shift"]
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


class NetError(RewardwrapError, ValueError):
    """Data, weights or a fit from which no reward model can come."""


class _Trunk(nn.Module):
    """SB3's NatureCNN, M times, run as one by vmap: ``(B, C, H, W) uint8 -> (M, B, features)``."""

    def __init__(self, part: Part, features: int, members: int, seed: int) -> None:
        super().__init__()
        from gymnasium.spaces import Box
        from stable_baselines3.common.torch_layers import NatureCNN

        shape = channels_first(np.empty((1, *part.shape))).shape[1:]
        space = Box(0, 255, shape, np.uint8)
        made = []
        for m in range(members):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed + m)
                made.append(NatureCNN(space, features_dim=features))
        strides = tuple(layer.stride[0] for layer in made[0].cnn if isinstance(layer, nn.Conv2d))
        assert strides == STRIDES
        stacked, _ = stack_module_state(made)
        self.names = tuple(stacked)
        self.values = nn.ParameterList(nn.Parameter(v.detach().clone()) for v in stacked.values())
        # held in a list, so that its own weights are no parameters of this module
        self._shape = [made[0]]

    def forward(self, image: Tensor) -> Tensor:
        shape = self._shape[0]

        def one(weights: dict[str, Tensor], pixels: Tensor) -> Tensor:
            found: Tensor = functional_call(shape, weights, (pixels,))
            return found

        weights = dict(zip(self.names, self.values, strict=True))
        return vmap(one, (0, None))(weights, image.to(self.values[0].dtype) / 255)

    def named(self) -> dict[str, Tensor]:
        """Weights by the names of the model folder: ``conv<i>.weight``, ``linear.bias``, ..."""
        layers = {"cnn.0": "conv0", "cnn.2": "conv1", "cnn.4": "conv2", "linear.0": "linear"}
        return {
            f"{layers[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": value
            for name, value in zip(self.names, self.values, strict=True)
        }


def _uniform(shape: tuple[int, int], fan_in: int, generators: Sequence[torch.Generator]) -> Tensor:
    """torch's default for Linear: uniform within 1 / sqrt(fan in)."""
    bound = 1.0 / math.sqrt(max(fan_in, 1))
    return torch.stack([torch.rand(shape, generator=g) * 2 * bound - bound for g in generators])


def build(store: Any, reads: Sequence[str] = ("obs", "action"), **options: Any) -> RewardNet:
    """A network for the spaces of a store of episodes.

    Args:
        store: An `EpisodeStore`; spaces it does not know are read off its columns.
        reads: Any of ``obs``, ``action``, ``next_obs``, ``terminated``.
        options: Of `RewardNet`.
    """
    return RewardNet(Inputs.of(spaces_of(store), reads), **options)


def spaces_of(store: Any) -> dict[str, Any]:
    """``{"obs": ..., "action": ...}`` of a store as plain data, read off the columns where unknown."""
    known = {"obs": store.observation_space, "action": store.action_space}
    return {
        name: _seen(getattr(store, name)) if space is None else plain_space(space)
        for name, space in known.items()
    }


def _seen(column: Any) -> dict[str, Any]:
    if isinstance(column, Mapping):
        return {"sort": "dict", "spaces": {key: _seen(leaf) for key, leaf in column.items()}}
    if isinstance(column, tuple | list):
        return {"sort": "tuple", "spaces": [_seen(leaf) for leaf in column]}
    values = np.asarray(column)
    shape = list(values.shape[1:])
    if values.dtype.kind in "iu" and values.ndim == 1:
        if values.size and values.min() < 0:
            raise ConfigError(
                f"a column of whole numbers must start at 0 to be one-hot, got {values.min()}. "
                "Store its space with the episodes."
            )
        size = int(values.max(initial=0)) + 1
        return {"sort": "digits", "shape": shape, "sizes": [size], "start": [0]}
    return {"sort": "box", "shape": shape, "dtype": str(values.dtype)}
