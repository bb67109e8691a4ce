"""A distance with everything that is needed to read it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rewardwrap.core.errors import RewardwrapWarning
from rewardwrap.evaluate.distance.separation import CONVENTION
from rewardwrap.pages.frames import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WRONG_DISCOUNT = "a potential has gamma"


@dataclass(frozen=True, repr=False)
class Distance(Shown):
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

    def plot(self) -> Axes:
        """Draw the value, its interval and the noise floor on [0, 1]; returns the matplotlib axes."""
        from rewardwrap.pages.drawing import drawing
        from rewardwrap.pages.palette import MUTED, STRATEGIES

        with drawing(5.4, 1.6) as (_, axes):
            blue = STRATEGIES[1][0]
            axes.axvspan(0, self.noise_floor, color=MUTED, alpha=0.15, linewidth=0)
            axes.plot(self.interval, (0, 0), color=blue, linewidth=2)
            axes.plot([self.value], [0], "o", color=blue)
            axes.set_xlim(0, 1)
            axes.set_yticks([])
            axes.set_xlabel(f"{self.metric} distance: 0 one task, 1 opposites; grey: noise floor")
            return axes

    def _title(self) -> str:
        how = "exact" if self.exact else f"on {self.samples} samples"
        notes = "".join(f"\n{note}." for note in self.warnings)
        return f"{self.metric} distance {self.value:.3g}, gamma {self.gamma:g}, {how}{notes}"

    def _columns(self) -> dict[str, Sequence[Any]]:
        low, high = self.interval
        return {
            "value": [self.value],
            "low": [low],
            "high": [high],
            "noise floor": [self.noise_floor],
        }


def warn_of(notes: tuple[str, ...]) -> None:
    """Warn of what makes a number other than it looks; the rest stands in the result alone."""
    for note in notes:
        if note == CONVENTION or note.startswith(WRONG_DISCOUNT):
            warnings.warn(f"reward_distance: {note}.", RewardwrapWarning, stacklevel=5)
