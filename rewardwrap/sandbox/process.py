"""The trainer's end: starts a worker, hands over batches, waits with a deadline, believes nothing.

What comes back is copied once and then checked, so that a worker that writes on cannot change it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rewardwrap.core.transitions import FloatArray
from rewardwrap.sandbox import layout, wires
from rewardwrap.sandbox.cores import SharedCore
from rewardwrap.sandbox.errors import SandboxError
from rewardwrap.sandbox.launch import started
from rewardwrap.sandbox.layout import ANSWER, HEAD, REQUEST, TEXT, Column, offsets
from rewardwrap.sandbox.sentences import told
from rewardwrap.sandbox.wires import Late, PipedWire, SealedWire

START_SECONDS = 60.0
"""A worker that has not locked itself by then never will; a loaded machine is no bug."""

BLOCK = 4 << 20
_pack, _unpack = REQUEST.pack_into, ANSWER.unpack_from


class Died(Exception):
    """A worker ended or broke the protocol.

    Args:
        signal: That ended it, 0 for none.
        said: How.
    """

    def __init__(self, said: str, signal: int = 0) -> None:
        super().__init__(said)
        self.signal = signal


class Changed(Exception):
    """Arrays that are not those that the worker was told of."""


class Process:
    """One worker process and the wire to it.

    Args:
        serves: ``"rewards"``, ``"readings"`` or ``"trials"``.
        memory: Bytes that it may use beyond what Python and numpy take.
        block: Size of each block of memory.
        skip: Layers to leave out; for the tests of the layers alone.

    Attributes:
        layers: What the worker locked, as it said before it saw any code.
    """

    def __init__(
        self,
        serves: str,
        *,
        memory: int = 512 << 20,
        block: int = BLOCK,
        skip: Sequence[str] = (),
    ) -> None:
        self.block = block
        self.owner = os.getpid()
        self.thread = threading.current_thread()
        self._sequence = 0
        # in its own module, where a test can force the other way
        confined = wires.confinable()
        wire = SealedWire(block) if confined else PipedWire(block)
        try:
            self.popen = started(wire.arguments, wire.inherited, piped=wire.piped)
        except BaseException:
            wire.discard()
            raise
        self.requests, self.answers = wire.requests, wire.answers
        self._core = SharedCore(self.popen.pid) if confined else None
        self.close = weakref.finalize(self, _ended, self.popen, wire.attach(self.popen), self.owner)
        self._turn = wire.turn
        boot = {"serves": serves, "memory": memory, "skip": list(skip), "confined": confined}
        self.layers: tuple[str, ...] = tuple(json.loads(self._booted(boot)))

    def _booted(self, boot: Mapping[str, Any]) -> str:
        try:
            return self.ask(layout.BOOT, boot, START_SECONDS)
        except (Died, Late) as error:
            self.close()
            raise SandboxError(
                f"a worker must start, got {error}. "
                f"Try {sys.executable} -I -S -c 'import sys' in a shell.",
                reason="crash",
            ) from error

    @property
    def pid(self) -> int:
        """Of the worker."""
        return self.popen.pid

    @property
    def usable(self) -> bool:
        """Alive as far as known, and started by this process, not by the one it was forked from."""
        return self.close.alive and self.owner == os.getpid()

    @property
    def orphaned(self) -> bool:
        """Whether the thread that started it has ended: the kernel ends the worker with it."""
        return not self.thread.is_alive()

    def ask(self, operation: int, content: Any, seconds: float) -> str:
        """Send JSON, return the text of the answer.

        Raises:
            Late: No answer in time.
            Died: The process ended, or answered what cannot be.
            SandboxError: The worker refused or the code raised.
        """
        text = json.dumps(content).encode()
        self.requests[HEAD : HEAD + len(text)] = text
        return self._text(self.turn(operation, 0, len(text), HEAD + len(text), seconds))

    def turn(self, operation: int, rows: int, length: int, sent: int, seconds: float) -> int:
        """Send what lies in the block of requests; returns the number in the head of the answer.

        Raises:
            Late: No answer in time.
            Died: The process ended, or answered what cannot be.
            SandboxError: The worker refused or the code raised.
        """
        self._sequence = asked = self._sequence + 1
        _pack(self.requests, 0, asked, operation, rows, length)
        if self._core is None or self._core.is_settled():
            alive = self._turn(sent, seconds)
        else:
            with self._core:
                alive = self._turn(sent, seconds)
        if not alive:
            raise self._death()
        sequence, status, said = _unpack(self.answers)
        if sequence != asked:
            raise Died("the answer to another question")
        if status != layout.DONE:
            if status not in layout.REASON_OF:
                raise Died("an answer that means nothing")
            raise told(status, self._text(said))
        number: int = said
        return number

    def _text(self, length: int) -> str:
        content = bytes(self.answers[HEAD : HEAD + min(length, TEXT)])
        return content.decode("utf-8", "replace")

    def _death(self) -> Died:
        code = self.popen.wait()
        if code >= 0:
            return Died(f"it left with exit code {code}")
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return Died(f"it was ended by {name}", -code)


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


def _ended(popen: subprocess.Popen[bytes], free: Callable[[], None], owner: int) -> None:
    """Kill, reap and close; does nothing in a process that was forked from the owner."""
    if os.getpid() != owner:
        popen.returncode = 0
        return
    with contextlib.suppress(ProcessLookupError):
        popen.kill()
    popen.wait()
    free()
