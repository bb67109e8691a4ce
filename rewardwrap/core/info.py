"""One reader for the four shapes in which environments hand out ``info``.

| host | shape | reader |
|---|---|---|
| gymnasium single env | dict of values | `LaneInfo` |
| gymnasium vector env | dict of arrays with masks under ``"_key"`` | `VectorInfo` |
| SB3 VecEnv | list of dicts | `ListInfo` |
| logged data | dict of columns | `ColumnInfo` |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from rewardwrap.core.errors import RewardValueError

LIMIT = "rewardwrap/limit"
"""Key that says a step ended by the clock, where a time limit is an end."""


PARTS = "reward_parts"
"""Key of the parts of a reward that is a vector."""


class Info:
    """``info[key]`` is an array with one row per lane, whatever the host."""

    __slots__ = ()

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        raise missing(key, self.keys())

    def __contains__(self, key: object) -> bool:
        return key in list(self.keys())

    def keys(self) -> Iterable[str]:
        """Names that can be read."""
        return ()

    def get(self, key: str, default: Any = None) -> Any:
        """The column, with ``default`` in lanes that do not report it."""
        return self[key] if key in self else default  # noqa: SIM401 - this is get

    def row(self, i: int) -> Mapping[str, Any]:
        """What lane ``i`` reported, read-only."""
        one = self.take([i])
        return MappingProxyType({key: one[key][0] for key in one.keys()})  # noqa: SIM118

    def take(self, rows: Any) -> Info:
        """The same columns for some lanes only."""
        return ColumnInfo({key: self[key][rows] for key in self.keys()})


def missing(key: str, known: Iterable[str]) -> RewardValueError:
    """The error for a key the environment does not report."""
    listed = ", ".join(sorted(known)) or "nothing"
    return RewardValueError(
        f'info must hold "{key}", got {listed}. '
        "Read a key that the environment reports in reset and in every step."
    )


class NoInfo(Info):
    """A host that reports nothing."""

    __slots__ = ()

    def take(self, rows: Any) -> Info:
        return self


NO_INFO = NoInfo()


class FilledInfo(Info):
    """A reader for user functions: a column that nobody reports is its default in every lane."""

    __slots__ = ("_info", "_lanes")

    def __init__(self, info: Info, lanes: int) -> None:
        self._info = info
        self._lanes = lanes

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        return self._info[key]

    def keys(self) -> Iterable[str]:
        return self._info.keys()

    def get(self, key: str, default: Any = None) -> Any:
        column = self._info.get(key, default)
        return np.full(self._lanes, default) if column is default else column


class LaneInfo(Info):
    """The info dict of a single environment, read as a batch of one."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        if key not in self._values:
            raise missing(key, self._values)
        return np.asarray(self._values[key])[None]

    def keys(self) -> Iterable[str]:
        return self._values.keys()

    def get(self, key: str, default: Any = None) -> Any:
        return np.asarray(self._values.get(key, default))[None]

    def row(self, i: int) -> Mapping[str, Any]:
        return MappingProxyType(dict(self._values))


class ColumnInfo(Info):
    """Columns that are arrays already."""

    __slots__ = ("_columns",)

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns = columns

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        if key not in self._columns:
            raise missing(key, self._columns)
        return np.asarray(self._columns[key])

    def keys(self) -> Iterable[str]:
        return self._columns.keys()


class ListInfo(Info):
    """One dict per lane, as SB3's VecEnv returns them."""

    __slots__ = ("_lanes",)

    def __init__(self, lanes: Sequence[Mapping[str, Any]]) -> None:
        self._lanes = lanes

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        try:
            return np.array([lane[key] for lane in self._lanes])
        except KeyError:
            raise missing(key, self.keys()) from None

    def keys(self) -> Iterable[str]:
        if not self._lanes:
            return ()
        return [key for key in self._lanes[0] if all(key in lane for lane in self._lanes)]

    def get(self, key: str, default: Any = None) -> Any:
        return np.array([lane.get(key, default) for lane in self._lanes])

    def row(self, i: int) -> Mapping[str, Any]:
        return MappingProxyType(dict(self._lanes[i]))

    def take(self, rows: Any) -> Info:
        return ListInfo([self._lanes[i] for i in np.arange(len(self._lanes))[rows]])


class VectorInfo(Info):
    """A gymnasium vector env's dict: a column counts only where its mask covers every lane read.

    Args:
        columns: The info dict.
        final: Rows that ended under SAME_STEP autoreset, whose true values are in ``final_info``.
        rows: What was taken of the lanes, and of those, and so on.
    """

    __slots__ = ("_columns", "_final", "_rows")

    def __init__(
        self,
        columns: Mapping[str, Any],
        *,
        final: np.ndarray[Any, Any] | None = None,
        rows: tuple[Any, ...] = (),
    ) -> None:
        self._columns = columns
        self._final = final
        self._rows = rows

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        column, mask = self._column(key)
        if mask is not None and not self._picked(mask).all():
            raise missing(key, self.keys())
        return self._picked(column)

    def _column(self, key: str) -> tuple[Any, np.ndarray[Any, Any] | None]:
        """A column of all lanes, and which of them reported it; None stands for all."""
        ended = self._columns.get("final_info", {}) if self._final is not None else {}
        if key not in self._columns and key not in ended:
            raise missing(key, self.keys())
        column = self._columns.get(key)
        mask = self._columns.get(f"_{key}")
        if key in ended and not isinstance(ended[key], Mapping):
            column = np.array(ended[key]) if column is None else np.array(column)
            column[self._final] = ended[key][self._final]
            there = np.zeros(len(column), bool) if mask is None else np.array(mask)
            there[self._final] = ended[f"_{key}"][self._final]
            mask = there
        return column, mask

    def _picked(self, column: Any) -> np.ndarray[Any, Any]:
        lanes: np.ndarray[Any, Any] = np.asarray(column)
        for rows in self._rows:
            lanes = lanes[rows]
        return lanes

    def keys(self) -> Iterable[str]:
        names = dict.fromkeys(self._columns)
        if self._final is not None:
            names.update(dict.fromkeys(self._columns.get("final_info", {})))
        return [k for k in names if not k.startswith("_") and k not in ("final_obs", "final_info")]

    def get(self, key: str, default: Any = None) -> Any:
        if key not in self.keys():
            return default
        column, mask = self._column(key)
        lanes = self._picked(column)
        there = True if mask is None else self._picked(mask)
        return lanes if np.all(there) else np.where(there, lanes, default)

    def row(self, i: int) -> Mapping[str, Any]:
        found = {}
        for key in self.keys():
            column, mask = self._column(key)
            if isinstance(column, Mapping):
                continue  # a nested dict has masks of its own; no lane reads it
            if mask is None or self._picked(mask)[i]:
                found[key] = self._picked(column)[i]
        return MappingProxyType(found)

    def take(self, rows: Any) -> Info:
        return VectorInfo(self._columns, final=self._final, rows=(*self._rows, rows))


class MergedInfo(Info):
    """What lanes reported when some of them, ``rows``, started anew and the others went on.

    Args:
        going: Reader of the lanes that went on.
        started: Reader of the lanes that started.
        rows: Mask of the lanes that started.
    """

    __slots__ = ("_going", "_rows", "_started")

    def __init__(self, going: Info, started: Info, rows: np.ndarray[Any, Any]) -> None:
        self._going = going
        self._started = started
        self._rows = rows

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        rows = self._rows
        if rows.all():
            return self._started[key]
        if not rows.any():
            return self._going[key]
        started, going = self._started.take(rows)[key], self._going.take(~rows)[key]
        column = np.empty((len(rows), *started.shape[1:]), np.result_type(started, going))
        column[rows], column[~rows] = started, going
        return column

    def get(self, key: str, default: Any = None) -> Any:
        return np.array([self.row(i).get(key, default) for i in range(len(self._rows))])

    def row(self, i: int) -> Mapping[str, Any]:
        return (self._started if self._rows[i] else self._going).row(i)

    def keys(self) -> Iterable[str]:
        started = set(self._started.keys())
        return [key for key in self._going.keys() if key in started]  # noqa: SIM118

    def take(self, rows: Any) -> Info:
        return MergedInfo(self._going.take(rows), self._started.take(rows), self._rows[rows])
