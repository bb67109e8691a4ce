"""Rewards by state and action, written out: what is designed for a task of few states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Form, Task
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.limits import is_number


@register("table")
class Table(Reward):
    """``r = values[s][a]``, and 0 for every state that is not listed.

    Args:
        values: State -> one number for each action, in reward per step. A state is the number of a
            Discrete observation before the step.
        of: Where a state's number stands instead: a named field of the recipe, or weights by field
            name (``{"row": 8, "column": 1}``), rounded to a whole number.

    Raises:
        ConfigError: No states, rows of several lengths, a value that is no finite number; when
            wrapped, observations that are no numbers of states.

    Example:
        >>> import gymnasium as gym, rewardwrap as rw
        >>> last = rw.Table({14: [0.0, 0.0, 1.0, 0.0]})
        >>> env = rw.wrap(gym.make("FrozenLake-v1", is_slippery=False), last)
    """

    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    values: Mapping[int, Sequence[float]]
    of: Form | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.values, Mapping) or not self.values:
            raise ConfigError(
                f"Table: values must be rows of numbers by state, got {self.values!r}. "
                "Write e.g. {14: [0, 0, 1, 0]}."
            )
        rows = {_state(key): _row(row) for key, row in self.values.items()}
        lengths = {len(row) for row in rows.values()}
        if len(lengths) != 1:
            raise ConfigError(
                "Table: values must have one number for each action in every state, got rows of "
                f"{', '.join(map(str, sorted(lengths)))}. Put 0 where nothing is paid."
            )
        object.__setattr__(self, "values", rows)

    def validate(self, task: Task) -> None:
        if self.of is not None:
            task.require(self.of)
            return
        space = task.spaces.get("obs")
        if space is not None and getattr(space, "n", None) is None:
            raise ConfigError(
                f"Table: observations must be numbers of states (Discrete), got {space}. "
                "Say of= which field holds the number."
            )

    def __call__(self, batch: Transitions) -> FloatArray:
        if self.of is None:
            states = np.asarray(next(tree.leaves(batch.obs)))
        else:
            states = batch.task.read(self.of, batch.obs, batch.info_before)
        actions = np.asarray(next(tree.leaves(batch.action)))
        pairs = zip(_whole(states, batch.lanes), _whole(actions, batch.lanes), strict=True)
        return np.array([self._paid(state, action) for state, action in pairs], np.float64)

    def write(self, code: LaneCode) -> str:
        if self.of is not None:
            return super().write(code)
        code.use("obs")
        return code.let(f"{code.bind(self._one, 'table')}(obs, action)", "paid")

    def _one(self, obs: Any, action: Any) -> float:
        return self._paid(*(_whole(np.asarray(next(tree.leaves(x))), 1)[0] for x in (obs, action)))

    def _paid(self, state: int, action: int) -> float:
        row = self.values.get(state, ())
        return float(row[action]) if 0 <= action < len(row) else 0.0


def _whole(values: Any, lanes: int) -> list[int]:
    numbers: list[int] = np.rint(np.reshape(values, (lanes, -1))[:, 0]).astype(np.int64).tolist()
    return numbers


def _state(key: Any) -> int:
    # JSON has no other keys than text
    if isinstance(key, str) and key.isdecimal():
        return int(key)
    if isinstance(key, bool) or not isinstance(key, int | np.integer) or key < 0:
        raise ConfigError(f"Table: a state must be a number from 0, got {key!r}. Use its index.")
    return int(key)


def _row(row: Any) -> tuple[float, ...]:
    if not isinstance(row, Sequence | np.ndarray) or not all(map(is_number, row)) or not len(row):
        raise ConfigError(
            f"Table: a row must be finite numbers, one for each action, got {row!r}. "
            "Put 0 where nothing is paid."
        )
    return tuple(float(value) for value in row)
