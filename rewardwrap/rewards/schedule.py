"""A weight that changes while the agent trains, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward, require_parts
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.limits import require_count, require_number


@register("schedule")
class Schedule(Reward):
    """``w_n r``, with ``w_n = start + (end - start) min(n / over, 1)`` after ``n`` steps.

    Steps are those of all lanes together, as SB3 counts ``total_timesteps``, and are counted where
    ``batch.training``: an evaluation is paid by the weight that training has reached. The count is
    knowledge: it is saved, and a run that is resumed goes on with it.

    With ``end=0`` this is PIES: advice that may be wrong leads at first and is gone at the end. A
    weight of 0 pays exactly 0, so what is left is bit by bit the reward without it.

    Args:
        reward: What is weighted; terms that it records are weighted with it.
        start: Weight of the first step.
        end: Weight after ``over`` steps, and from then on.
        over: Environment steps, of all lanes together, at least 1.

    Raises:
        ConfigError: A weight that is no finite number, or over no whole number of at least 1.

    Source: Behboudian et al., "Policy invariant explicit shaping: an efficient alternative to reward
        shaping", 2020, arXiv 2011.01297, algorithm 1. Deviation: the weight moves with every step
        instead of every episode.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 5, "action": [0] * 4, "reward": [1] * 4, "terminated": [0, 0, 0, 1],
        ...        "truncated": [0] * 4}
        >>> rw.relabel(rw.Schedule(rw.EnvReward(), over=2), log, training=True).tolist()
        [1.0, 0.5, 0.0, 0.0]
    """

    learns: ClassVar[bool] = True
    recomputes: ClassVar[bool] = True
    reads_obs: ClassVar[bool] = False
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    reward: Reward
    start: float = 1.0
    end: float = 0.0
    over: int = 100_000

    def __post_init__(self) -> None:
        require_parts(self, (self.reward,))
        require_number(self, "start", "Use 1 for the whole reward.")
        require_number(self, "end", "Use 0 for none of it.")
        require_count(self, "over", "Use a share of total_timesteps.")
        object.__setattr__(self, "steps", 0)

    @property
    def weight(self) -> float:
        """The weight that the next step is paid by."""
        steps: int = self.steps  # type: ignore[attr-defined]
        done = min(steps / self.over, 1.0)
        return self.end if done == 1.0 else self.start + (self.end - self.start) * done

    @property
    def recorded(self) -> tuple[str, ...]:
        return self.reward.recorded

    @property
    def memoryless(self) -> bool:
        return False

    def init(self, lanes: int) -> Carry:
        return self.reward.init(lanes)

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        carry, value = self.reward.step(carry, batch)
        paid = self._weighted(value, batch)
        if batch.training:
            object.__setattr__(self, "steps", self.steps + batch.lanes)  # type: ignore[attr-defined]
        return carry, paid

    def __call__(self, batch: Transitions) -> FloatArray:
        return self._weighted(self.reward(batch), batch)

    def over_time(self, batch: Transitions) -> FloatArray:
        if batch.training:
            return super().over_time(batch)
        return self._weighted(self.reward.over_time(batch), batch)

    def _weighted(self, value: FloatArray, batch: Transitions) -> FloatArray:
        weight = self.weight
        for name in self.recorded:
            batch.terms[name] = _times(weight, batch.terms[name])
        return _times(weight, value)

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        return {"steps": np.array(self.steps)}  # type: ignore[attr-defined]

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        steps = int(arrays["steps"])
        if steps < 0:
            raise ConfigError(
                f"Schedule: steps must be at least 0, got {steps}. Load what this reward saved."
            )
        object.__setattr__(self, "steps", steps)


def _times(weight: float, value: FloatArray) -> FloatArray:
    # 0 times a negative number is -0, and 0 times infinity no number
    return value * weight if weight else np.zeros_like(value)
