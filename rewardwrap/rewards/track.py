"""Keep a named number at a target: the term that motion specifications are made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Form, Task
from rewardwrap.core.transitions import FloatArray, Transitions

NORMS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "square": np.square,
    "abs": np.abs,
    "smooth_abs": lambda error: np.sqrt(np.square(error) + 1.0) - 1.0,
    "bound": lambda error: 1.0 - np.exp(-np.square(error)),
}
"""Penalties of an error in units of the scale; all are 0 at the target and grow away from it."""
ACTION = "action"


@register("track")
class Track(Reward):
    """``r = -norm((f(s') - target) / scale)``: 0 at the target, negative away from it.

    ``of="action"`` sums the norm over the action's components: the effort, or the distance from a
    resting action.

    Args:
        of: A named field, weights by field name, or ``"action"``.
        target: Where it should be, in the field's unit.
        scale: Error that counts as one, in the field's unit, > 0.
        norm: ``square``, ``abs``, ``smooth_abs`` (``sqrt(x^2 + 1) - 1``) or ``bound``
            (``1 - exp(-x^2)``, at most 1).

    Raises:
        ConfigError: A value out of its range; when wrapped, a field the environment does not have.

    Source: the residuals and norms of Yu et al., "Language to Rewards for Robotic Skill Synthesis",
        2023, arXiv 2306.08647. Deviation: a reward (minus the cost), one term at a time.

    Example:
        >>> import gymnasium as gym, rewardwrap as rw
        >>> upright = rw.Track("pole_angle", target=0.0, scale=0.1, norm="bound").named("upright")
        >>> env = rw.wrap(gym.make("CartPole-v1"), upright)
    """

    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    of: Form
    _: KW_ONLY
    target: float = 0.0
    scale: float = 1.0
    norm: str = "square"

    def __post_init__(self) -> None:
        for name in ("target", "scale"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not math.isfinite(value):
                raise ConfigError(
                    f"Track: {name} must be a finite number, got {value!r}. "
                    "Give it in the unit of the field."
                )
        if self.scale <= 0:
            raise ConfigError(
                f"Track: scale must be above 0, got {self.scale}. "
                "It is the error that counts as one, in the unit of the field."
            )
        if self.norm not in NORMS:
            raise UnknownName("norm", str(self.norm), NORMS)

    def validate(self, task: Task) -> None:
        if self.of != ACTION:
            task.require(self.of)

    def __call__(self, batch: Transitions) -> FloatArray:
        value: Any = (
            np.reshape(np.asarray(batch.action, np.float64), (batch.lanes, -1))
            if self.of == ACTION
            else batch.task.read(self.of, batch.next_obs, batch.info)
        )
        cost = NORMS[self.norm]((value - self.target) / self.scale)
        return -cost.sum(axis=1) if self.of == ACTION else -cost
