"""From what reward code returned to columns of numbers, and the probe of a new reward. Runs in the worker.

Honest mistakes are found here, where a sentence can name the line; nothing that these checks let through
is trusted outside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rewardwrap.sandbox.state import changed
from rewardwrap.sandbox.views import NamedArray, Views

Result = list[np.ndarray[Any, Any]]
LAW = 1e-6
"""Relative tolerance of the batch law: sums of other shapes round differently, in float32 above all."""

KEEPS = "a reward must keep nothing between calls, got a list or dict of its module that changed"
PROBED = 8
"""Rows that are compared one by one."""


_FLOAT, _DENSE, _Array = np.dtype(np.float64), (8,), np.ndarray


class BadOutput(Exception):
    """What the code returned is no reward."""


class StateKept(BadOutput):
    """It pays differently for the same rows."""


class Judged:
    """Calls reward code and turns what it returns into ``1 + k`` columns.

    Args:
        function: The code's ``reward``.
        names: Components in the order of the columns.
        kept: Lists and dicts that no call may change; see `rewardwrap.sandbox.state`.
        sums: Whether the components must add up to the total; else the difference is recorded outside.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        names: Sequence[str],
        kept: Sequence[Any] = (),
        *,
        sums: bool = True,
    ) -> None:
        self.sums = sums
        self.kept = list(kept)
        self.function = function
        self.names = tuple(names)
        self.by_row = False
        self.probed = 0

    def paid(self, views: Views, rows: int) -> Sequence[Any]:
        """Buffers that hold ``(1 + k, rows)`` float64, one after the other."""
        if rows > 2 * self.probed and self.probed < PROBED:
            self.probe(views, rows)
        if not self.by_row:
            result = self.function(*views.batch(rows))
            if self.kept and changed(self.kept):
                raise StateKept(KEEPS)
            return self._plain(result, rows) or (self._numbers(result, rows),)
        out = np.empty((1 + len(self.names), rows))
        for i in range(rows):
            self._fill(out[:, i : i + 1], self.function(*views.row(rows, i)), None)
        if changed(self.kept):
            raise StateKept(KEEPS)
        return (out,)

    def _plain(self, result: Any, rows: int) -> Sequence[Any]:
        """The arrays as they were returned, where each is what it nearly always is; else nothing."""
        if result.__class__ is not tuple:
            values: Sequence[Any] = (result,)
        elif len(result) == 2 and result[1].__class__ is dict and tuple(result[1]) == self.names:
            values = (result[0], *result[1].values())
        else:
            return ()
        shape, found = (rows,), []
        for value in values:
            if value.__class__ is not _Array or value.shape != shape:
                return ()
            if value.dtype is not _FLOAT:
                if value.dtype.kind not in "fiub":
                    return ()
                value = value.astype(_FLOAT)
            elif value.strides != _DENSE:
                # a column of the observation lies with gaps
                value = value.copy()
            found.append(value)
        return found if len(found) == 1 + len(self.names) else ()

    def _numbers(self, result: Any, rows: int | None) -> Any:
        out = np.empty((1 + len(self.names), rows or 1))
        self._fill(out, result, rows)
        return out

    def _fill(self, out: Any, result: Any, rows: int | None) -> None:
        """One result into its columns; ``rows`` None means one row without a batch axis."""
        if result.__class__ is tuple and len(result) == 2:
            total, parts = result
        else:
            total, parts = result, None
        out[0] = _column(total, rows, "the reward", strict=True)
        if not self.names:
            if parts:
                raise BadOutput(
                    f"components must be declared, got {_listed(parts)}. "
                    'Pass components=("name", ...), or return a dict that is written out'
                )
            return
        self._require_names(parts)
        for at, name in enumerate(self.names, start=1):
            out[at] = _column(parts[name], rows, f"component {name!r}", strict=False)

    def _require_names(self, parts: Any) -> None:
        if parts.__class__ is not dict:
            raise BadOutput(
                f"it must return (total, components), got {type(parts).__name__} for the components"
            )
        if all(name in parts for name in self.names) and len(parts) == len(self.names):
            return
        if len(parts) != len(self.names):
            raise BadOutput(f"components must be {', '.join(self.names)}, got {_listed(parts)}")
        missing = next(name for name in self.names if name not in parts)
        raise BadOutput(f"component {missing!r} must be returned, got {_listed(parts)}")

    def probe(self, views: Views, rows: int) -> None:
        """Decide between batched and per-row code, and look for what breaks the contract.

        Raises:
            BadOutput: It differs from call to call, or its components do not add up.
        """
        shown = min(rows, PROBED)
        self.by_row = False
        try:
            values = self._steady(views, rows, shown)
            self._obey_the_law(views, rows, values)
        except StateKept:
            raise
        except Exception as error:
            values = self._by_row_or(error, views, rows, shown)
        self._adds_up(values)
        self.probed = max(self.probed, rows)

    def _steady(self, views: Views, rows: int, shown: int) -> Any:
        """What the first rows are paid, asked twice.

        Raises:
            StateKept: Not the same.
        """
        first, again = (self._values(views, rows, shown) for _ in range(2))
        if changed(self.kept):
            raise StateKept(KEEPS)
        if first.tobytes() != again.tobytes():
            raise StateKept(
                "a reward must be the same for the same input, got another number at the second call. "
                "It must keep nothing between calls and draw no random numbers"
            )
        return first

    def _obey_the_law(self, views: Views, rows: int, values: Any) -> None:
        shown = values.shape[1]
        ones = [self._of(views.part(rows, slice(i, i + 1)), 1) for i in range(shown)]
        lawful = _same(values, np.concatenate(ones, axis=1))
        if lawful and rows == 1:
            lawful = self._tells_rows_apart(views, values)
        if not lawful:
            raise BadOutput(
                "row i of a batch must be paid what the row alone is paid, got another number. "
                "Reduce over the last axis, e.g. np.sum(x, axis=-1), and use no statistics of the batch"
            )

    def _tells_rows_apart(self, views: Views, one: Any) -> bool:
        """Whether a batch of one row, given twice, is paid twice: one row alone shows nothing."""
        twice = views.part(1, np.array([0, 0]))
        return _same(np.repeat(one, 2, axis=1), self._of(twice, 2))

    def _by_row_or(self, error: Exception, views: Views, rows: int, shown: int) -> Any:
        """What the rows are paid one by one, or the error of the batch if that fails too."""
        self.by_row = True
        try:
            return self._steady(views, rows, shown)
        except StateKept:
            raise
        except Exception:
            self.by_row = False
            raise error from None

    def _values(self, views: Views, rows: int, shown: int) -> Any:
        if self.by_row:
            found = [self._of(views.part(rows, i), None) for i in range(shown)]
            return np.concatenate(found, axis=1)
        return self._of(views.part(rows, slice(0, shown)), shown)

    def _of(self, arguments: Any, rows: int | None) -> Any:
        return self._numbers(self.function(*arguments), rows)

    def _adds_up(self, values: Any) -> None:
        if not self.names or not self.sums:
            return
        total, parts = values[0], values[1:].sum(axis=0)
        scale = 1e-6 + LAW * np.abs(values).max(axis=0)
        wrong = np.flatnonzero(~(np.abs(total - parts) <= scale) & np.isfinite(total + parts))
        if len(wrong):
            row = wrong[0]
            raise BadOutput(
                f"components must add up to the reward, got {parts[row]:.6g} and {total[row]:.6g}. Put the "
                'weight into the component, e.g. {"speed": 2.0 * speed}, and return their sum'
            )


def _same(one: Any, other: Any) -> bool:
    if one.shape != other.shape:
        return False
    return bool(np.allclose(one, other, rtol=LAW, atol=1e-9, equal_nan=True))


def _column(value: Any, rows: int | None, subject: str, *, strict: bool) -> Any:
    """The value as numbers of the right shape; only plain arrays and numbers count."""
    kind = value.__class__
    if kind is np.ndarray or kind is NamedArray:
        if value.dtype.kind not in "fiub":
            raise BadOutput(f"{subject} must be real numbers, got {value.dtype}")
        shape = value.shape
        if rows is None and shape in ((), (1,)):
            return value.reshape(())
        if rows is not None and (shape == (rows,) or (shape == () and not strict)):
            return value
        raise BadOutput(f"{subject} must have shape {_shape(rows)}, got {shape}")
    if kind in (float, int, bool) or isinstance(value, np.floating | np.integer | np.bool_):
        # a component that is one constant is the same for every row; the reward itself must say so
        if rows is None or not strict:
            return value
        raise BadOutput(f"{subject} must have shape {_shape(rows)}, got one number")
    raise BadOutput(f"{subject} must be numbers of shape {_shape(rows)}, got {kind.__name__}")


def _shape(rows: int | None) -> str:
    return "()" if rows is None else f"({rows},)"


def _listed(parts: Any) -> str:
    if parts.__class__ is not dict:
        return type(parts).__name__
    return ", ".join(str(k)[:40] for k in list(parts)[:8] if k.__class__ is str) or "none"
