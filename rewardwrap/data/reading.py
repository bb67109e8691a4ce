"""What a reader hands over: a store, the rule by which it found episodes, and what it noticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError

if TYPE_CHECKING:
    import gymnasium as gym

Progress = Callable[[int, int], None]
NONE = "none"
"""Said instead of a column: there is none."""
EPISODE = "episode:"
"""What ``--leave-out`` writes before the id of an episode."""


def silent(_done: int, _total: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True)
class Note:
    """Something the user should know.

    Args:
        check: Short name, e.g. ``"gaps"``.
        sentence: What was found and what was done about it.
        count: How many rows, episodes or cells.
        severity: ``"note"``, ``"warning"``: the data can be used, or ``"error"``: they should not.
    """

    check: str
    sentence: str
    count: int = 0
    severity: str = "warning"


@dataclass(frozen=True)
class Reading:
    """The result of a reader.

    Args:
        store: The episodes.
        rule: How borders were found, in words.
        notes: What was noticed while reading.
        left_out: Ids of episodes that the reader has left out already, as asked.
    """

    store: EpisodeStore
    rule: str
    notes: list[Note] = field(default_factory=list)
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """What the user says about a source.

    Args:
        boundary: Rules as `rewardwrap.data.boundary` reads them; every rule adds borders.
        obs: Observation columns of a table; found by name where None.
        action: Action columns of a table; found by name where None.
        reward: Reward column of a table; ``"none"`` for data without one.
        next_obs: Columns of the successors, in the order of ``obs``; ``("none",)`` for none.
        terminated: Column of the flag; ``"none"`` for none.
        truncated: Column of the flag; ``"none"`` for none.
        order: Column that counts steps; ``"none"`` to read rows as they lie.
        sep: What stands between the cells of a CSV file; recognised where None.
        decimal: ``","`` or ``"."``; recognised where None.
        actions: Of a replay buffer: ``"executed"``, in the environment's unit, or ``"scaled"`` to
            [-1, 1] as SB3 stores them; recognised where None.
        leave_out: Columns of a table, or patterns; ``episode:ID`` for an episode.
        observation_space: Of the environment, if known.
        action_space: Of the environment, if known.
        fill: ``"median"``: fill missing cells, see `rewardwrap.data.fill`; None leaves them missing.
        drop_last: Leave out last steps whose successor is not recorded, instead of keeping them
            with the last observation repeated.
        progress: Called with ``(done, total)`` now and then.
    """

    boundary: tuple[str, ...] = ()
    obs: tuple[str, ...] | None = None
    action: tuple[str, ...] | None = None
    reward: str | None = None
    next_obs: tuple[str, ...] | None = None
    terminated: str | None = None
    truncated: str | None = None
    order: str | None = None
    sep: str | None = None
    decimal: str | None = None
    actions: str | None = None
    leave_out: tuple[str, ...] = ()
    observation_space: gym.Space[Any] | None = None
    action_space: gym.Space[Any] | None = None
    fill: str | None = None
    drop_last: bool = False
    progress: Progress = silent

    @property
    def without(self) -> frozenset[str]:
        """Ids of the episodes to leave out."""
        return frozenset(x.removeprefix(EPISODE) for x in self.leave_out if x.startswith(EPISODE))

    @property
    def without_columns(self) -> list[str]:
        """Names and patterns of the columns to leave out."""
        return [name for name in self.leave_out if not name.startswith(EPISODE)]


def in_spaces(store: EpisodeStore, options: Options) -> EpisodeStore:
    """The store with the spaces the user named, columns in their shape and dtype.

    Raises:
        DataError: The columns do not have the shape of the space.
    """
    observation = options.observation_space or store.observation_space
    action = options.action_space or store.action_space
    return replace(
        store,
        obs=_fitted("obs", store.obs, observation),
        action=_fitted("action", store.action, action),
        observation_space=observation,
        action_space=action,
    )


def _fitted(name: str, columns: Any, space: gym.Space[Any] | None) -> Any:
    if space is None:
        return columns
    from gymnasium import spaces

    if isinstance(space, spaces.Dict):
        if not isinstance(columns, dict) or set(columns) != set(space.spaces):
            raise _misfit(name, columns, space)
        return {
            key: _fitted(f"{name}/{key}", columns[key], each) for key, each in space.spaces.items()
        }
    if isinstance(space, spaces.Tuple):
        if not isinstance(columns, tuple) or len(columns) != len(space.spaces):
            raise _misfit(name, columns, space)
        pairs = zip(columns, space.spaces, strict=True)
        return tuple(_fitted(f"{name}/{i}", each, s) for i, (each, s) in enumerate(pairs))
    if not isinstance(columns, np.ndarray) or space.shape is None:
        raise _misfit(name, columns, space)
    width = int(np.prod(space.shape))
    if columns.shape[1:] != space.shape:
        # only flat rows are put in shape: an image of other axes would be scrambled
        if columns.ndim > 2 or columns[:1].size != width * len(columns[:1]):
            raise _misfit(name, columns, space)
        columns = columns.reshape(len(columns), *space.shape)
    return _cast(name, columns, np.dtype(space.dtype))


def _cast(name: str, column: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """The dtype of the space; whole numbers only where the column holds them."""
    if dtype.kind in "iub" and column.dtype.kind == "f":
        whole = column.astype(dtype)
        if not np.array_equal(whole, column):
            raise DataError(
                f"{name} must hold whole numbers as its space {dtype} says, got "
                f"{column[whole != column].ravel()[0]}. Check --env, or the column names."
            )
        return whole
    return column.astype(dtype, copy=False)


def _misfit(name: str, columns: Any, space: Any) -> DataError:
    found = (
        f"shape {columns.shape[1:]}"
        if isinstance(columns, np.ndarray)
        else f"a tree of {len(list(tree.leaves(columns)))} columns"
    )
    return DataError(
        f"{name} must fit {space}, got {found} per row. "
        "Name another environment, or choose the columns with --obs and --action."
    )
