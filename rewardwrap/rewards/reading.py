"""What a curious reward sees of a step: three matrices of numbers of one scale."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import Transitions
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.parts import Part, plain_space
from rewardwrap.rewards.pixels import STRIDES, channels_first, image_features
from rewardwrap.rewards.weights import Shape

FEATURES = 64
"""Numbers that a fixed random convolution makes of an image."""
FAR = 5.0
"""Deviations from the mean behind which all numbers are one."""
FILTERS = ((32, 8), (64, 4), (64, 3))
"""Outputs and width of the three convolutions of NatureCNN."""


class Seen(NamedTuple):
    """Rows: where a step began, what was done, and where it led; numpy or torch.

    Args:
        x: ``(B, width)``; None where the reward does not read it.
        a: ``(B, actions)``; None where the reward does not read it.
        y: ``(B, width)``.
    """

    x: Any
    a: Any
    y: Any

    def take(self, rows: Any) -> Seen:
        """Some of the rows."""
        return Seen(*(None if m is None else m[rows] for m in (self.x, self.a, self.y)))

    def tensors(self) -> Seen:
        """The same for torch."""
        import torch

        read = (None if m is None else torch.from_numpy(m) for m in (self.x, self.a, self.y))
        return Seen(*read)

    def finite(self) -> Seen:
        """The rows without NaN and infinity."""
        good = np.isfinite(self.y).all(axis=1)
        for matrix in (self.x, self.a):
            if matrix is not None:
                good &= np.isfinite(matrix).all(axis=1)
        return self if good.all() else self.take(good)


def together(rows: Sequence[Seen]) -> Seen:
    """Rows of several steps as one."""

    def joined(name: str) -> Any:
        parts = [getattr(each, name) for each in rows]
        return None if parts[0] is None else np.concatenate(parts)

    return Seen(joined("x"), joined("a"), joined("y"))


class Reader:
    """Vectors as they are, digits as rows of 0 with one 1, images as features; then one scale.

    Observations and successors share one scale: ``(x - mean) / sd`` of the successors so far, kept
    within 5. Rows of 0 and 1 are left alone.

    Args:
        columns: ``next_obs``, and ``obs`` and ``action`` where they are read.
    """

    def __init__(self, columns: Mapping[str, Inputs]) -> None:
        self.columns = dict(columns)
        state, action = self.columns["next_obs"], self.columns.get("action")
        self.width = state.width + FEATURES * len(state.images)
        self.actions = 0 if action is None else action.width
        features = np.ones(self.width - state.width, bool)
        self._scaled = np.concatenate(
            (state.scaled(), features, np.zeros(0, bool) if action is None else action.scaled())
        )
        self.count = 0.0
        self.mean, self.squares = np.zeros((2, len(self._scaled)))
        self._set()

    @classmethod
    def of(cls, batch: Transitions, reads: Sequence[str]) -> Reader:
        """What fits the spaces of a host, or where it does not say them, the arrays of a batch.

        Raises:
            ConfigError: Observations or actions that are no numbers.
        """
        known = batch.task.spaces
        spaces = {
            name: plain_space(known[name]) if name in known else _space_of(data, name)
            for name, data in (("obs", batch.next_obs), ("action", batch.action))
            if name == "obs" or "action" in reads
        }
        return cls({name: Inputs.of(spaces, [name]) for name in reads})

    @property
    def layout(self) -> NDArray[np.uint8]:
        """What it reads, as bytes of JSON."""
        text = json.dumps({name: inputs.to_plain() for name, inputs in self.columns.items()})
        return np.frombuffer(text.encode(), np.uint8)

    @classmethod
    def from_layout(cls, layout: NDArray[Any]) -> Reader:
        """The inverse of `layout`."""
        columns = json.loads(np.asarray(layout, np.uint8).tobytes())
        return cls({name: Inputs.from_plain(parts) for name, parts in columns.items()})

    def shapes(self) -> dict[str, Shape]:
        """Of the fixed convolutions, one for each image."""
        found: dict[str, Shape] = {}
        for i, part in enumerate(self.columns["next_obs"].images):
            channels, *sides = channels_first(np.empty((1, *part.shape))).shape[1:]
            for k, ((filters, wide), stride) in enumerate(zip(FILTERS, STRIDES, strict=True)):
                found[f"image{i}.conv{k}.weight"] = (
                    (filters, channels, wide, wide),
                    channels * wide * wide,
                )
                found[f"image{i}.conv{k}.bias"] = (filters,), 0
                channels, sides = filters, [(side - wide) // stride + 1 for side in sides]
            pixels = channels * int(np.prod(sides))
            found[f"image{i}.linear.weight"] = (FEATURES, pixels), pixels
            found[f"image{i}.linear.bias"] = (FEATURES,), 0
        return found

    def read(self, batch: Transitions, fixed: Mapping[str, NDArray[Any]]) -> Seen:
        """The numbers of a batch, before they are brought to one scale."""
        found: dict[str, Any] = {}
        for name, inputs in self.columns.items():
            matrix = np.empty((batch.lanes, inputs.width))
            inputs.write(batch, matrix)
            if inputs.images:
                seen = [
                    _features(inputs.leaf(batch, p), fixed, i) for i, p in enumerate(inputs.images)
                ]
                matrix = np.concatenate((matrix, *seen), axis=1)
            found[name] = matrix
        return Seen(found.get("obs"), found.get("action"), found["next_obs"])

    def learn(self, seen: Seen) -> None:
        """Take successors and actions into the scale."""
        rows = seen.finite()
        numbers = rows.y if rows.a is None else np.concatenate((rows.y, rows.a), axis=1)
        if not len(numbers):
            return
        new = len(numbers)
        mean = numbers.mean(axis=0)
        away, total = mean - self.mean, self.count + new
        self.squares += ((numbers - mean) ** 2).sum(axis=0) + away**2 * self.count * new / total
        self.mean += away * new / total
        self.count = total
        self._set()

    def _set(self) -> None:
        sd = np.sqrt(self.squares / max(self.count, 1.0))
        moves = self._scaled & (sd > 1e-6 * np.maximum(np.abs(self.mean), 1.0))
        centre = np.where(self._scaled, self.mean, 0.0)
        per_sd = np.where(moves, 1.0 / np.where(moves, sd, 1.0), 1.0)
        self._state, self._action = (
            (centre[part], per_sd[part]) for part in (slice(0, self.width), slice(self.width, None))
        )

    def white(self, seen: Seen) -> Seen:
        """The rows on one scale."""
        x = None if seen.x is None else _whitened(seen.x, *self._state)
        a = None if seen.a is None else _whitened(seen.a, *self._action)
        return Seen(x, a, _whitened(seen.y, *self._state))

    @property
    def moments(self) -> NDArray[np.float64]:
        """``(3, n)``: mean, sum of squares and count of each number."""
        return np.stack((self.mean, self.squares, np.full(len(self.mean), self.count)))

    def load_moments(self, moments: NDArray[Any]) -> None:
        """Take over what `moments` returned.

        Raises:
            ConfigError: They are of other inputs.
        """
        if moments.shape != (3, len(self.mean)):
            raise ConfigError(
                f"scale must be {(3, len(self.mean))} numbers, got {moments.shape}. "
                "Load it into the reward that it was saved from."
            )
        self.mean, self.squares = np.array(moments[:2], np.float64)
        self.count = float(moments[2, 0]) if moments.size else 0.0
        self._set()


def _whitened(matrix: Any, centre: Any, per_sd: Any) -> Any:
    white = matrix - centre
    white *= per_sd
    np.minimum(white, FAR, out=white)
    return np.maximum(white, -FAR, out=white)


def _features(leaf: Any, fixed: Mapping[str, NDArray[Any]], i: int) -> Any:
    if not len(leaf):
        return np.zeros((0, FEATURES))

    def layer(name: str) -> NDArray[Any]:
        return fixed[f"image{i}.{name}"][None].astype(np.float32)

    # of this size torch's convolutions are the cost of a step, and float32 halves it
    return image_features(leaf, 1, np.float32, layer)[0]


def _space_of(data: Any, name: str) -> dict[str, Any]:
    """The space that a batch of numbers seems to come from; whole numbers are read as numbers."""
    if isinstance(data, Mapping):
        inner = {key: _space_of(value, name) for key, value in data.items()}
        return {"sort": "dict", "spaces": inner}
    if isinstance(data, tuple):
        return {"sort": "tuple", "spaces": [_space_of(value, name) for value in data]}
    array = np.asarray(data)
    if array.dtype.kind not in "biuf":
        raise ConfigError(
            f"{name} must be numbers for a bonus that learns, got {array.dtype}. "
            "Use rw.Counts(key=...), or flatten it first."
        )
    return {"sort": "box", "shape": list(array.shape[1:]), "dtype": str(array.dtype)}


def groups(inputs: Inputs) -> list[tuple[int, int, bool]]:
    """Columns that belong together: begin, end, and whether they are one digit's row of 0 and 1."""
    found: list[tuple[int, int, bool]] = []
    begin = 0
    for part in inputs.parts:
        for size in _sizes(part):
            found.append((begin, begin + size, part.sort == "one_hot"))
            begin += size
    return found


def _sizes(part: Part) -> tuple[int, ...]:
    return part.sizes if part.sort == "one_hot" else (part.width,)
