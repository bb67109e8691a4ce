"""A named field, or a linear form of several, paid as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Form, Task
from rewardwrap.core.transitions import FloatArray, Transitions


@register("field")
class Field(Reward):
    """``r = f(s')``: a named number of the successor, or ``bias + sum_i w_i * field_i(s')``.

    Paid raw on every step, a closeness score invites loitering: staying near the goal earns more
    than reaching it. Put `Potential` around what only says how good a state is, and keep `Field`
    for what is itself wanted on every step, such as a velocity.

    Args:
        of: A named field of the recipe (``"x_velocity"``), or weights by field name
            (``{"row": 0.07, "column": 0.07, "bias": 0.1}``).

    Raises:
        ConfigError: ``of`` is neither; when wrapped, a field the environment does not have.

    Example:
        >>> import gymnasium as gym, rewardwrap as rw
        >>> lean = rw.Field("pole_angle").named("lean")
        >>> env = rw.wrap(gym.make("CartPole-v1"), rw.EnvReward() - lean)
    """

    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    of: Form

    def __post_init__(self) -> None:
        if not isinstance(self.of, str | Mapping) or not self.of:
            raise ConfigError(
                "Field: of must be a field name or weights by field name, "
                f'got {self.of!r}. Try rw.Field("x_velocity").'
            )

    def validate(self, task: Task) -> None:
        task.require(self.of)

    def __call__(self, batch: Transitions) -> FloatArray:
        return batch.task.read(self.of, batch.next_obs, batch.info)

    def write(self, code: LaneCode) -> str:
        return code.read(self.of, "next_obs", "info")
