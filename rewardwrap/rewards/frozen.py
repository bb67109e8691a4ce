"""A trained network as plain numpy.

At eight rows torch spends longer on calling its kernels than the kernels take, so a frozen network
is a few numpy calls on buffers that exist already: the input normalisation lies in the first layer,
the members of an ensemble lie side by side in it, and large batches go through in blocks that fit
the cache. Images alone need torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray, Transitions, take
from rewardwrap.rewards.density import KIND, Density
from rewardwrap.rewards.dynamics import KIND as DYNAMICS
from rewardwrap.rewards.experts import KIND as EXPERTS
from rewardwrap.rewards.experts import Experts
from rewardwrap.rewards.folding import Arrays, array_of, fold
from rewardwrap.rewards.graph import KIND as GRAPH
from rewardwrap.rewards.graph import Graph
from rewardwrap.rewards.hop_model import KIND as HOPS
from rewardwrap.rewards.hop_model import HopModel
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.log_ratio import KIND as LOG_RATIO
from rewardwrap.rewards.log_ratio import LogRatio
from rewardwrap.rewards.matched import KIND as MATCHED
from rewardwrap.rewards.matched import Matched
from rewardwrap.rewards.members import combined, require_rule
from rewardwrap.rewards.onnx_net import KIND as ONNX
from rewardwrap.rewards.onnx_net import OnnxNet
from rewardwrap.rewards.outputs import output_of
from rewardwrap.rewards.paired import KIND as PAIR
from rewardwrap.rewards.pixels import image_features
from rewardwrap.rewards.principled import KIND as PRINCIPLES
from rewardwrap.rewards.principled import Principled
from rewardwrap.rewards.sealed import MODEL, WEIGHTS, arrays_of
from rewardwrap.rewards.step_model import KIND as STEPS
from rewardwrap.rewards.step_model import StepModel

ACTIVATIONS, DTYPES = ("relu", "silu", "tanh"), ("float32", "float64")
BLOCK, SMALLEST_BLOCK = 2048, 128
"""Rows at a time, shared by the members: 64 units of 2,048 rows are 0.5 MiB of float32."""

FEW = 32
"""Rows up to which the calls cost more than the arithmetic."""


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

    Attributes:
        folded: Its layers, which take raw inputs.

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
        self.inputs, self.rule, self.k = inputs, require_rule(rule), k
        self.members = int(net["members"])
        self.activation = str(net["activation"])
        if self.activation not in ACTIVATIONS or net["dtype"] not in DTYPES:
            raise ConfigError(
                f"a network must have an activation of {', '.join(ACTIVATIONS)} and a dtype of "
                f"{', '.join(DTYPES)}, got {self.activation} and {net['dtype']}. Fit it again."
            )
        self.bound = net["bound"]
        # models that were saved before there were outputs pay the number as it is
        self._becomes = output_of(net.get("output"))
        self._dtype = np.dtype(net["dtype"])
        self._arrays = arrays
        self.folded = fold(net, arrays, width=inputs.width, images=bool(inputs.images))
        self._floors = self.activation == "relu" and not inputs.images
        self._space: dict[int, list[Any]] = {}
        as_it_is = self.bound is None and self._becomes is None
        plain = self.members == 1 and as_it_is and not inputs.images
        self._few = self.folded.with_ones() if plain and self.activation == "relu" else None
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
        x, hidden, layers, last = space
        self.inputs.write(batch, x)
        for weight, buffer, zeros in layers:
            # the method and an array of zeros: half the time of np.dot(..., out=) and of a plain 0
            hidden.dot(weight, buffer)
            hidden = np.maximum(buffer, zeros, out=buffer)
        paid: FloatArray = hidden.dot(last).astype(np.float64)
        return paid

    def _few_buffers(self, rows: int) -> tuple[Any, ...]:
        assert self._few is not None
        whole = np.ones((rows, self.inputs.width + 1), self._dtype)
        *inner, last = self._few
        shapes = [(rows, w.shape[1]) for w in inner]
        layers = [
            (w, np.empty(shape, self._dtype), np.zeros(shape, self._dtype))
            for w, shape in zip(inner, shapes, strict=True)
        ]
        return whole[:, :-1], whole, layers, last

    def combine(self, each: FloatArray) -> FloatArray:
        """Members to one number: ``(M, B) -> (B,)``."""
        return combined(each, self.rule, self.k)

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
            whole = self.inputs.fields or self.inputs.fills
            part = (take if whole else _rows)(batch, slice(begin, end))
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
        else:
            whole, flat, zeros, hidden = wide
            np.matmul(whole, self.folded.first, out=flat)
            if layers:
                self._activate(flat, zeros)
        for i, (weight, bias, buffer) in enumerate(layers):
            np.matmul(hidden, weight, out=buffer)
            last = i == len(layers) - 1
            if self._floors and not last:
                np.maximum(buffer, bias, out=buffer)
            else:
                np.add(buffer, bias, out=buffer)
                if not last:
                    self._activate(buffer, 0)
            hidden = buffer
        out[:] = hidden[..., 0]
        if self.bound is not None:
            np.tanh(out, out=out)
            out *= self.bound
            out *= self.folded.scale
            out += self.folded.shift
        if self._becomes is not None:
            out[:] = self._becomes(out, np)

    def _activate(self, values: NDArray[Any], zeros: Any) -> None:
        if self.activation == "relu":
            np.maximum(values, zeros, out=values)
        elif self.activation == "tanh":
            np.tanh(values, out=values)
        else:
            # exp of a large number overflows to inf, and x / inf is the right 0
            with np.errstate(over="ignore"):
                values /= 1 + np.exp(-values)

    def _buffers(self, rows: int) -> list[Any]:
        # numpy takes a bias of one row, and a zero, at a quarter of the speed of a whole block of them
        whole = np.ones((rows, self.inputs.width + 1), self._dtype)
        wide, todo = None, list(self.folded.layers)
        if not self.inputs.images:
            todo = self.folded.floored() if self._floors else todo[1:]
            size = self.folded.first.shape[1]
            flat = np.empty((rows, size), self._dtype)
            shaped = flat.reshape(rows, self.members, -1).transpose(1, 0, 2)
            wide = whole, flat, np.zeros_like(flat), shaped
        shapes = [(self.members, rows, weight.shape[2]) for weight, _ in todo]
        layers = [
            (w, np.broadcast_to(b, shape).copy(), np.empty(shape, self._dtype))
            for (w, b), shape in zip(todo, shapes, strict=True)
        ]
        return [whole[:, :-1], wide, layers]

    def _with_images(self, batch: Transitions, x: NDArray[Any]) -> NDArray[Any]:
        """Vectors and image features side by side, ``(M, B, D + features)``."""
        features = [
            image_features(
                self.inputs.leaf(batch, part),
                self.members,
                self._dtype,
                lambda name, i=i: array_of(self._arrays, f"image{i}.{name}"),  # type: ignore[misc]
            )
            for i, part in enumerate(self.inputs.images)
        ]
        shared = np.broadcast_to(x, (self.members, *x.shape))
        return np.concatenate([shared, *features], axis=2).astype(self._dtype)


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


Thawed: TypeAlias = (
    Frozen
    | Density
    | Matched
    | StepModel
    | HopModel
    | LogRatio
    | Principled
    | Experts
    | Graph
    | OnnxNet
)
"""What pays: a network, what demonstrations gave, a policy beside its reference, one's own network."""


def thaw(
    document: Mapping[str, Any], weights: bytes, *, rule: str = "mean", k: float = 1.0
) -> Thawed:
    """What a verified model pays by.

    Raises:
        ConfigError: It does not describe a network.
    """
    try:
        inputs = Inputs.from_plain(document["inputs"])
        arrays = arrays_of(weights, WEIGHTS)
        if document["net"].get("kind") == KIND:
            return Density(inputs, document["net"], arrays)
        if document["net"].get("kind") == MATCHED:
            return Matched(inputs, document["net"], arrays)
        if document["net"].get("kind") == HOPS:
            return HopModel(inputs, document["net"], arrays)
        if document["net"].get("kind") == STEPS:
            return StepModel(inputs, document["net"], arrays)
        if document["net"].get("kind") == GRAPH:
            return Graph(inputs, document["net"], arrays)
        if document["net"].get("kind") == ONNX:
            return OnnxNet(inputs, document["net"], arrays)
        if document["net"].get("kind") == LOG_RATIO:
            return LogRatio(inputs, document["net"], arrays, rule=rule, k=k)
        if document["net"].get("kind") == PRINCIPLES:
            return Principled(inputs, document["net"], arrays, rule=rule, k=k)
        if document["net"].get("kind") == EXPERTS:
            return Experts(inputs, document["net"], arrays, rule=rule, k=k)
        if document["net"].get("kind") == DYNAMICS:
            raise ConfigError(
                "model must be of a reward to be paid, got one of dynamics. Play in it with rw.ModelEnv."
            )
        if document["net"].get("kind") == PAIR:
            raise ConfigError(
                "model must be of a reward to be paid, got one of pairs. Pay episodes by it: "
                "rw.WinRate(MODEL)."
            )
        return Frozen(inputs, document["net"], arrays, rule=rule, k=k)
    except ConfigError:
        raise
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ConfigError(
            f"{MODEL} must describe a network that fits its weights, got {type(error).__name__}: "
            f"{error}. Fit the model again."
        ) from error
