"""From what a reward sees to the numbers a network reads, the same in training and in the loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import Transitions
from rewardwrap.rewards.gaps import write_filled
from rewardwrap.rewards.parts import Part, other_space, parts_of, write_one_hot

COLUMNS = ("obs", "action", "next_obs", "terminated")


class Inputs:
    """The declared inputs of a reward network.

    Args:
        parts: In the order of the matrix' columns.

    Attributes:
        width: Columns of the matrix.
        images: The parts that are images.
        filled: Missing numbers that were filled so far, in steps that an agent was paid for.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(parts)
        self.filled = 0
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
            spaces: ``{"obs": plain space, "action": plain space}``; see `parts.plain_space`.
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
                parts.extend(parts_of(column, (), space))
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

    @property
    def fills(self) -> bool:
        """Whether it reads numbers that may be missing, and what ``info`` says of them."""
        return any(part.fill for part in self.parts)

    def scaled(self) -> NDArray[np.bool_]:
        """Which columns are numbers of a unit: those that normalisation applies to, ``(width,)``."""
        found = np.zeros(self.width, bool)
        for part, begin, end in self._places:
            found[begin : end - len(part.fillable)] = part.sort in ("real", "field")
        return found

    def flags(self) -> NDArray[np.bool_]:
        """Which columns only say that a number was filled, ``(width,)``."""
        found = np.zeros(self.width, bool)
        for part, _, end in self._places:
            found[end - len(part.fillable) : end] = True
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
                write_one_hot(leaf, part, out[:, begin:end])
            elif part.fill:
                far = self._other_end(batch, part)
                count = write_filled(leaf, part, far, batch, out[:, begin:end])
                self.filled += count if batch.training else 0
            elif leaf.ndim == 2:
                out[:, begin:end] = leaf
            else:
                out[:, begin:end] = leaf.reshape(len(leaf), -1)

    def _other_end(self, batch: Transitions, part: Part) -> Any:
        """The same leaf at the other end of the step, None of an action."""
        other = {"obs": "next_obs", "next_obs": "obs"}.get(part.column)
        return None if other is None else self.leaf(batch, replace(part, column=other))

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
        if found.shape[1:] != part.shape and _other_way_round(found.shape[1:], part.shape):
            # an image of a replay buffer: SB3's VecTransposeImage moves channels to the front
            found = np.moveaxis(found, 1, -1)
        if found.shape[1:] != part.shape:
            raise other_space(part, f"shape {found.shape[1:]}")
        if part.sort == "one_hot" and found.dtype.kind not in "iu":
            raise other_space(part, f"dtype {found.dtype}")
        return found

    def to_plain(self) -> list[dict[str, Any]]:
        """Plain data for JSON."""
        # models in which nothing is filled stay what they were
        return [{k: v for k, v in asdict(part).items() if k != "fill" or v} for part in self.parts]

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
                    _whole(part["shape"]),
                    _whole(part["sizes"]),
                    _whole(part["start"]),
                    tuple(None if v is None else float(v) for v in part.get("fill", ())),
                )
                for part in parts
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                f"inputs of a model must be a list of parts, got {str(parts)[:60]!r}. Fit it again."
            ) from error
        return cls(made)


def _whole(numbers: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in numbers)


def _other_way_round(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(wanted) == 3 and shape == (wanted[2], *wanted[:2])


def read_field(batch: Transitions, name: str) -> Any:
    """A named field of the recipe, or else a number of ``info``: ``(B,)``, after the step."""
    if name in batch.task.fields:
        return batch.task.read(name, batch.next_obs, batch.info)
    return batch.info[name]
