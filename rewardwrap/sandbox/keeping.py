"""Pays reward code that is a class: one object a lane, whose attributes come and go with each row.

Nothing stays here between calls. A row brings what its lane carries as bytes, an object is made of them, its
method pays, and what the object holds then goes back as bytes, which the trainer keeps and never reads. So
lanes cannot meet, a copy of a carry goes on alike, and a worker that is replaced forgets nothing. Runs in the
worker.
"""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from typing import Any

import numpy as np

from rewardwrap.sandbox.channel import STATE
from rewardwrap.sandbox.judging import KEEPS, PROBED, BadOutput, Judged, StateKept
from rewardwrap.sandbox.state import changed
from rewardwrap.sandbox.views import NamedArray, Views

GO_ON, ANEW, FOLLOW = range(3)
"""A row goes on from what it brings, begins an episode, or follows the row above it."""
ARRAY = b"array"
VERSION = 2
"""Of marshal: later ones write equal values differently, by how often they are referred to."""


class Keeping(Judged):
    """Calls the method of a fresh object for each row.

    Args:
        kind: The class.
        method: Its method that pays.
        names: Components in the order of the columns.
        kept: Lists and dicts that no call may change; see `rewardwrap.sandbox.state`.
        sums: Whether the components must add up to the total.
    """

    def __init__(
        self, kind: type, method: str, names: Sequence[str], kept: Sequence[Any], *, sums: bool
    ) -> None:
        super().__init__(getattr(kind, method), names, kept, sums=sums)
        self.kind = kind

    def paid(self, views: Views, rows: int) -> Sequence[Any]:
        """Buffers that hold ``(1 + k, rows)`` float64 and what each row keeps, ``STATE`` bytes."""
        if not self.probed:
            self.probe(views, rows)
        numbers, kept = self._along(views, rows, rows)
        return numbers, np.ascontiguousarray(kept.view(np.float64).T)

    def probe(self, views: Views, rows: int) -> None:
        """Find out whether rows come as batches of one or without a batch axis; ask the first ones twice.

        Raises:
            StateKept: The same rows, with the same kept before them, are paid or kept differently.
        """
        shown = min(rows, PROBED)
        self.by_row = False
        try:
            first = self._along(views, rows, shown)
        except StateKept:
            raise
        except Exception as error:
            self.by_row = True
            try:
                first = self._along(views, rows, shown)
            except StateKept:
                raise
            except Exception as second:
                # whose result had the wrong shape was meant for one row
                self.by_row = isinstance(error, BadOutput)
                raise second if self.by_row else error from None
        again = self._along(views, rows, shown)
        if any(a.tobytes() != b.tobytes() for a, b in zip(first, again, strict=True)):
            raise StateKept(
                "a reward must be the same for the same input and the same kept, got another number at the "
                "second call. It must keep what it needs in self, and draw no random numbers"
            )
        self._adds_up(first[0])
        self.probed = max(self.probed, rows)

    def _along(self, views: Views, rows: int, shown: int) -> tuple[Any, Any]:
        """The first rows, one after the other: ``(1 + k, shown)`` and ``(shown, STATE)`` bytes."""
        numbers = np.empty((1 + len(self.names), shown))
        kept = np.zeros((shown, STATE), np.uint8)
        before, ways = views.kept(rows)
        for i in range(shown):
            way = int(ways[i])
            came = kept[i - 1] if way == FOLLOW and i else before[i]
            lane = self._begun() if way == ANEW else self._again(came)
            result = self.function(lane, *views.row(rows, i, axis=not self.by_row))
            if self.kept and changed(self.kept):
                raise StateKept(KEEPS)
            self._fill(numbers[:, i : i + 1], result, None if self.by_row else 1)
            written = _written(vars(lane))
            kept[i, : len(written)] = np.frombuffer(written, np.uint8)
        return numbers, kept

    def _begun(self) -> Any:
        lane = self.kind()
        if hasattr(lane, "reset"):
            lane.reset()
        return lane

    def _again(self, came: Any) -> Any:
        size = int.from_bytes(came[:4].tobytes(), "little")
        if not size:
            return self._begun()
        lane: Any = object.__new__(self.kind)
        vars(lane).update(_read(marshal.loads(came[4 : 4 + size].tobytes())))
        return lane


def _written(attributes: dict[str, Any]) -> bytes:
    """What an object holds, and how many bytes that takes.

    Raises:
        BadOutput: It holds what is no number, text, array, or list, tuple or dict of them, or too much.
    """
    content = marshal.dumps({n: _plain(f"self.{n}", v) for n, v in attributes.items()}, VERSION)
    if len(content) > STATE - 4:
        raise BadOutput(
            f"what a lane keeps must take at most {STATE - 4} bytes, got {len(content)} in "
            f"{', '.join(f'self.{name}' for name in attributes)[:200]}. Keep a sum, a mean or the last few "
            "steps, not all of them"
        )
    return len(content).to_bytes(4, "little") + content


def _plain(subject: str, value: Any) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if isinstance(value, NamedArray):
        raise BadOutput(
            f"{subject} must be a plain array, got an observation with named fields. "
            "Keep np.array(next_obs), or the fields that are needed"
        )
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiubU":
        return (ARRAY, value.dtype.str, value.shape, value.tobytes(), kind is np.ndarray)
    if kind in (list, tuple):
        return kind(_plain(subject, item) for item in value)
    if kind is dict and all(type(name) in (str, int) for name in value):
        return {name: _plain(subject, item) for name, item in value.items()}
    raise BadOutput(
        f"{subject} must be a number, text, an array, or a list or dict of them, got {kind.__name__}: "
        "it is kept from step to step as plain data"
    )


def _read(value: Any) -> Any:
    kind = type(value)
    if kind is tuple and len(value) == 5 and value[0] == ARRAY:
        array = np.frombuffer(value[3], value[1]).reshape(value[2]).copy()
        return array if value[4] else array[()]
    if kind in (list, tuple):
        return kind(map(_read, value))
    return {name: _read(item) for name, item in value.items()} if kind is dict else value
