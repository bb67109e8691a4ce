"""A user's function, called the way it means to be called: with a batch, or with one row.

Two styles are common. *Batch*: ``obs[:, 0]``, one number for each of B lanes. *Row*, the style of
Gymnasium's users: ``obs[0]``, one observation in, one number out. With as many lanes as an observation has
numbers the two cannot be told apart by their shapes, so a function is examined on real rows, stacked into
batches of sizes that no axis of them has (`core.probe`), and called in the style that it turned out to have.

What it is given are read-only views: it cannot change what the agent sees.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError, RewardValueError, RewardwrapError
from rewardwrap.core.info import FilledInfo, Info, LaneInfo
from rewardwrap.core.probe import Row, Unfit, Verdict, examine, numbers
from rewardwrap.core.signature import COLUMNS, WHOLE, Signature, line_of, where
from rewardwrap.core.transitions import FloatArray, Transitions, take

Each: TypeAlias = Literal["row", "batch"] | None

EXAMINED: tuple[int, ...] = (0, 1, 3, 7, 15)
"""Calls on which a function is examined anew, with the rows seen so far."""
NUMBERS = (float, np.float64, np.float32)
SEEN = 4
"""Rows that are kept for it."""
RAISED = (
    ArithmeticError, AssertionError, AttributeError, LookupError,
    NameError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What a function may raise that becomes a sentence."""


def user_functions(node: object) -> list[UserFunction]:
    """Functions of a user that a reward holds itself."""
    return [held for held in vars(node).values() if isinstance(held, UserFunction)]


def require_each(owner: Any) -> None:
    """Refuse another style than ``"row"``, ``"batch"`` and None.

    Raises:
        ConfigError: It is another.
    """
    if owner.each not in (None, "row", "batch"):
        raise ConfigError(
            f'{type(owner).__name__}: each must be "row", "batch" or None, got {owner.each!r}. '
            "None finds out."
        )


class UserFunction:
    """A function that somebody brought, made safe to call for a batch and for one row.

    Args:
        function: What they brought.
        signature: The columns that it takes.
        subject: What errors call it, such as ``"Potential: phi"``.
        each: ``"row"`` or ``"batch"`` says the style outright; None finds out.

    Attributes:
        one: What `row` is by now; text of a lane looks it up anew at every step.
    """

    def __init__(
        self, function: Callable[..., Any], signature: Signature, subject: str, each: Each = None
    ) -> None:
        whole = signature.columns == (WHOLE,)
        self.function, self.signature = function, signature
        self.each: Each = "batch" if whole and each is None else each
        self.subject = f"{subject} {where(function)}"
        self._examined, self._at = 0, EXAMINED
        self._seen: list[Row] = []
        self._verdict = Verdict(batch=self.each == "batch", row=self.each == "row")
        self._single = len(signature.columns) == 1 and not (whole or signature.keywords)
        self._settled = False
        self.one: Callable[..., float] = self._asked

    def batch(self, columns: Row, lanes: int) -> FloatArray:
        """The function of every lane, ``(lanes,)`` float64.

        Args:
            columns: Arrays (or nested ones) of leading size ``lanes``, and readers of info.
            lanes: How many; it may be 0.
        """
        if self._settled and self._verdict.batch and columns[0].__class__ is np.ndarray and lanes:
            view: Any = columns[0][...]
            view.setflags(False)  # the keyword costs more than the call
            try:
                return one_per_lane(self.function(view), lanes, self.subject)
            except RewardwrapError:
                raise
            except RAISED as error:
                raise self._failed(error) from error
        if not lanes:
            return np.zeros(0)
        if self._settled and columns[0].__class__ is np.ndarray:
            return np.array([self.one(observed) for observed in columns[0]])
        if hasattr(columns[0], "native"):
            # lanes on a device: the function is given the tensors themselves
            device: FloatArray = type(columns[0])(self.function(*(c.native for c in columns)))
            return device
        if self._at:
            self._examine([row_of(columns, i) for i in range(min(lanes, SEEN))])
        if self._verdict.batch:
            filled = tuple(FilledInfo(c, lanes) if isinstance(c, Info) else c for c in columns)
            return one_per_lane(self.call(filled), lanes, self.subject)
        rows = (row_of(columns, i) for i in range(lanes))
        return np.array([self._number(self.call(row)) for row in rows], np.float64)

    def row(self, *row: Any) -> float:
        """The function of one lane: bare observations, numbers, and info as a dict."""
        return self.one(*row)

    def _asked(self, *row: Any) -> float:
        """`row`, with every question."""
        if self._at:
            self._examine([row])
        return self._finished(self.call(row if self._verdict.row else lifted(row)))

    def _settled_one(self) -> Callable[[Any], float]:
        """`row` of a function of one array that is known by now, without the questions."""
        function, where = self.function, ... if self._verdict.row else None

        def one(observed: Any) -> float:
            if observed.__class__ is not np.ndarray:
                return self._asked(observed)
            view: Any = observed[where]
            view.setflags(False)  # the keyword costs more than the call
            try:
                value = function(view)
            except RewardwrapError:
                raise
            except RAISED as error:
                raise self._failed(error) from error
            if value.__class__ is np.ndarray and value.size == 1:
                return value.item()  # type: ignore[no-any-return]
            return float(value) if value.__class__ in NUMBERS else self._finished(value)

        return one

    def _finished(self, value: Any) -> float:
        if self._verdict.row:
            return self._number(value)
        return float(one_per_lane(value, 1, self.subject)[0])

    def call(self, arguments: Row) -> Any:
        """What it returns, its arguments read-only; what it raises becomes a sentence."""
        given = [locked(argument) for argument in arguments]
        names = self.signature.keywords
        try:
            if not names:
                return self.function(*given)
            split = len(given) - len(names)
            return self.function(*given[:split], **dict(zip(names, given[split:], strict=True)))
        except RewardwrapError:
            raise
        except RAISED as error:
            raise self._failed(error) from error

    @property
    def hint(self) -> str:
        """What is most likely meant, where a function is given something else than it thinks."""
        if self.signature.columns != (WHOLE,):
            return ""
        return (
            f"Its parameter is given the whole batch: call it {', '.join(COLUMNS)} for one column."
        )

    def recheck(self) -> None:
        """Examine it anew from the next call on; `rw.check` asks."""
        self._examined, self._at, self._seen = 0, EXAMINED, []
        self._settled, self.one = False, self._asked

    def _examine(self, rows: Sequence[Row]) -> None:
        """Look at the style, now and on a few of the next calls, with rows that differ."""
        if len(self._seen) < SEEN:
            self._seen = [*self._seen, *map(_kept, rows)][:SEEN]
        if self._examined in self._at:
            self._verdict = examine(self, self._seen)
        self._examined += 1
        if self._examined > max(self._at):
            self._at, self._seen, self._settled = (), [], self._single
            if self._single and rows[0][0].__class__ is np.ndarray:
                self.one = self._settled_one()

    def _number(self, value: Any) -> float:
        try:
            return float(numbers(value, ()))
        except Unfit as unfit:
            raise RewardValueError(
                f"{self.subject} must return one number for one row, got {unfit}. {unfit.cure}"
            ) from None

    def _failed(self, error: Exception) -> RewardValueError:
        line = self.place(error)
        if "read-only" in str(error):
            return RewardValueError(
                f"{self.subject} must leave its arguments alone, got a write into them{line}. "
                "They are the agent's own: copy first, e.g. obs = obs.copy()."
            )
        return RewardValueError(
            f"{self.subject} must pay for every step, got {type(error).__name__}: {error}{line}. "
            "Mend it there; what it is given is documented at rw.function."
        )

    def place(self, error: BaseException) -> str:
        """`` in file:line``, the last line of the user's own that an error passed."""
        return line_of(self.function, error)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_seen", "one")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._seen = []
        self.one = self._settled_one() if self._settled else self._asked


def one_per_lane(value: Any, lanes: int, subject: str) -> FloatArray:
    """The value as ``(lanes,)`` float64, an array of its own.

    Raises:
        RewardValueError: Any other shape, or not numeric.
    """
    plain = value.__class__ is np.ndarray and value.dtype == np.float64
    if plain and value.shape == (lanes,) and value.flags.writeable:
        return value  # type: ignore[no-any-return]
    try:
        return numbers(value, (lanes,))
    except Unfit as unfit:
        raise RewardValueError(
            f"{subject} must return shape ({lanes},), one number per lane, got {unfit}. {unfit.cure}"
        ) from None


def locked(value: Any) -> Any:
    """The same value as a read-only view."""
    if value.__class__ is np.ndarray:
        view: Any = value.view()
        view.setflags(False)
        return view
    if value.__class__ is dict:
        return {key: locked(item) for key, item in value.items()}
    if value.__class__ is Transitions:
        seen = {n: locked(getattr(value, n)) for n in ("obs", "action", "next_obs", "reward")}
        return dataclasses.replace(value, **seen)
    if value.__class__ is tuple or value.__class__ is list:
        return tuple(locked(item) for item in value)
    return value


def _kept(row: Row) -> Row:
    return tuple(
        MappingProxyType(dict(a)) if isinstance(a, MappingProxyType) else copy.deepcopy(a)
        for a in row
    )


def row_of(columns: Row, i: int) -> Row:
    """Lane ``i`` of every column: bare observations, numbers, and info as a dict."""
    return tuple(_row(column, i) for column in columns)


def _row(column: Any, i: int) -> Any:
    if isinstance(column, Info):
        return column.row(i)
    return take(column, [i]) if column.__class__ is Transitions else tree.take(column, i)


def lifted(row: Row) -> Row:
    """One lane as a batch of one."""
    return tuple(LaneInfo(a) if isinstance(a, MappingProxyType) else tree.lift(a) for a in row)
