"""From a batch of transitions to the arrays that reward code is given, and back to numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rewardwrap.core.errors import RewardValueError
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.sandbox.channel import HEAD, Column, offsets
from rewardwrap.sandbox.process import Process

WORD = re.compile(r"[A-Za-z_]\w*")
QUOTED = re.compile(r"""["']([^"'\n]{1,80})["']""")


@dataclass
class Plan:
    """Which arrays of a batch go to the worker, decided with the first batch.

    Args:
        columns: What the worker is told, one for each array.
        flat: Whether these three are arrays, not nested.
        computed: ``(before?, field)`` of fields that are read here, because they are scaled or lie in info.
        keys: Keys of ``info`` that the source mentions.
        fields: Field name -> column of the flat observation that it is.
    """

    columns: list[Column]
    flat: bool
    computed: list[tuple[bool, str]]
    keys: list[tuple[str, np.dtype[Any]]]
    fields: Mapping[str, int]

    @classmethod
    def of(cls, source: str, batch: Transitions) -> Plan:
        """For batches that look like this one."""
        columns = []
        values = (("obs", batch.obs), ("action", batch.action), ("next_obs", batch.next_obs))
        for place, value in values:
            for path, leaf in _paths(value):
                array = _numeric(leaf, place)
                columns.append(Column(place, path, array.dtype.str, array.shape[1:]))
        direct, computed = _split(source, batch)
        columns += [
            Column("obs." if before else "next_obs.", (name,), "<f8", ())
            for before, name in computed
        ]
        quoted = set(QUOTED.findall(source))
        keys = []
        for key in batch.info.keys():  # noqa: SIM118  Info is no mapping
            if key in quoted:
                column = np.asarray(batch.info[key])
                if column.dtype.kind in "fiub":
                    keys.append((key, column.dtype))
                    columns.append(Column("info", (key,), column.dtype.str, column.shape[1:]))
        flat = all(isinstance(value, np.ndarray) for _, value in values)
        return cls(columns, flat, computed, keys, direct)

    def arrays(self, batch: Transitions) -> list[Any]:
        """The arrays of a batch, one for each column where it looks like the first one."""
        if self.flat:
            arrays = [batch.obs, batch.action, batch.next_obs]
        else:
            values = (batch.obs, batch.action, batch.next_obs)
            arrays = [np.asarray(leaf) for value in values for _, leaf in _paths(value)]
        if self.computed:
            task = batch.task
            for before, name in self.computed:
                seen = (batch.obs, batch.info_before) if before else (batch.next_obs, batch.info)
                arrays.append(task.read(name, *seen))
        if self.keys:
            arrays += [np.asarray(batch.info[key]).astype(dtype) for key, dtype in self.keys]
        return arrays


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    """Leaves of a nested value with the keys that lead to them."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [found for key in value for found in _paths(value[key], (*path, str(key)))]
    if isinstance(value, tuple | list):
        return [found for i, item in enumerate(value) for found in _paths(item, (*path, i))]
    return [(path, value)]


def _numeric(leaf: Any, place: str) -> np.ndarray[Any, Any]:
    array = np.asarray(leaf)
    if array.dtype.kind not in "fiub":
        raise RewardValueError(
            f"{place} must hold numbers to be sent to reward code, got {array.dtype}. "
            "Use fields, or a reward function in this process."
        )
    return array


def _split(source: str, batch: Transitions) -> tuple[dict[str, int], list[tuple[bool, str]]]:
    """Fields that are a column of the observation as it stands, and those that are computed here."""
    task, spoken = batch.task, WORD.findall(source)
    words = set(spoken)
    # once in the signature; a helper may be handed `obs` under any name
    reads_obs = spoken.count("obs") > 1
    direct: dict[str, int] = {}
    computed: list[tuple[bool, str]] = []
    for name, place in task.fields.items():
        if name not in words:
            continue
        plain = place.info is None and place.key is None and not task.radix
        exact = isinstance(batch.obs, np.ndarray) and batch.obs.dtype == np.float64
        if plain and exact and place.scale == 1.0 and not place.offset and place.index is not None:
            task.field(name)
            direct[name] = place.index
            continue
        computed.append((False, name))
        known = place.info is None or place.info in batch.info_before
        if known and reads_obs:
            computed.append((True, name))
    return direct, computed


class Changed(Exception):
    """Arrays that are not those that the worker was told of."""


class Exchange:
    """Batches of one number of rows: where their columns lie, and where the numbers for them appear.

    Args:
        process: The worker.
        columns: Of a batch.
        rows: How many.
        width: Numbers for each row.
    """

    __slots__ = ("_columns", "_numbers", "_requests", "_rows", "_sent", "_turn", "number", "owner")

    def __init__(self, process: Process, columns: Sequence[Column], rows: int, width: int) -> None:
        *places, self._sent = offsets(columns, rows)
        self._columns = [
            (slice(at, at + rows * c.row_bytes), np.dtype(c.dtype), (rows, *c.shape))
            for c, at in zip(columns, places, strict=True)
        ]
        self._requests: Any = process.requests
        self._numbers = np.frombuffer(process.answers, np.float64, width * rows, HEAD)
        self._rows = rows
        self._turn = process.turn
        self.owner = process.owner
        self.number = 0

    def __call__(self, arrays: Sequence[Any], seconds: float, operation: int) -> FloatArray:
        """``width * rows`` numbers for these arrays, as the worker wrote them.

        Raises:
            Changed: An array of another dtype or shape than its column.
        """
        for (place, dtype, shape), array in zip(self._columns, arrays, strict=True):
            if array.__class__ is not np.ndarray or array.shape != shape:
                raise Changed
            if array.dtype is not dtype and array.dtype != dtype:
                raise Changed
            try:
                self._requests[place] = array
            except ValueError:
                # with gaps, e.g. a column of something wider
                self._requests[place] = np.ascontiguousarray(array)
        self.number = self._turn(operation, self._rows, 0, self._sent, seconds)
        # the worker may still write: copy once, look at the copy alone
        return self._numbers.copy()
