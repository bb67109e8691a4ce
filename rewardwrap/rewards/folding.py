"""Everything linear of a trained network, folded into its first and its last layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.rewards.sealed import WEIGHTS

Arrays: TypeAlias = Mapping[str, NDArray[Any]]
Layers: TypeAlias = list[tuple[NDArray[Any], NDArray[Any]]]


@dataclass(frozen=True)
class Folded:
    """Layers that take raw inputs and pay finished rewards.

    Args:
        layers: ``(M, in, out)`` and ``(M, 1, out)``; without a bound, scale and shift lie in the last.
        first: The first layer's members side by side over their biases, ``(in + 1, M * out)``.
        scale: ``(M, 1)``, for what was bounded.
        shift: ``(M, 1)``.
    """

    layers: Layers
    first: NDArray[Any]
    scale: NDArray[np.float64]
    shift: NDArray[np.float64]

    def floored(self) -> Layers:
        """The layers behind the first, of rectified units, with a lower bound for each bias but the last.

        ``relu(y + b) = max(y, -b) + b``, and what is added is passed on into the next bias: one pass less
        over the units.
        """
        found: Layers = []
        passed: Any = None
        for weight, bias in self.layers[1:]:
            moved = 0.0 if passed is None else passed @ weight.astype(np.float64)
            passed = moved + bias.astype(np.float64)
            last = len(found) == len(self.layers) - 2
            found.append((weight, (passed if last else -passed).astype(weight.dtype)))
        return found

    def with_ones(self) -> list[NDArray[Any]]:
        """One member's weights over its biases, with a column that hands a one on; the last as a vector."""
        found = []
        for weight, bias in self.layers:
            ones = np.zeros((weight.shape[1] + 1, weight.shape[2] + 1), weight.dtype)
            ones[:-1, :-1], ones[-1, :-1], ones[-1, -1] = weight[0], bias[0, 0], 1.0
            found.append(ones)
        found[-1] = np.ascontiguousarray(found[-1][:, 0])
        return found


def fold(net: Mapping[str, Any], arrays: Arrays, *, width: int, images: bool) -> Folded:
    """Input normalisation into the first layer, heads and the output's scale into the last.

    Args:
        net: As in model.json.
        arrays: Weights by name.
        width: Numbers that are no image features.
        images: Whether image features follow them.

    Raises:
        ConfigError: An array is missing, does not fit the others, or is not finite.
    """
    layers = _read(net, arrays, None if images else width)
    if net.get("signs") is not None:
        # a monotone network stores the logarithm-like free parameter of each weight
        weight, bias = layers[0]
        signs = np.asarray(net["signs"], np.float64)[None, :, None]
        layers[0] = np.where(signs == 0, weight, signs * np.logaddexp(0, weight)), bias
    mean, sd = (np.asarray(array_of(arrays, f"input.{n}"), np.float64) for n in ("mean", "sd"))
    weight, bias = layers[0]
    weight[:, :width] /= sd[:, None]
    bias -= (mean @ weight[:, :width])[:, None]
    scale, shift = (
        np.asarray(array_of(arrays, f"output.{n}"), np.float64)[:, None] for n in ("scale", "shift")
    )
    layers[-1] = _head(net, layers[-1], scale, shift)
    dtype = np.dtype(net["dtype"])
    small = [(np.ascontiguousarray(w, dtype), np.ascontiguousarray(b, dtype)) for w, b in layers]
    weight, bias = small[0]
    side_by_side = weight.transpose(1, 0, 2).reshape(weight.shape[1], -1)
    first = np.concatenate([side_by_side, bias.reshape(1, -1)])
    return Folded(small, first, scale, shift)


def _head(
    net: Mapping[str, Any], last: tuple[NDArray[Any], NDArray[Any]], scale: Any, shift: Any
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Quantiles become their mean, a Gaussian its mean; then scale and shift, unless tanh comes first."""
    columns = slice(0, 1) if net["head"] == "gaussian" else slice(None)
    weight, bias = (array[..., columns].mean(axis=2, keepdims=True) for array in last)
    if net["bound"] is not None:
        return weight, bias
    return weight * scale[:, :, None], bias * scale[:, :, None] + shift[:, :, None]


def _read(net: Mapping[str, Any], arrays: Arrays, width: int | None) -> Layers:
    found: Layers = []
    for i in range(int(net["layers"])):
        weight, bias = (
            np.asarray(array_of(arrays, f"layer{i}.{name}"), np.float64).copy()
            for name in ("weight", "bias")
        )
        fits = weight.ndim == 3 and width in (None, weight.shape[1])
        if not fits or bias.shape != (int(net["members"]), 1, weight.shape[2]):
            raise ConfigError(
                f"{WEIGHTS}: layer {i} must fit inputs of width {width}, got {weight.shape} and "
                f"{bias.shape}. Fit the model again."
            )
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise ConfigError(
                f"{WEIGHTS}: layer {i} must be finite, got NaN or infinity. Fit the model again."
            )
        width = weight.shape[2]
        found.append((weight, bias))
    return found


def array_of(arrays: Arrays, name: str) -> NDArray[Any]:
    """One array of a model's weights.

    Raises:
        ConfigError: It is missing.
    """
    if name not in arrays:
        raise ConfigError(
            f"{WEIGHTS} must hold {name}, got {', '.join(sorted(arrays)) or 'nothing'}. "
            "Fit the model again."
        )
    return arrays[name]
