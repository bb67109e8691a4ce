"""In which style a user's function works: asked on real rows, in batches that look like no axis of them."""

from __future__ import annotations

import copy
import dataclasses
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import RewardValueError
from rewardwrap.core.info import Info, ListInfo
from rewardwrap.core.transitions import FloatArray, Transitions

Row: TypeAlias = tuple[Any, ...]
SMALLEST = 5
"""Lanes of the smallest batch that is tried."""
RTOL, ATOL = 1e-3, 1e-4
"""Two ways to compute in float32 may differ by so much, relative to a value and to the largest one."""
HOW = (
    "Write obs[:, 0] and reduce with axis=-1 for a batch, or obs[0] for one observation; np.where for if, "
    'np.sin for math.sin. each="row" or each="batch" says which.'
)


CURES: tuple[tuple[type[Exception], str, str], ...] = (
    (ValueError, "truth value", "Write np.where(condition, a, b) for if, & for and, | for or."),
    (TypeError, "0-dimensional|length-1|size-1", "Write np.sin for math.sin: it takes a batch."),
    (IndexError, "out of bounds", "The first is obs[0]; env.observation_space says how many there are."),
    (IndexError, "only integers", "Read numbers by place, obs[0], or a named one with rw.Field."),
    (KeyError, "", "Read a part by a key of the observation: env.observation_space has them."),
    (IndexError, "too many indices", HOW),
)  # fmt: skip
"""Kind of error, what it says, and the way out."""
AGAIN = "Correct it there; it can be called alone, on env.observation_space.sample()."


@dataclass(frozen=True)
class Verdict:
    """The styles that a function works in; in both means that they agree."""

    batch: bool
    row: bool


class Unfit(Exception):
    """What a function returned instead of numbers, and the way out."""

    def __init__(self, got: str, cure: str) -> None:
        super().__init__(got)
        self.cure = cure


@dataclass(frozen=True)
class _Miss:
    """What was got in one style, the way out, and what was raised, if anything was."""

    got: str
    cure: str
    error: BaseException | None = None


class Examined(Protocol):
    """What `examine` must know of a function."""

    subject: str
    each: Any

    @property
    def hint(self) -> str: ...

    def call(self, arguments: Row) -> Any: ...
    def place(self, error: BaseException) -> str: ...


def cure_of(error: BaseException) -> str:
    """The way out of what a function raised."""
    for kind, said, cure in CURES:
        if isinstance(error, kind) and re.search(said, str(error)):
            return cure
    return AGAIN


def numbers(value: Any, shape: tuple[int, ...]) -> FloatArray:
    """What a function returned as float64 of a shape; a last axis of one is dropped.

    Raises:
        Unfit: It is anything else.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if value is None:
        raise Unfit("None", "Return a value.")
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], Mapping):
        raise Unfit(
            "a pair of a value and a dict", "Return the value alone; a term has its own name."
        )
    try:
        array = np.asarray(value)
    except ValueError:
        raise Unfit(f"{type(value).__name__} of mixed shapes", HOW) from None
    if array.dtype.kind not in "biuf":
        kinds = {"O": "objects", "U": "text", "S": "bytes", "c": "complex numbers"}
        said = kinds.get(array.dtype.kind, str(array.dtype))
        raise Unfit(said, "It must return numbers: return a float array.")
    if array.shape == (*shape, 1) or (array.size == 1 and shape in ((), (1,))):
        array = array.reshape(shape)
    if array.shape != shape:
        raise Unfit(str(array.shape), HOW)
    return np.array(array, np.float64)


def examine(function: Examined, rows: Sequence[Row]) -> Verdict:
    """Find the style of a function, and refuse one that is not a function of each row alone.

    Args:
        function: What to call.
        rows: Some real rows: bare observations, numbers, and info as a mapping proxy.

    Raises:
        RewardValueError: It works in no style, draws numbers, or mixes rows.
    """
    with warnings.catch_warnings():
        # the same call is made again for real, and warns there
        warnings.simplefilter("ignore")
        lanes = list(islice((n for n in count(SMALLEST) if n not in _axes(rows)), 2))
        together, why_batch = _tried(
            lambda: _by_batch(function, rows, lanes), function, function.each != "row"
        )
        alone, why_row = _tried(lambda: _by_row(function, rows), function, function.each != "batch")
        if together is not None:
            ones = [_batch(function, [row], 1) for row in rows]
            _require_same(function, together, np.concatenate(ones), lanes[0])
    if together is None and alone is None:
        raise _refused(function, lanes[0], why_batch, why_row)
    agree = together is not None and alone is not None and _same(together, alone)
    return Verdict(
        batch=together is not None, row=alone is not None and (agree or together is None)
    )


def _tried(
    ask: Callable[[], FloatArray], function: Examined, wanted: bool
) -> tuple[FloatArray | None, _Miss | None]:
    """One value for each row, or what was got instead; nothing where it was not asked."""
    if not wanted:
        return None, None
    try:
        return ask(), None
    except Unfit as unfit:
        return None, _Miss(str(unfit), unfit.cure)
    except RewardValueError as error:
        cause = error.__cause__
        if cause is None or "read-only" in str(cause):
            raise
        said = f"{type(cause).__name__}: {cause}{function.place(cause)}"
        return None, _Miss(said, cure_of(cause), cause)


def _by_batch(function: Examined, rows: Sequence[Row], lanes: Sequence[int]) -> FloatArray:
    """One value for each row, from batches of two sizes."""
    first = _batch(function, rows, lanes[0])
    _require_certain(function, first, _batch(function, rows, lanes[0]))
    other = _batch(function, rows, lanes[1])[: len(rows)]
    _require_same(function, first[: len(rows)], other, lanes[0])
    return first[: len(rows)]


def _by_row(function: Examined, rows: Sequence[Row]) -> FloatArray:
    """One value for each row, from the row itself."""
    first, again = (
        np.array([numbers(_kept(function, row), ()) for row in rows], np.float64) for _ in range(2)
    )
    _require_certain(function, first, again)
    return first


def _batch(function: Examined, rows: Sequence[Row], lanes: int) -> FloatArray:
    """The function of the rows, over and over until there are ``lanes``."""
    filled = [rows[i % len(rows)] for i in range(lanes)]
    return numbers(_kept(function, tuple(map(_stacked, zip(*filled, strict=True)))), (lanes,))


def _stacked(column: Sequence[Any]) -> Any:
    if isinstance(column[0], MappingProxyType):
        return ListInfo(column)
    if isinstance(column[0], Transitions):
        return joined(column)
    return tree.stack(list(column))


def joined(rows: Sequence[Transitions]) -> Transitions:
    """Batches of one lane side by side."""
    names = ("obs", "action", "next_obs", "reward", "terminated", "truncated", "first")
    columns = {
        name: tree.map_leaves(
            lambda *leaves: np.concatenate(leaves), *(getattr(row, name) for row in rows)
        )
        for name in names
    }
    info, before = ([getattr(r, n).row(0) for r in rows] for n in ("info", "info_before"))
    return dataclasses.replace(
        rows[0], **columns, info=ListInfo(info), info_before=ListInfo(before), terms={}
    )


def _kept(function: Examined, arguments: Row) -> Any:
    """What the function returns, if it left its arguments alone; tensors can write through a view."""
    before = copy.deepcopy(_arrays(arguments))
    value = function.call(arguments)
    same = (
        np.asarray(one).tobytes() == np.asarray(other).tobytes()
        for one, other in zip(before, _arrays(arguments), strict=True)
    )
    if not all(same):
        raise RewardValueError(
            f"{function.subject} must leave its arguments alone, got a write into them. "
            "They are the agent's own: copy first, e.g. obs = obs.copy()."
        )
    return value


def _axes(rows: Sequence[Row]) -> set[int]:
    return {n for leaf in _arrays(rows[0]) for n in np.shape(leaf)}


def _arrays(arguments: Row) -> list[Any]:
    """Every array that a function is given, and every number."""
    found: list[Any] = []
    for argument in arguments:
        if isinstance(argument, Transitions):
            argument = (argument.obs, argument.action, argument.next_obs, argument.reward)
        if not isinstance(argument, MappingProxyType | Info):
            found += tree.leaves(argument)
    return found


def _same(one: FloatArray, other: FloatArray) -> bool:
    finite = np.abs(one[np.isfinite(one)])
    scale = finite.max(initial=0.0)
    return bool(np.allclose(one, other, rtol=RTOL, atol=ATOL * scale, equal_nan=True))


def _require_certain(function: Examined, first: FloatArray, again: FloatArray) -> None:
    if not np.array_equal(first, again, equal_nan=True):
        i = int(np.flatnonzero(first != again)[0])
        raise RewardValueError(
            f"{function.subject} must pay the same for the same step, got {first[i]:g} and then "
            f"{again[i]:g}. Draw noise with rw.Gaussian, rw.Flip or rw.Dropout, or write a class that "
            "says stochastic = True; see rw.register."
        )


def _require_same(function: Examined, together: FloatArray, alone: FloatArray, lanes: int) -> None:
    if not _same(together, alone):
        i = int(np.argmax(~np.isclose(together, alone, rtol=RTOL, atol=0.0)))
        raise RewardValueError(
            f"{function.subject} must pay a lane the same, alone or beside others, got "
            f"{together[i]:g} in a batch of {lanes} and {alone[i]:g} in another. "
            "Reduce over the last axes alone, axis=-1; if it is a function of one observation, say "
            'each="row".'
        )


def _refused(
    function: Examined, lanes: int, batch: _Miss | None, row: _Miss | None
) -> RewardValueError:
    """One sentence for a function that works in no style: about the style that is meant, where it shows."""
    tried = [(batch, f" from a batch of {lanes}"), (row, " from one row")]
    if batch and row and batch.error and row.error:
        # obs[:, 0] of one row is what a function of batches does
        tried.pop(1 if "too many indices" in str(row.error) else 0)
    got = [f"{miss.got}{style}" for miss, style in tried if miss]
    wrong = next((m for m, _ in tried if m and not m.error and m.cure != HOW), None)
    if wrong or (batch and row and batch.got == row.got):
        # what it returns is wrong in any style
        got = [(wrong or batch).got]  # type: ignore[union-attr]
    cures = [wrong.cure] if wrong else [miss.cure for miss, _ in tried if miss]
    return RewardValueError(
        f"{function.subject} must return one number per lane of a batch, or one number for one row, "
        f"got {' and '.join(got)}. {function.hint or min(cures, key=len)}"
    )
