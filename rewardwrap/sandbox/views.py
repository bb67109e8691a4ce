"""What reward code sees: arrays with named fields, and ``info``. Runs inside the worker.

``obs.torso_z`` and ``obs["torso_z"]`` are the same column; ``obs[:, 0]`` is a plain array. Everything is
read-only, and made once for each number of rows: the trainer only changes the bytes behind it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from rewardwrap.sandbox.channel import GO, KEPT, Column, offsets

Arguments = tuple[Any, Any, Any, Any]
ROWS = 256
"""Views of single rows that are kept."""
_plain = np.asarray


def _unknown(name: str, fields: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, list(fields), n=2)
    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"no field or attribute {name!r}.{guess} Fields: {', '.join(fields) or 'none'}"


class NamedArray(np.ndarray[Any, Any]):
    """An observation whose fields have names; slices of it are plain arrays."""

    fields_: Mapping[str, Any]

    def __getitem__(self, key: Any) -> Any:
        if key.__class__ is str:
            return getattr(self, key)
        return _plain(self)[key]

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("fields_", {})
        if name in fields:
            value = fields[name]
            return value.item() if value.ndim == 0 else value
        raise AttributeError(_unknown(name, fields))


class NamedDict(dict[str, Any]):
    """A dict observation whose fields have names; read-only, since it is made once."""

    def __setitem__(self, key: Any, value: Any) -> None:
        raise ValueError("an observation is read-only: copy first, e.g. dict(obs)")

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        raise ValueError("an observation is read-only: copy first, e.g. dict(obs)")

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("fields_", {})
        if name in fields:
            value = fields[name]
            return value.item() if value.ndim == 0 else value
        raise AttributeError(_unknown(name, fields))


class NamedTuple(tuple[Any, ...]):
    """A tuple observation whose fields have names."""

    __getattr__ = NamedDict.__getattr__


class Reported(dict[str, Any]):
    """``info``; a missing key is named with what is there."""

    def __missing__(self, key: str) -> Any:
        raise KeyError(f"info has no {key!r}; it holds {', '.join(self) or 'nothing'}")


class ReportedRow(Reported):
    """``info`` of one row: numbers, read when they are asked for."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        return value.item() if value.ndim == 0 else value

    def get(self, key: str, default: Any = None) -> Any:
        """The number, or ``default``."""
        return self[key] if key in self else default  # noqa: SIM401  get would not read it


class Views:
    """Arguments for reward code over one block of memory.

    Args:
        memory: The requests; mapped for reading only.
        columns: What lies in it.
        fields: Field name -> column of the flat observation that it is.
    """

    def __init__(self, memory: Any, columns: Sequence[Column], fields: Mapping[str, int]) -> None:
        self.memory = memory
        self.columns = columns
        self.fields = fields
        self._batches: dict[int, Arguments] = {}
        self._rows: dict[tuple[int, int, bool], Arguments] = {}

    def batch(self, rows: int) -> Arguments:
        """All rows at once."""
        made = self._batches.get(rows)
        if made is None:
            if len(self._batches) >= 16:
                self._batches.clear()
            made = self._batches[rows] = self._arguments(self._arrays(rows))
        return made

    def row(self, rows: int, at: int, *, axis: bool = False) -> Arguments:
        """One row, without a batch axis or as a batch of one; made once, since a view follows the bytes."""
        key = (rows, at, axis)
        made = self._rows.get(key)
        if made is None:
            if len(self._rows) >= ROWS:
                self._rows.clear()
            made = self._rows[key] = self.part(rows, slice(at, at + 1) if axis else at)
        return made

    def part(self, rows: int, which: Any) -> Arguments:
        """Some rows as a batch of their own (a slice, indices), or one row without a batch axis."""
        return self._arguments([array[(which, ...)] for array in self._arrays(rows)])

    def kept(self, rows: int) -> tuple[Any, Any]:
        """What each row's lane carries, and where the row begins."""
        given = zip(self.columns, self._arrays(rows), strict=True)
        found = {column.place: array for column, array in given if column.place in (KEPT, GO)}
        return found[KEPT], found[GO]

    def _arrays(self, rows: int) -> list[Any]:
        places = offsets(self.columns, rows)
        made = []
        for column, at in zip(self.columns, places, strict=False):
            count = int(np.prod((rows, *column.shape)))
            array = np.frombuffer(self.memory, column.dtype, count, at)
            array = array.reshape(rows, *column.shape)
            array.flags.writeable = False
            made.append(array)
        return made

    def _arguments(self, arrays: Sequence[Any]) -> Arguments:
        trees: dict[str, list[tuple[tuple[Any, ...], Any]]] = {
            "obs": [],
            "action": [],
            "next_obs": [],
        }
        named: dict[str, dict[str, Any]] = {"obs": {}, "next_obs": {}}
        info = Reported()
        for column, array in zip(self.columns, arrays, strict=True):
            if column.place in (KEPT, GO):
                continue
            if column.place == "info":
                info[str(column.path[0])] = array
            elif column.place.endswith("."):
                named[column.place[:-1]][str(column.path[0])] = array
            else:
                trees[column.place].append((column.path, array))
        found = {place: _grown(leaves) for place, leaves in trees.items()}
        obs, following = (_with_names(found[p], named[p], self.fields) for p in named)
        one_row = any(array.ndim == 0 for array in info.values())
        reported = ReportedRow(info) if one_row else info
        return obs, found["action"], following, MappingProxyType(reported)


def _grown(leaves: list[tuple[tuple[Any, ...], Any]]) -> Any:
    """The nested value from its leaves; text keys are dicts, numbers are tuples."""
    if len(leaves) == 1 and not leaves[0][0]:
        return leaves[0][1]
    keys = list(dict.fromkeys(path[0] for path, _ in leaves))
    parts = {k: _grown([(path[1:], leaf) for path, leaf in leaves if path[0] == k]) for k in keys}
    return tuple(parts.values()) if keys and isinstance(keys[0], int) else NamedDict(parts)


def _with_names(value: Any, computed: Mapping[str, Any], fields: Mapping[str, int]) -> Any:
    known = dict(computed)
    made: Any
    if isinstance(value, np.ndarray):
        if not known and not fields:
            # slices of a subclass cost 0.3 us more each
            return value
        known |= {n: value[..., i] for n, i in fields.items() if n not in known}
        made = value.view(NamedArray)
        made.flags.writeable = False
        if value.ndim and value.dtype.kind == "f" and value.ndim > 1:
            # attributes of the instance cost half of __getattr__
            for name, column in known.items():
                if not hasattr(np.ndarray, name):
                    made.__dict__[name] = column
    else:
        made = NamedDict(value) if isinstance(value, dict) else NamedTuple(value or ())
    made.__dict__["fields_"] = known
    return made
