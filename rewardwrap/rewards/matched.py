"""Demonstrations whose rows an agent's steps are moved onto, as they happen or when all are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.rewards.demonstrated import Demonstrated
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.unpaid import Unpaid

KIND = "demonstrated"


class Matched(Unpaid, Demonstrated):
    """Demonstrated rows to be matched, episode by episode.

    Args:
        inputs: What is compared.
        net: ``horizon``: steps of the longest demonstration.
        arrays: As of `Demonstrated`, and ``lengths``: rows of each episode.
    """

    holds: ClassVar[str] = "demonstrations to be matched"
    paid_by: ClassVar[str] = (
        "rw.PWIL(MODEL) as they happen, or rw.Transport(MODEL) when the episode is complete"
    )

    def __init__(
        self, inputs: Inputs, net: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> None:
        super().__init__(inputs, {"kind": KIND}, arrays)
        self.horizon, self.lengths = int(net["horizon"]), arrays["lengths"]
        if self.horizon < 1 or int(self.lengths.sum()) != len(self.rows):
            raise ConfigError(
                f"demonstrations must have a horizon and as many rows as their lengths say, got "
                f"{self.horizon}, {len(self.rows)} rows and {int(self.lengths.sum())}. Fit them again."
            )

    def apart(self, x: FloatArray) -> FloatArray:
        """Euclidean distances to all rows, ``(B, D) -> (B, n)``."""
        square = np.square(x).sum(1)[:, None] + np.square(self.rows).sum(1) - 2.0 * x @ self.rows.T
        return np.asarray(np.sqrt(np.maximum(square, 0.0)))

    def episodes(self) -> list[FloatArray]:
        """The rows of each episode."""
        return np.split(self.rows, np.cumsum(self.lengths)[:-1])

    def describe(self) -> dict[str, Any]:
        """What model.json says of it."""
        return {"kind": KIND, "horizon": self.horizon}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By the names of the model folder."""
        return {**super().arrays(), "lengths": self.lengths}
