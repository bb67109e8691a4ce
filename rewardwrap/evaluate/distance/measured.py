"""A distance with everything that is needed to read it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from rewardwrap.core.errors import RewardwrapWarning
from rewardwrap.evaluate.distance.separation import CONVENTION

WRONG_DISCOUNT = "a potential has gamma"


@dataclass(frozen=True)
class Distance:
    """A distance with what is needed to read it; ``float(distance)`` is its value.

    Args:
        value: In [0, 1].
        interval: 95 % bootstrap interval over the coverage; (value, value) where it is exact.
        noise_floor: The larger of ``d(a, a + shaping)`` and ``d(b, b + shaping)`` for a random
            potential: what the estimator makes of two rewards that are one task. A value below it
            is no evidence of a difference.
        metric: Which distance.
        gamma: Discount.
        samples: Rows (erc: episodes) compared; 0 where it is exact.
        warnings: Sentences on how to read the value.
    """

    value: float
    interval: tuple[float, float]
    noise_floor: float
    metric: str
    gamma: float
    samples: int
    warnings: tuple[str, ...] = ()

    def __float__(self) -> float:
        return self.value

    @property
    def exact(self) -> bool:
        """Whether nothing was sampled."""
        return self.samples == 0


def warn_of(notes: tuple[str, ...]) -> None:
    """Warn of what makes a number other than it looks; the rest stands in the result alone."""
    for note in notes:
        if note == CONVENTION or note.startswith(WRONG_DISCOUNT):
            warnings.warn(f"reward_distance: {note}.", RewardwrapWarning, stacklevel=5)
