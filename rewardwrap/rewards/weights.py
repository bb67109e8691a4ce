"""Small networks in one flat vector: numpy reads them at every step, torch moves them now and then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError

Shape: TypeAlias = tuple[tuple[int, ...], int]
"""Of an array, and how many numbers each of its outputs is made of; 0 for a bias."""
BETAS, EPSILON = (0.9, 0.999), 1e-8


class Net:
    """Layers with rectified units in between; the same formula for numpy arrays and torch tensors."""

    def __init__(self, layers: Sequence[tuple[Any, Any]]) -> None:
        *self.inner, self.last = layers

    def __call__(self, x: Any) -> Any:
        """``(B, inputs) -> (B, outputs)``."""
        if x.__class__ is not np.ndarray:
            for weight, bias in self.inner:
                x = (x @ weight + bias).relu()
            return x @ self.last[0] + self.last[1]
        for weight, bias in self.inner:
            # in place: of a handful of rows the calls cost more than the numbers
            x = x.dot(weight)
            x += bias
            np.maximum(x, 0.0, out=x)
        x = x.dot(self.last[0])
        x += self.last[1]
        return x


class Weights:
    """Named arrays, one after the other in a vector, with Adam's two moments of each number.

    Args:
        shapes: Of each array by name; layer i of a net is ``net.i.weight`` and ``net.i.bias``.
        rng: Draws the first weights: normal with variance ``2 / fan in``.
    """

    def __init__(self, shapes: Mapping[str, Shape], rng: np.random.Generator) -> None:
        self.shapes = dict(shapes)
        drawn = [_first(shape, fan, rng) for shape, fan in shapes.values()]
        self.flat = np.concatenate([np.zeros(0), *drawn])
        self.mean, self.square = np.zeros_like(self.flat), np.zeros_like(self.flat)
        self.steps = 0
        self._read: dict[str, Net] | None = None

    def arrays(self, flat: Any) -> dict[str, Any]:
        """Views into a flat vector, of numpy or of torch, by name."""
        found, begin = {}, 0
        for name, (shape, _) in self.shapes.items():
            end = begin + int(np.prod(shape))
            found[name] = flat[begin:end].reshape(shape)
            begin = end
        return found

    @property
    def nets(self) -> dict[str, Net]:
        """The networks as numpy reads them; they follow every change of the weights."""
        if self._read is None:
            self._read = nets_of(self.arrays(self.flat))
        return self._read

    def tensors(self) -> dict[str, Net]:
        """The networks for torch, without a gradient."""
        import torch

        return nets_of(self.arrays(torch.from_numpy(self.flat)))

    def descend(self, loss: Callable[[dict[str, Net]], Any], rate: float) -> float:
        """One step of Adam; returns the loss before it. A loss that is not finite changes nothing."""
        import torch

        leaf = torch.from_numpy(self.flat.copy()).requires_grad_()
        value = loss(nets_of(self.arrays(leaf)))
        (gradient,) = torch.autograd.grad(value, leaf)
        slope = gradient.numpy()
        if np.isfinite(slope).all():
            self.steps += 1
            for kept, new, beta in (
                (self.mean, slope, BETAS[0]),
                (self.square, slope**2, BETAS[1]),
            ):
                kept *= beta
                kept += (1 - beta) * new
            mean = self.mean / (1 - BETAS[0] ** self.steps)
            spread = np.sqrt(self.square / (1 - BETAS[1] ** self.steps)) + EPSILON
            self.flat -= rate * mean / spread
        return float(value.detach())

    def packed(self) -> NDArray[np.float64]:
        """All numbers, ``(3, n)``: the weights and their two moments."""
        return np.stack((self.flat, self.mean, self.square))

    def unpack(self, packed: NDArray[Any], steps: int) -> None:
        """Take over what `packed` returned.

        Raises:
            ConfigError: It is of other networks.
        """
        if packed.shape != (3, self.flat.size):
            raise ConfigError(
                f"weights must be {(3, self.flat.size)} numbers, got {packed.shape}. "
                "Load them into the reward that they were saved from."
            )
        for own, new in zip((self.flat, self.mean, self.square), packed, strict=True):
            own[:] = new
        self.steps = steps

    def __getstate__(self) -> dict[str, Any]:
        # views do not survive a copy
        return {**self.__dict__, "_read": None}


def layers(net: str, sizes: Sequence[int]) -> dict[str, Shape]:
    """The arrays of a network: ``sizes`` from its inputs to its outputs."""
    found: dict[str, Shape] = {}
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        found[f"{net}.{i}.weight"] = (inputs, outputs), inputs
        found[f"{net}.{i}.bias"] = (outputs,), 0
    return found


def nets_of(arrays: Mapping[str, Any]) -> dict[str, Net]:
    """The networks among named arrays."""
    found: dict[str, list[Any]] = {}
    for name, array in arrays.items():
        net, _, rest = name.partition(".")
        if rest.endswith(".weight") and rest[0].isdigit():
            bias = arrays[name.removesuffix("weight") + "bias"]
            found.setdefault(net, []).append((array, bias))
    return {net: Net(pairs) for net, pairs in found.items()}


def beside(*columns: Any) -> Any:
    """Matrices side by side, of numpy or of torch."""
    if columns[0].__class__ is np.ndarray:
        return np.concatenate(columns, axis=1)
    import torch

    return torch.cat(columns, dim=1)


def _first(shape: tuple[int, ...], fan: int, rng: np.random.Generator) -> NDArray[np.float64]:
    size = int(np.prod(shape))
    if not fan:
        return np.zeros(size)
    drawn: NDArray[np.float64] = rng.standard_normal(size) * np.sqrt(2.0 / fan)
    return drawn
