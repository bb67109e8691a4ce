"""What every bonus for exploring is: paid by what is known, which the same steps then add to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.reward import Reward
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.env import EnvReward
from rewardwrap.rewards.limits import require_number
from rewardwrap.rewards.normalize import Normalize


@dataclass(frozen=True, eq=False, repr=False)
class Bonus(Reward):
    """Pays for what is new; what it knows is shared by all lanes, saved, and frozen in evaluation.

    A method writes `pay`. Lanes that step together are paid alike, whatever their order. Bonuses are
    divided by the running deviation of their discounted sum (`rw.Normalize`, of which this holds one),
    so that a weight means the same in every environment; only a weight, a clip and a ``.safe()`` are
    left to the user.

    Args:
        normalise: Whether to divide; what is divided is bounded by 10.
        gamma: Discount of the sum that is normalised by, in [0, 1]. It is no shaping's.
    """

    learns: ClassVar[bool] = True
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False
    recomputes: ClassVar[bool] = True

    _: KW_ONLY
    normalise: bool = True
    gamma: float = 0.99

    def __post_init__(self) -> None:
        require_number(self, "gamma", "Use the discount of the agent.", low=0.0, high=1.0)
        object.__setattr__(self, "_scale", Normalize(EnvReward(), gamma=self.gamma))

    def begin(self, lanes: int) -> Carry:
        """What a lane remembers of its episode, where it remembers anything."""
        return None

    def pay(self, own: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        """The next memory and the bonus of every row, ``(B,)``; learns where ``batch.training``."""
        raise NotImplementedError

    def knowledge(self) -> dict[str, np.ndarray[Any, Any]]:
        """What it learned, arrays only, always under the same names."""
        raise NotImplementedError

    def learn_again(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Take over what `knowledge` returned."""
        raise NotImplementedError

    # --- what a reward is, from these -----------------------------------------------------------

    @property
    def memoryless(self) -> bool:
        return False

    def init(self, lanes: int) -> Carry:
        return self.begin(lanes), self._normaliser.start(lanes) if self.normalise else None

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        own, total = carry
        own, value = self.pay(own, batch)
        if self.normalise:
            total, value = self._normaliser.follow(total, (value,), batch)
        return (own, total), value

    def __call__(self, batch: Transitions) -> FloatArray:
        if not self.recomputes:
            return super().__call__(batch)
        return self.step(self.init(batch.lanes), replace(batch, training=False))[1]

    def over_time(self, batch: Transitions) -> FloatArray:
        if batch.training or not self.recomputes:
            return super().over_time(batch)
        return self(batch)

    @property
    def _normaliser(self) -> Normalize:
        made: Normalize = self._scale  # type: ignore[attr-defined]
        return made

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        return {**self.knowledge(), **self._normaliser.state_arrays()}

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        self.learn_again(arrays)
        self._normaliser.load_state_arrays(arrays)
