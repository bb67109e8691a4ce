"""A reward that is designed anew while an agent trains, as a term and a callback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.registry import register
from rewardwrap.rewards.limits import require_count
from rewardwrap.rewards.table import Table

if TYPE_CHECKING:
    from stable_baselines3.common.callbacks import BaseCallback


@register("redesigned")
class Redesigned(Table):
    """``r = values[s][a]``, written anew every so many steps for what the learner does then.

    See `rw.design.Adaptive` for what the values become; ``rewardwrap design ENV --adaptive`` writes this
    reward, and ``rewardwrap train`` installs `update` by itself. Each redesign keeps every best policy of
    the task: ``design/regret`` is logged, and 0. In evaluation and without the callback the table stays
    as it is. It is saved with the reward.

    Args:
        values: The first table.
        env: The recipe or id whose dynamics it is designed from.
        states: How many states may pay at a time.
        gamma: Discount of the agent.
        every: Steps between two designs, of all lanes together.
        env_kwargs: Arguments of the environment.

    Raises:
        ConfigError: As `Table`; no environment.

    Source: Devidze et al., 2024, arXiv 2402.07019; see `rw.design.Adaptive`.

    Example:
        >>> import rewardwrap as rw
        >>> adaptive = rw.Redesigned({14: [0, 0, 1, 0]}, env="FrozenLake-v1", states=3)
        >>> adaptive.update()  # doctest: +ELLIPSIS
        <rewardwrap.design.redesigning.Redesigning object at ...>
    """

    learns: ClassVar[bool] = True

    _: KW_ONLY
    env: str = ""
    states: int = 5
    gamma: float = 0.95
    every: int = 2000
    env_kwargs: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.env, str) or not self.env:
            raise ConfigError(
                f"Redesigned: env must be a recipe or id, got {self.env!r}. Name what is trained on."
            )
        require_count(self, "states", "Use 5.")
        require_count(self, "every", "Use 2000.")

    def update(self) -> BaseCallback:
        """The callback that redesigns, for PPO, A2C and DQN on Discrete observations."""
        from rewardwrap.design.redesigning import Redesigning

        return Redesigning(self)

    def take(self, values: Mapping[int, Any]) -> None:
        """Pay another table from the next step on."""
        object.__setattr__(self, "values", Table(values).values)

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        return {
            "states": np.array(list(self.values), np.int64),
            "table": np.array(list(self.values.values()), np.float64),
        }

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        numbers, table = arrays["states"].tolist(), arrays["table"].tolist()
        self.take(dict(zip(numbers, table, strict=True)))
