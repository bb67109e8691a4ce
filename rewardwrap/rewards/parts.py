"""One leaf of a space, and the numbers it becomes for a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError

Sort: TypeAlias = Literal["real", "one_hot", "flag", "field", "image"]
FEW = 64
"""Rows and values up to which a digit is looked up in a table."""

SMALLEST_IMAGE = 36
"""Below it SB3's NatureCNN has no pixels left; smaller images are read as vectors."""


@dataclass(frozen=True)
class Part:
    """One leaf of one column and the numbers it becomes.

    Args:
        column: ``obs``, ``action``, ``next_obs`` or ``terminated``; for a field, ``field``.
        keys: Way to the leaf inside a nested observation; for a field, its name.
        sort: How it is written down.
        shape: Of the leaf, without lanes.
        sizes: One-hot only: the number of values of each digit.
        start: One-hot only: the smallest value of each digit.
        fill: Real only: what each number is where it is missing, None where it never was; a flag for
            each that may be missing stands behind the numbers. Empty where nothing is filled.
    """

    column: str
    keys: tuple[str | int, ...]
    sort: Sort
    shape: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    start: tuple[int, ...] = ()
    fill: tuple[float | None, ...] = ()

    @property
    def width(self) -> int:
        """How many numbers it becomes; an image becomes none, its features come later."""
        if self.sort == "image":
            return 0
        if self.sort == "one_hot":
            return sum(self.sizes)
        return int(np.prod(self.shape)) + len(self.fillable)

    @property
    def fillable(self) -> list[int]:
        """Numbers that may be missing, by their place."""
        return [i for i, value in enumerate(self.fill) if value is not None]

    @property
    def cells(self) -> list[str]:
        """What the numbers are called beside ``info``: ``obs_0``, ``obs_speed_2``."""
        name = "_".join([self.column, *(str(key) for key in self.keys)])
        return [f"{name}_{i}" for i in range(int(np.prod(self.shape)))] if self.shape else [name]

    @property
    def label(self) -> str:
        """What errors call it."""
        return "".join([self.column, *(f"[{key!r}]" for key in self.keys)])


def other_space(part: Part, got: str) -> ConfigError:
    """The error for a host whose spaces are not those of the training data."""
    digits = f", whole numbers below {max(part.sizes)}" if part.sort == "one_hot" else ""
    return ConfigError(
        f"learned reward: {part.label} must be what the model was trained for, shape {part.shape}"
        f"{digits}, got {got}. Fit a model on data of this environment, or wrap it below what changes "
        "the observations."
    )


def plain_space(space: Any) -> dict[str, Any]:
    """A gymnasium space as plain data: what of it decides how it is encoded.

    Raises:
        ConfigError: A space without a fixed number of values, such as Text or Graph.
    """
    name = type(space).__name__.lower()
    if isinstance(space, Mapping) and "sort" in space:
        return dict(space)
    if name == "box":
        return {"sort": "box", "shape": list(space.shape), "dtype": str(space.dtype)}
    if name == "discrete":
        return {"sort": "digits", "shape": [], "sizes": [int(space.n)], "start": [int(space.start)]}
    if name == "multidiscrete":
        sizes = np.ravel(space.nvec).tolist()
        start = np.ravel(space.start).tolist()
        return {"sort": "digits", "shape": list(space.shape), "sizes": sizes, "start": start}
    if name == "multibinary":
        return {"sort": "box", "shape": list(space.shape), "dtype": "int8"}
    if name == "dict":
        return {"sort": "dict", "spaces": {k: plain_space(v) for k, v in space.spaces.items()}}
    if name == "tuple":
        return {"sort": "tuple", "spaces": [plain_space(v) for v in space.spaces]}
    raise ConfigError(
        f"space must be Box, Discrete, MultiDiscrete, MultiBinary, Dict or Tuple, got {space!r}. "
        "Flatten it first, e.g. with gymnasium.wrappers.FlattenObservation."
    )


def parts_of(column: str, keys: tuple[str | int, ...], space: Mapping[str, Any]) -> Iterator[Part]:
    if space["sort"] == "dict":
        for key, inner in space["spaces"].items():
            yield from parts_of(column, (*keys, key), inner)
    elif space["sort"] == "tuple":
        for i, inner in enumerate(space["spaces"]):
            yield from parts_of(column, (*keys, i), inner)
    elif space["sort"] == "digits":
        yield Part(
            column,
            keys,
            "one_hot",
            tuple(space["shape"]),
            tuple(space["sizes"]),
            tuple(space["start"]),
        )
    else:
        shape = tuple(space["shape"])
        pixels = space["dtype"] == "uint8" and len(shape) == 3
        large = pixels and sorted(shape)[1] >= SMALLEST_IMAGE
        yield Part(column, keys, "image" if large else "real", shape)


def write_one_hot(leaf: NDArray[Any], part: Part, out: NDArray[Any]) -> None:
    """Digits as rows of 0 with one 1 for each, ``(B, *shape) -> (B, width)``.

    Raises:
        ConfigError: A digit that the network does not know.
    """
    if len(part.sizes) == 1 and part.sizes[0] <= FEW and len(leaf) <= FEW:
        # for a handful of rows Python finds the extremes faster, and a table holds every answer
        digits = (leaf.reshape(-1) - part.start[0]).tolist()
        if not digits or (min(digits) >= 0 and max(digits) < part.sizes[0]):
            out[:] = _table(part.sizes[0])[digits]
            return
    _write_digits(leaf.reshape(len(leaf), -1), part, out)


@cache
def _table(size: int) -> NDArray[np.float32]:
    return np.eye(size, dtype=np.float32)


def _write_digits(digits: NDArray[Any], part: Part, out: NDArray[Any]) -> None:
    rows = np.arange(len(digits))
    out[:] = 0
    begin = 0
    for i, (size, start) in enumerate(zip(part.sizes, part.start, strict=True)):
        digit = digits[:, i] - start
        if len(digit) and not 0 <= digit.min() <= digit.max() < size:
            raise other_space(part, f"{digits[:, i].min()} to {digits[:, i].max()}")
        out[rows, begin + digit] = 1
        begin += size
