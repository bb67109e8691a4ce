"""A bonus for seldom codes of observations that never come twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.registry import register
from rewardwrap.core.transitions import Carry, Transitions
from rewardwrap.rewards.curiosity import Curiosity, Mind, Sizes
from rewardwrap.rewards.limits import require_count, require_number
from rewardwrap.rewards.reading import Seen
from rewardwrap.rewards.visits import Visits, name_of


@register("simhash")
class SimHash(Curiosity):
    """``beta / sqrt(N(code))``, where the code of ``s'`` is the sign of each of ``bits`` random mixtures.

    Observations that point in one direction from the mean share a code; more bits tell more apart. The
    scale of the observations is found on the first ``every`` steps, which are then coded anew, and
    kept: a code means the same for ever.

    Args:
        bits: Length of a code.
        beta: Paid for a first visit.
        every: Steps of all lanes together on which the scale is found.
        seed: Of the mixtures.
        normalise: Whether to divide by the running deviation of the discounted sum.
        gamma: Discount of that sum, in [0, 1].

    Raises:
        ConfigError: A number outside its range; observations that are no numbers.

    Source: Tang et al., "#Exploration: a study of count-based exploration for deep reinforcement
        learning", 2016, arXiv 1611.04717, algorithm 1. Deviations: observations are brought to one
        scale first; images pass a fixed random convolution instead of a learned autoencoder.

    Example:
        >>> import rewardwrap as rw
        >>> venv = rw.make("MountainCar-v0", rw.EnvReward() + 0.1 * rw.SimHash(), n_envs=8)
    """

    drifts: ClassVar[bool] = False

    _: KW_ONLY
    bits: int = 32
    beta: float = 1.0
    normalise: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count(self, "bits", "Use 32.")
        require_number(self, "beta", "It is what a first visit pays.", low=0.0)
        object.__setattr__(self, "_visits", Visits())

    @property
    def visits(self) -> Visits:
        """How often each code was reached."""
        made: Visits = self._visits  # type: ignore[attr-defined]
        return made

    def fixed(self, width: int, actions: int) -> Sizes:
        return {"mixtures": (width, self.bits)}

    def feel(self, own: Carry, batch: Transitions, mind: Mind, seen: Seen) -> tuple[Carry, Any]:
        codes = self._codes(mind, seen)
        if batch.training:
            self.visits.add(codes)
        return own, self.beta / np.sqrt(np.maximum(self.visits.of(codes), 1.0))

    def settle(self, mind: Mind, seen: Seen) -> None:
        self.visits.clear()
        self.visits.add(self._codes(mind, seen))

    def _codes(self, mind: Mind, seen: Seen) -> list[bytes]:
        packed = np.packbits(mind.nets["mixtures"](seen.y) > 0, axis=1)
        return [name_of(row.tobytes()) for row in packed]

    def knowledge(self) -> dict[str, np.ndarray[Any, Any]]:
        return {**super().knowledge(), **self.visits.arrays()}

    def learn_again(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        super().learn_again(arrays)
        self.visits.load(arrays)
