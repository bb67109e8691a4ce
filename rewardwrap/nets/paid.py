"""What every network of rewards has: normalised rows in, a finished number for each row and member out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.core.transitions import Transitions
from rewardwrap.rewards.folding import Arrays
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.pixels import channels_first

SMALLEST_SD = 1e-12
"""Share of the largest number below which a deviation is rounding; there is no smallest unit."""
CONSTANT_SD = 1e-6
"""The same of what a float32 network pays."""
FAR = 1e3
"""Deviations from 0 beyond which float32 would round off what varies: 1e7 + x has no x left."""


class NetError(RewardwrapError, ValueError):
    """Data, weights or a fit from which no reward model can come."""


@dataclass(frozen=True)
class Encoded:
    """Rows as a network reads them.

    Args:
        x: ``(..., D)`` float32, normalised once `PaidNet.prepare` has seen it.
        images: ``(..., C, H, W)`` uint8, one for each image among the inputs.
    """

    x: Tensor
    images: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Tensor) -> Encoded:
        """Rows by index, of any shape."""
        return Encoded(_rows(self.x, rows), tuple(image[rows] for image in self.images))


class PaidNet(nn.Module, ABC):
    """M networks side by side over normalised inputs, and the scale and shift of what they pay.

    A subclass writes ``forward``, for which objectives are written, and how it lies on disk:
    ``describe``, ``arrays``, ``load_arrays`` and ``freeze``.

    Args:
        inputs: What it reads.
        members: M.
        dtype: Of the frozen network; ``"float64"`` where a few inputs need it.
    """

    pays = True
    """Whether it has a number for a single step."""
    mean: Tensor
    sd: Tensor
    scale: Tensor
    shift: Tensor

    def __init__(self, inputs: Inputs, members: int, dtype: str) -> None:
        super().__init__()
        self.inputs, self.members, self.dtype = inputs, members, dtype
        self.register_buffer("mean", torch.zeros(inputs.width))
        self.register_buffer("sd", torch.ones(inputs.width))
        self.register_buffer("scale", torch.ones(members))
        self.register_buffer("shift", torch.zeros(members))

    @property
    def expects(self) -> torch.dtype:
        """What rows are computed in."""
        return torch.float64 if self.dtype == "float64" else torch.float32

    def compute_in(self, dtype: str) -> None:
        """Change what rows are computed in, weights included."""
        self.dtype = dtype
        self.to(self.expects)

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
        mean = x.mean(dim=0)
        constant = sd <= SMALLEST_SD * x.abs().amax(dim=0)
        if bool((scaled & ~constant & (mean.abs() > FAR * sd)).any()):
            self.compute_in("float64")
        self.mean = torch.where(scaled, mean, 0.0).to(self.expects)
        self.sd = torch.where(scaled & ~constant, sd, 1.0).to(self.expects)

    def prepare(self, rows: Encoded) -> Encoded:
        """Normalised rows: what ``forward`` takes. Done once, not at every step."""
        return Encoded(((rows.x - self.mean) / self.sd).to(self.expects), rows.images)

    def reward(self, rows: Encoded) -> Tensor:
        """The finished reward of prepared rows, ``(M, B...)``."""
        shape = (-1,) + (1,) * (rows.x.dim() - 1)
        paid: Tensor = self(rows) * self.scale.view(shape) + self.shift.view(shape)
        return paid

    def center(self, rows: Encoded, *, block: int = 8192) -> None:
        """Choose scale and shift so that every member has mean 0 and deviation 1 on these rows."""
        self.scale, self.shift = torch.ones_like(self.scale), torch.zeros_like(self.shift)
        paid = self.all(rows, block=block)
        paid = paid.double()
        sd = paid.std(dim=1, correction=0)
        sd = torch.where(sd > CONSTANT_SD * paid.abs().amax(dim=1), sd, 1.0)
        self.scale, self.shift = (v.to(self.expects) for v in (1.0 / sd, -paid.mean(dim=1) / sd))

    @torch.no_grad()
    def all(self, rows: Encoded, *, block: int = 8192) -> Tensor:
        """The finished reward of many prepared rows, ``(M, B)``, in blocks."""
        index = torch.arange(len(rows))
        parts = torch.split(index, block)
        return torch.cat([self.reward(rows.take(part)) for part in parts], dim=1)

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What model.json says of the network."""

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Its weights by the names of the model folder."""

    @abstractmethod
    def load_arrays(self, arrays: Arrays) -> None:
        """Take over what `arrays` returned."""

    @abstractmethod
    def freeze(self, *, rule: str = "mean", k: float = 1.0) -> Any:
        """The same as plain numpy; later training does not change it."""

    def _common(self) -> dict[str, Tensor]:
        """What every model folder holds."""
        return {"input.mean": self.mean, "input.sd": self.sd,
                "output.scale": self.scale, "output.shift": self.shift}  # fmt: skip

    def _read(self, arrays: Arrays) -> dict[str, Tensor]:
        """Arrays of the right shapes as tensors; the common ones are taken over.

        Raises:
            NetError: One is missing or has another shape.
        """
        own = self.arrays()
        wrong = [k for k in own if k not in arrays or arrays[k].shape != own[k].shape]
        if wrong:
            raise NetError(
                f"weights must fit the network, got another {wrong[0]}. Load the model they came from."
            )
        read = {name: torch.from_numpy(np.array(arrays[name])) for name in own}
        self.mean, self.sd = read["input.mean"], read["input.sd"]
        self.scale, self.shift = read["output.scale"], read["output.shift"]
        return read


def _rows(x: Tensor, rows: Tensor) -> Tensor:
    # index_select is faster than x[rows], but knows flat indices alone
    return x.index_select(0, rows) if rows.dim() == 1 else x[rows]
