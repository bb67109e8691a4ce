"""A trained network as plain numpy.

At eight rows torch spends longer on calling its kernels than the kernels take, so a frozen network
is a few numpy calls on buffers that exist already: the input normalisation lies in the first layer,
the members of an ensemble lie side by side in it, and large batches go through in blocks that fit
the cache. Images alone need torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.reward import take
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.sealed import MODEL, WEIGHTS, arrays_of

ACTIVATIONS, DTYPES = ("relu", "silu", "tanh"), ("float32", "float64")
RULES = ("mean", "sd", "min", "uwo")
STRIDES = (4, 2, 1)
BLOCK, SMALLEST_BLOCK = 1024, 128
"""Rows at a time, shared by the members: 2 x 64 units of 1,024 rows are 0.5 MiB of float32."""

FEW = 32
"""Rows up to which the calls cost more than the arithmetic."""

Arrays = Mapping[str, NDArray[Any]]


class Frozen:
    """A reward network for inference.

    Args:
        inputs: What it reads.
        net: ``members``, ``activation``, ``head``, ``bound``, ``dtype`` and ``signs``, as in model.json.
        arrays: ``layer<i>.weight (M, in, out)``, ``layer<i>.bias (M, 1, out)``, ``input.mean`` and
            ``input.sd (D,)``, ``output.scale`` and ``output.shift (M,)``; for images
            ``image<i>.<layer>.weight`` and ``.bias``.
        rule: How members become one number: their ``mean``, the mean minus k standard deviations
            (``sd``), the ``min``, or the mean minus k variances (``uwo``, Coste et al. 2310.02743;
            deviations and variances with ddof 0).
        k: Weight of the spread.

    Raises:
        ConfigError: An array is missing or has another shape than the rest.
    """

    def __init__(
        self,
        inputs: Inputs,
        net: Mapping[str, Any],
        arrays: Arrays,
        *,
        rule: str = "mean",
        k: float = 1.0,
    ) -> None:
        if rule not in RULES:
            raise UnknownName("rule for ensembles", rule, RULES)
        self.inputs, self.rule, self.k = inputs, rule, k
        self.members = int(net["members"])
        self.activation = str(net["activation"])
        if self.activation not in ACTIVATIONS or net["dtype"] not in DTYPES:
            raise ConfigError(
                f"a network must have an activation of {', '.join(ACTIVATIONS)} and a dtype of "
                f"{', '.join(DTYPES)}, got {self.activation} and {net['dtype']}. Fit it again."
            )
        self.bound = net["bound"]
        self._dtype = np.dtype(net["dtype"])
        self._arrays = arrays
        self._fold(net)
        self._space: dict[int, list[Any]] = {}
        plain = self.members == 1 and self.bound is None and not inputs.images
        self._few = self._with_ones() if plain and self.activation == "relu" else None
        self._few_space: dict[int, Any] = {}

    def __call__(self, batch: Transitions) -> FloatArray:
        """The reward of every row, ``(B,)`` float64."""
        if self._few is not None and batch.lanes <= FEW:
            return self._of_few(batch, batch.lanes)
        return self.combine(self.all(batch))

    def _of_few(self, batch: Transitions, rows: int) -> FloatArray:
        """A handful of rows through one network of rectified units: as few numpy calls as there can be.

        A column of ones runs through all layers, ``relu(1) = 1``, so that biases need no call.
        """
        space = self._few_space.get(rows)
        if space is None:
            space = self._few_space[rows] = self._few_buffers(rows)
        x, hidden, layers = space
        self.inputs.write(batch, x)
        for weight, buffer in layers:
            np.dot(hidden, weight, out=buffer)
            np.maximum(buffer, 0, out=buffer)
            hidden = buffer
        last: NDArray[Any] = np.dot(hidden, self._few[-1])  # type: ignore[index]
        return last.astype(np.float64)

    def _few_buffers(self, rows: int) -> tuple[Any, ...]:
        assert self._few is not None
        whole = np.ones((rows, self.inputs.width + 1), self._dtype)
        layers = [(w, np.empty((rows, w.shape[1]), self._dtype)) for w in self._few[:-1]]
        return whole[:, :-1], whole, layers

    def combine(self, each: FloatArray) -> FloatArray:
        """Members to one number: ``(M, B) -> (B,)``."""
        if self.members == 1:
            one: FloatArray = each[0]
            return one
        if self.rule == "min":
            return np.asarray(each.min(axis=0))
        mean = each.mean(axis=0)
        if self.rule == "mean":
            return np.asarray(mean)
        spread = each.std(axis=0) if self.rule == "sd" else each.var(axis=0)
        return np.asarray(mean - self.k * spread)

    def all(self, batch: Transitions) -> FloatArray:
        """What each member says, ``(M, B)`` float64."""
        rows = batch.lanes
        out = np.empty((self.members, rows))
        block = max(SMALLEST_BLOCK, BLOCK // self.members)
        if rows <= block:
            self._forward(batch, rows, out)
            return out
        for begin in range(0, rows, block):
            end = min(begin + block, rows)
            part = (take if self.inputs.fields else _rows)(batch, slice(begin, end))
            self._forward(part, end - begin, out[:, begin:end])
        return out

    def _forward(self, batch: Transitions, rows: int, out: FloatArray) -> None:
        space = self._space.get(rows)
        if space is None:
            if len(self._space) > 8:
                self._space.clear()
            space = self._space[rows] = self._buffers(rows)
        x, wide, layers = space
        self.inputs.write(batch, x)
        if self.inputs.images:
            hidden = self._with_images(batch, x)
        elif wide is None:
            hidden = x
        else:
            flat, hidden = wide
            np.matmul(x, self._first, out=flat)
            np.add(flat, self._first_bias, out=flat)
            self._activate(flat, last=not layers)
        for i, (weight, bias, buffer) in enumerate(layers):
            np.matmul(hidden, weight, out=buffer)
            np.add(buffer, bias, out=buffer)
            self._activate(buffer, last=i == len(layers) - 1)
            hidden = buffer
        out[:] = hidden[..., 0]
        if self.bound is not None:
            np.tanh(out, out=out)
            out *= self.bound
            out *= self._scale
            out += self._shift

    def _activate(self, values: NDArray[Any], *, last: bool) -> None:
        if last:
            return
        if self.activation == "relu":
            np.maximum(values, 0, out=values)
        elif self.activation == "tanh":
            np.tanh(values, out=values)
        else:
            # exp of a large number overflows to inf, and x / inf is the right 0
            with np.errstate(over="ignore"):
                values /= 1 + np.exp(-values)

    def _buffers(self, rows: int) -> list[Any]:
        x = np.empty((rows, self.inputs.width), self._dtype)
        wide, todo = None, list(zip(self._weights, self._biases, strict=True))
        if not self.inputs.images:
            (weight, _), *todo = todo
            size = weight.shape[2]
            flat = np.empty((rows, self.members * size), self._dtype)
            wide = flat, flat.reshape(rows, self.members, size).transpose(1, 0, 2)
        layers = [(w, b, np.empty((self.members, rows, w.shape[2]), self._dtype)) for w, b in todo]
        return [x, wide, layers]

    def _with_images(self, batch: Transitions, x: NDArray[Any]) -> NDArray[Any]:
        """Vectors and image features side by side, ``(M, B, D + features)``."""
        features = [
            self._image(i, self.inputs.leaf(batch, p)) for i, p in enumerate(self.inputs.images)
        ]
        shared = np.broadcast_to(x, (self.members, *x.shape))
        return np.concatenate([shared, *features], axis=2).astype(self._dtype)

    def _image(self, number: int, leaf: NDArray[Any]) -> NDArray[Any]:
        import torch
        from torch.nn import functional

        pixels = torch.from_numpy(
            np.ascontiguousarray(channels_first(leaf)).astype(self._dtype) / 255
        )
        found = []
        with torch.no_grad():
            for m in range(self.members):
                hidden = pixels
                for i, stride in enumerate(STRIDES):
                    weight, bias = self._image_layer(number, f"conv{i}", m)
                    hidden = functional.relu(functional.conv2d(hidden, weight, bias, stride=stride))
                weight, bias = self._image_layer(number, "linear", m)
                found.append(functional.relu(functional.linear(hidden.flatten(1), weight, bias)))
            features: NDArray[Any] = torch.stack(found).numpy()
        return features

    def _image_layer(self, number: int, layer: str, member: int) -> tuple[Any, Any]:
        import torch

        pair = (self._array(f"image{number}.{layer}.{name}")[member] for name in ("weight", "bias"))
        weight, bias = (torch.from_numpy(np.array(array)) for array in pair)
        return weight, bias

    def _array(self, name: str) -> NDArray[Any]:
        if name not in self._arrays:
            raise ConfigError(
                f"{WEIGHTS} must hold {name}, got {', '.join(sorted(self._arrays)) or 'nothing'}. "
                "Fit the model again."
            )
        return self._arrays[name]

    def _fold(self, net: Mapping[str, Any]) -> None:
        """Input normalisation into the first layer, output scale into the last."""
        double = [
            (
                np.asarray(self._array(f"layer{i}.weight"), np.float64).copy(),
                np.asarray(self._array(f"layer{i}.bias"), np.float64).copy(),
            )
            for i in range(int(net["layers"]))
        ]
        self._check(double)
        if net.get("signs") is not None:
            # a monotone network stores the logarithm-like free parameter of each weight
            weight, bias = double[0]
            signs = np.asarray(net["signs"], np.float64)[None, :, None]
            double[0] = np.where(signs == 0, weight, signs * np.logaddexp(0, weight)), bias
        mean, sd = (np.asarray(self._array(f"input.{n}"), np.float64) for n in ("mean", "sd"))
        width = self.inputs.width
        weight, bias = double[0]
        weight[:, :width] /= sd[:, None]
        bias -= (mean @ weight[:, :width])[:, None]
        # quantiles become their mean, a Gaussian its mean
        weight, bias = double[-1]
        columns = slice(0, 1) if net["head"] == "gaussian" else slice(None)
        weight = weight[..., columns].mean(axis=2, keepdims=True)
        bias = bias[..., columns].mean(axis=2, keepdims=True)
        self._scale, self._shift = (
            np.asarray(self._array(f"output.{n}"), np.float64)[:, None] for n in ("scale", "shift")
        )
        if self.bound is None:
            weight = weight * self._scale[:, :, None]
            bias = bias * self._scale[:, :, None] + self._shift[:, :, None]
        double[-1] = weight, bias
        self._weights = [np.ascontiguousarray(w, self._dtype) for w, _ in double]
        self._biases = [np.ascontiguousarray(b, self._dtype) for _, b in double]
        first, bias = self._weights[0], self._biases[0]
        side_by_side = first.transpose(1, 0, 2).reshape(first.shape[1], -1)
        self._first = np.ascontiguousarray(side_by_side)
        self._first_bias = np.ascontiguousarray(bias.reshape(-1))

    def _with_ones(self) -> list[NDArray[Any]]:
        """Weights over biases, and a column that hands the one on; the last layer as a vector."""
        found = []
        for weight, bias in zip(self._weights, self._biases, strict=True):
            ones = np.zeros((weight.shape[1] + 1, weight.shape[2] + 1), self._dtype)
            ones[:-1, :-1], ones[-1, :-1], ones[-1, -1] = weight[0], bias[0, 0], 1.0
            found.append(ones)
        found[-1] = np.ascontiguousarray(found[-1][:, 0])
        return found

    def _check(self, layers: list[tuple[NDArray[Any], NDArray[Any]]]) -> None:
        width = None if self.inputs.images else self.inputs.width
        for i, (weight, bias) in enumerate(layers):
            fits = weight.ndim == 3 and width in (None, weight.shape[1])
            if not fits or bias.shape != (self.members, 1, weight.shape[2]):
                raise ConfigError(
                    f"{WEIGHTS}: layer {i} must fit inputs of width {width}, got {weight.shape} and "
                    f"{bias.shape}. Fit the model again."
                )
            if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
                raise ConfigError(
                    f"{WEIGHTS}: layer {i} must be finite, got NaN or infinity. Fit the model again."
                )
            width = weight.shape[2]


def channels_first(image: Any) -> Any:
    """``(B, H, W, C)`` to ``(B, C, H, W)``; what has few channels first is left alone."""
    return image if image.shape[1] == min(image.shape[1:]) else np.moveaxis(image, -1, 1)


def _rows(batch: Transitions, rows: slice) -> Transitions:
    """Consecutive rows without a copy, and without the info that no network reads."""
    return Transitions(
        obs=tree.take(batch.obs, rows),
        action=tree.take(batch.action, rows),
        next_obs=tree.take(batch.next_obs, rows),
        reward=batch.reward[rows],
        terminated=batch.terminated[rows],
        truncated=batch.truncated[rows],
        first=batch.first[rows],
        task=batch.task,
    )


def thaw(
    document: Mapping[str, Any], weights: bytes, *, rule: str = "mean", k: float = 1.0
) -> Frozen:
    """The network of a verified model.

    Raises:
        ConfigError: It does not describe a network.
    """
    try:
        inputs = Inputs.from_plain(document["inputs"])
        return Frozen(inputs, document["net"], arrays_of(weights, WEIGHTS), rule=rule, k=k)
    except ConfigError:
        raise
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ConfigError(
            f"{MODEL} must describe a network that fits its weights, got {type(error).__name__}: "
            f"{error}. Fit the model again."
        ) from error
