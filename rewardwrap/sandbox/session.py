"""One source at work: starts its worker when it is needed, sends batches in pieces, restarts once."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from weakref import WeakSet

import numpy as np

from rewardwrap.core.errors import RewardwrapWarning
from rewardwrap.core.transitions import FloatArray
from rewardwrap.sandbox import channel
from rewardwrap.sandbox.channel import HEAD, Column
from rewardwrap.sandbox.columns import Exchange
from rewardwrap.sandbox.errors import SandboxError
from rewardwrap.sandbox.isolation import require_tier
from rewardwrap.sandbox.process import BLOCK, Died, Process
from rewardwrap.sandbox.wires import Late

ROWS = 4096
"""Rows of one request: a deadline is for so many."""

LIMIT = 1e9
"""Largest reward or component, either sign."""

GRACE = 0.9
"""A call that is given a second chance may take so many seconds longer than its deadline."""

REFILL = 1_000
"""Good turns after which a worker that was replaced may be again: a week of training has two bad days."""

SIGSYS = 31

KEPT = 16
"""Numbers of rows that are remembered."""

T = TypeVar("T")


class Session:
    """A source, its worker, and what is known of both.

    Args:
        source: The code.
        components: Their names, in the order of the columns.
        deadline: Seconds for loading, and for each request of up to `ROWS` rows.
        memory: Bytes that it may use beyond what Python and numpy take.
        tier: The weakest isolation to accept.
        steady: Whether what the source keeps outside its functions is frozen.
        sums: Whether the components must add up to the total.
        keeps: Class and method, where the code is a class; rows then bring and take what lanes carry.
        skip: Layers to leave out; for the tests of the layers alone.
    """

    def __init__(
        self,
        source: str,
        components: Sequence[str] = (),
        *,
        deadline: float = 1.0,
        memory: int = 512 << 20,
        tier: str = "strong",
        steady: bool = False,
        sums: bool = True,
        keeps: tuple[str, str] | None = None,
        skip: Sequence[str] = (),
    ) -> None:
        self.source = source
        self.paid = 1 + len(components)
        self.width = self.paid + (channel.STATE // 8 if keeps else 0)
        self.keeps = keeps
        self.components = tuple(components)
        self.deadline = deadline
        self.memory = memory
        self.tier = tier
        self.steady = steady
        self.sums = sums
        self.skip = tuple(skip)
        self.restarts = 0
        self.by_row = False
        self._process: Process | None = None
        self._schema: tuple[Sequence[Column], Mapping[str, int]] | None = None
        self._sent: Any = None
        self._rows = 1
        self._exchanges: dict[int, Exchange] = {}
        self._starting = 0.0
        self._good = 0
        self._lock, self._owner = threading.RLock(), os.getpid()
        self._users: WeakSet[object] = WeakSet()

    @property
    def pid(self) -> int | None:
        """Of the worker, where one runs."""
        return self._process.pid if self._process is not None and self._process.usable else None

    def describe(self, columns: Sequence[Column], fields: Mapping[str, int]) -> None:
        """Say what batches look like from now on.

        Args:
            columns: The arrays of a batch.
            fields: Field name -> column of the flat observation that it is.
        """
        self._schema = (columns, fields)
        row = sum(-(-c.row_bytes // 64) * 64 for c in columns) or 64
        self._block = max(BLOCK, -(-(HEAD + row) // BLOCK) * BLOCK)
        room = (self._block - HEAD - 64 * len(columns)) // max(1, sum(c.row_bytes for c in columns))
        self._rows = max(1, min(ROWS, room, (self._block - HEAD) // (8 * self.width)))
        self._sent = None
        self._exchanges = {}

    @property
    def room(self) -> int:
        """Rows of one turn at most."""
        return self._rows

    def pay(self, arrays: Sequence[Any], rows: int) -> FloatArray:
        """``(1 + k, rows)``: the reward and its components; of a class, below them, what its lanes keep.

        Args:
            arrays: One for each column, ``(rows, ...)``, of its dtype.
            rows: How many.

        Raises:
            SandboxError: What stopped it.
            Changed: The arrays are not those of `describe`.
        """
        if rows <= self._rows:
            return self._guarded(self._piece, arrays, rows, channel.CALL)
        pieces = []
        for start in range(0, rows, self._rows):
            part = [array[start : start + self._rows] for array in arrays]
            count = min(self._rows, rows - start)
            pieces.append(self._guarded(self._piece, part, count, channel.CALL))
        return np.concatenate(pieces, axis=1)

    def probe(self, arrays: Sequence[Any], rows: int) -> FloatArray:
        """The same for at most `ROWS` rows, after checking the contract on them."""
        return self._guarded(self._piece, arrays, rows, channel.PROBE)

    def start(self) -> None:
        """Start the worker and load the source, unless that is done."""
        self._guarded(self._ready)

    def hold(self, user: object) -> None:
        """Note that someone is paid by it."""
        self._users.add(user)

    def drop(self, user: object) -> None:
        """Someone is paid by it no longer: the worker ends with the last one."""
        self._users.discard(user)
        if not self._users:
            self.close()

    def close(self) -> None:
        """End the worker, between two turns; the next batch starts another."""
        with self._turns():
            self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None
        self._sent = None
        self._exchanges = {}

    def _piece(
        self, seconds: float, arrays: Sequence[Any], rows: int, operation: int
    ) -> FloatArray:
        exchange = self._exchanges.get(rows)
        if exchange is None or exchange.owner != os.getpid():
            exchange = self._exchange(rows, seconds)
        flat = exchange(arrays, seconds, operation)
        if operation == channel.PROBE or self.keeps:
            self.by_row = bool(exchange.number)
        values = flat.reshape(self.width, rows)
        require_bounded(values[: self.paid], self.components)
        return values

    def _exchange(self, rows: int, seconds: float) -> Exchange:
        process = self._ready(seconds)
        assert self._schema is not None
        if len(self._exchanges) >= KEPT:
            self._exchanges.clear()
        made = self._exchanges[rows] = Exchange(process, self._schema[0], rows, self.width)
        return made

    def _ready(self, seconds: float) -> Process:
        """A worker that has loaded the source and knows the columns."""
        process, block = self._process, getattr(self, "_block", BLOCK)
        if process is None or not process.usable or process.block < block:
            self._end()
            began = time.monotonic()
            process = self._process = Process(
                "rewards", memory=self.memory, block=block, skip=self.skip
            )
            self._starting = time.monotonic() - began
            if not self.skip:
                require_tier(self.tier, process.layers, process.lacking)
            asked = {
                "source": self.source,
                "components": list(self.components),
                "steady": self.steady,
                "sums": self.sums,
                "keeps": self.keeps,
            }
            process.ask(channel.LOAD, asked, seconds)
        if self._schema is not None and self._sent is not self._schema:
            columns, fields = self._schema
            said = {"columns": [c.plain() for c in columns], "fields": dict(fields)}
            process.ask(channel.SCHEMA, said, seconds)
            self._sent, self._exchanges = self._schema, {}
        return process

    def _guarded(self, attempt: Callable[..., T], *given: Any) -> T:
        """One thread's turn after the other's: both would write into the same block."""
        with self._turns():
            try:
                return self._twice(attempt, *given)
            except (KeyboardInterrupt, SystemExit):
                # the answer still comes, and must not be taken for the next one's
                self._end()
                raise

    def _turns(self) -> threading.RLock:
        if self._owner != os.getpid():
            # forked: whichever thread held it is not here
            self._lock, self._owner = threading.RLock(), os.getpid()
        return self._lock

    def _twice(self, attempt: Callable[..., T], *given: Any) -> T:
        """Try, and once more with a fresh worker where the first was late or died."""
        began = time.monotonic()
        try:
            result = attempt(self.deadline, *given)
            if self.restarts:
                self._good += 1
                if self._good >= REFILL:
                    self.restarts = self._good = 0
            return result
        except (Late, Died) as error:
            # its traceback holds this frame: a cycle would keep the worker's memory
            failure = error.with_traceback(None)
        except SandboxError:
            if self._sent is None:
                self._end()
            raise
        self._end()
        if self.restarts or _forbidden(failure):
            raise self._stopped(failure)
        self.restarts, self._good = self.restarts + 1, 0
        left = self.deadline + GRACE - self._starting - (time.monotonic() - began)
        if left <= 0.0:
            raise self._stopped(failure)
        try:
            result = attempt(min(self.deadline, left), *given)
        except (Late, Died) as error:
            self._end()
            raise self._stopped(error) from None
        self._warn(failure)
        return result

    def _warn(self, failure: Late | Died) -> None:
        warnings.warn(
            f"reward code was restarted once, since {_how(failure, self.deadline)}. "
            f"Within {REFILL} turns the next time is an error; look for what takes so long on some inputs.",
            RewardwrapWarning,
            stacklevel=5,
        )

    def _stopped(self, failure: Late | Died) -> SandboxError:
        how = _how(failure, self.deadline)
        if isinstance(failure, Late):
            return SandboxError(
                f"reward code must answer within deadline={self.deadline:g} s, got no answer. "
                "Write whole-array numpy without endless loops, or raise the deadline.",
                reason="timeout",
            )
        if _forbidden(failure):
            return SandboxError(
                "reward code must not ask the system for anything, got a system call that the filter "
                f"kills for ({how}). It may compute with numpy: no files, processes, network or clock.",
                reason="syscall",
            )
        return SandboxError(
            f"reward code must not crash its process, got: {how}. "
            "Look for memory it writes past, or exits.",
            reason="crash",
        )

    def __getstate__(self) -> dict[str, Any]:
        # a worker belongs to the process that started it
        kept = {name: v for name, v in self.__dict__.items() if name not in ("_lock", "_users")}
        return {**kept, "_process": None, "_sent": None, "_exchanges": {}, "restarts": 0}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.RLock(), _users=WeakSet())


def _forbidden(failure: Late | Died) -> bool:
    return isinstance(failure, Died) and failure.signal == SIGSYS


def _how(failure: Late | Died, deadline: float) -> str:
    return f"there was no answer in {deadline:g} s" if isinstance(failure, Late) else str(failure)


def require_bounded(values: FloatArray, components: Sequence[str]) -> None:
    """Refuse NaN, infinity and what no learner can use.

    Raises:
        SandboxError: One of ``(1 + k, rows)`` is such a number.
    """
    # the sum of squares bounds every number, NaN and infinity fail it, and vdot never warns
    flat = values.reshape(-1)
    if np.vdot(flat, flat) <= LIMIT * LIMIT:
        return
    bad = np.argwhere(~(np.abs(values) <= LIMIT))
    if len(bad):
        column, row = bad[0]
        name = "reward" if column == 0 else f'component "{components[column - 1]}"'
        raise SandboxError(
            f"{name} must be finite and at most {LIMIT:g}, got {values[column, row]} in row {row}. "
            "Guard the division, the logarithm or the exponential that made it.",
            reason="output",
        )
