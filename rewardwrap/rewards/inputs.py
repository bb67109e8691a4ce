"""From what a reward sees to the numbers a network reads, the same in training and in the loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import Transitions

Sort: TypeAlias = Literal["real", "one_hot", "flag", "field", "image"]
COLUMNS = ("obs", "action", "next_obs", "terminated")
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
    """

    column: str
    keys: tuple[str | int, ...]
    sort: Sort
    shape: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    start: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """How many numbers it becomes; an image becomes none, its features come later."""
        if self.sort == "image":
            return 0
        return sum(self.sizes) if self.sort == "one_hot" else int(np.prod(self.shape))

    @property
    def label(self) -> str:
        """What errors call it."""
        return "".join([self.column, *(f"[{key!r}]" for key in self.keys)])


class Inputs:
    """The declared inputs of a reward network.

    Args:
        parts: In the order of the matrix' columns.

    Attributes:
        width: Columns of the matrix.
        images: The parts that are images.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(parts)
        self.width = sum(part.width for part in self.parts)
        self.images = tuple(part for part in self.parts if part.sort == "image")
        if not self.parts:
            raise ConfigError(
                "inputs must name at least one column, got none. Read e.g. obs and action."
            )
        ends = np.cumsum([part.width for part in self.parts]).tolist()
        self._places = tuple(
            (part, end - part.width, end)
            for part, end in zip(self.parts, ends, strict=True)
            if part.sort != "image"
        )

    @classmethod
    def of(cls, spaces: Mapping[str, Any], reads: Sequence[str]) -> Inputs:
        """Inputs that read whole columns.

        Args:
            spaces: ``{"obs": plain space, "action": plain space}``; see `plain_space`.
            reads: Any of ``obs``, ``action``, ``next_obs``, ``terminated``.

        Raises:
            ConfigError: An unknown column, or a space that has no numbers.
        """
        parts: list[Part] = []
        for column in reads:
            if column not in COLUMNS:
                raise ConfigError(
                    f"reads must name some of {', '.join(COLUMNS)}, got {column!r}. Choose those."
                )
            if column == "terminated":
                parts.append(Part("terminated", (), "flag"))
            else:
                space = spaces["action" if column == "action" else "obs"]
                parts.extend(_parts(column, (), space))
        return cls(parts)

    @classmethod
    def of_fields(cls, names: Sequence[str]) -> Inputs:
        """Inputs that are named fields of the environment's recipe or of ``info``."""
        return cls([Part("field", (name,), "field") for name in names])

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns it reads, each once."""
        return tuple(dict.fromkeys(part.column for part in self.parts))

    @property
    def fields(self) -> tuple[str, ...]:
        """The named fields it reads."""
        return tuple(str(part.keys[0]) for part in self.parts if part.sort == "field")

    def scaled(self) -> NDArray[np.bool_]:
        """Which columns are numbers of a unit: those that normalisation applies to, ``(width,)``."""
        found = np.zeros(self.width, bool)
        for part, begin, end in self._places:
            found[begin:end] = part.sort in ("real", "field")
        return found

    def write(self, batch: Transitions, out: NDArray[Any]) -> None:
        """Fill ``out``, ``(B, width)``, from a batch.

        Raises:
            ConfigError: A leaf has another shape than the network was trained for.
        """
        for part, begin, end in self._places:
            if part.sort == "field":
                out[:, begin] = read_field(batch, str(part.keys[0]))
                continue
            leaf = self.leaf(batch, part)
            if part.sort == "one_hot":
                _write_one_hot(leaf, part, out[:, begin:end])
            elif leaf.ndim == 2:
                out[:, begin:end] = leaf
            else:
                out[:, begin:end] = leaf.reshape(len(leaf), -1)

    def leaf(self, batch: Transitions, part: Part) -> Any:
        """The array behind a part, ``(B, *shape)``, its shape and dtype checked."""
        found: Any = getattr(batch, part.column)
        for key in part.keys:
            if isinstance(found, np.ndarray) or (isinstance(key, str) and key not in found):
                raise other_space(part, f"{type(found).__name__} without {key!r}")
            found = found[key]
        if found.__class__ is not np.ndarray:
            if isinstance(found, dict | tuple):
                raise other_space(part, type(found).__name__)
            found = np.asarray(found)
        if found.shape[1:] != part.shape:
            raise other_space(part, f"shape {found.shape[1:]}")
        if part.sort == "one_hot" and found.dtype.kind not in "iu":
            raise other_space(part, f"dtype {found.dtype}")
        return found

    def to_plain(self) -> list[dict[str, Any]]:
        """Plain data for JSON."""
        return [asdict(part) for part in self.parts]

    @classmethod
    def from_plain(cls, parts: Any) -> Inputs:
        """The inverse of `to_plain`.

        Raises:
            ConfigError: It is no list of parts.
        """
        try:
            made = [
                Part(
                    str(part["column"]),
                    tuple(part["keys"]),
                    part["sort"],
                    *(tuple(int(n) for n in part[name]) for name in ("shape", "sizes", "start")),
                )
                for part in parts
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                f"inputs of a model must be a list of parts, got {str(parts)[:60]!r}. Fit it again."
            ) from error
        return cls(made)


def read_field(batch: Transitions, name: str) -> Any:
    """A named field of the recipe, or else a number of ``info``: ``(B,)``, after the step."""
    if name in batch.task.fields:
        return batch.task.read(name, batch.next_obs, batch.info)
    return batch.info[name]


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


def _parts(column: str, keys: tuple[str | int, ...], space: Mapping[str, Any]) -> Iterator[Part]:
    if space["sort"] == "dict":
        for key, inner in space["spaces"].items():
            yield from _parts(column, (*keys, key), inner)
    elif space["sort"] == "tuple":
        for i, inner in enumerate(space["spaces"]):
            yield from _parts(column, (*keys, i), inner)
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


def _write_one_hot(leaf: NDArray[Any], part: Part, out: NDArray[Any]) -> None:
    digits = leaf.reshape(len(leaf), -1)
    rows = np.arange(len(leaf))
    out[:] = 0
    begin = 0
    for i, (size, start) in enumerate(zip(part.sizes, part.start, strict=True)):
        digit = digits[:, i] - start
        if len(digit) and not 0 <= digit.min() <= digit.max() < size:
            raise other_space(part, f"{digits[:, i].min()} to {digits[:, i].max()}")
        out[rows, begin + digit] = 1
        begin += size
