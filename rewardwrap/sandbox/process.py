"""The trainer's end: starts a worker, hands over batches, waits with a deadline, believes nothing.

The trainer is never forked: a worker is a fresh interpreter without site, user paths, environment or open
files. What comes back is copied once and then checked, so that a worker that writes on cannot change it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import mmap
import os
import select
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.sandbox import layout
from rewardwrap.sandbox.errors import SandboxError
from rewardwrap.sandbox.layout import ANSWER, HEAD, REQUEST, TEXT, Column

START_SECONDS = 60.0
"""A worker that has not locked itself by then never will; a loaded machine is no bug."""

BLOCK = 4 << 20
SEAL_SHRINK, SEAL_GROW, SEAL_FUTURE_WRITE, SEAL_SEAL, ADD_SEALS = 2, 4, 16, 1, 1033
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
PACKAGE = Path(__file__).parents[1]
BOOTSTRAP = """\
import sys, types
for name, path in (("rewardwrap", sys.argv[1]), ("rewardwrap.sandbox", sys.argv[1] + "/sandbox"),
                   ("rewardwrap.core", sys.argv[1] + "/core")):
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = [path]
sys.path.append(sys.argv[2])
from rewardwrap.sandbox.worker import main
sys.argv[:], arguments = [], sys.argv[3:]
main(arguments)
"""


_LIBC = ctypes.CDLL(None) if sys.platform.startswith("linux") else None


SUPPORTED = all(hasattr(os, name) for name in ("memfd_create", "eventfd", "pidfd_open"))


class Died(Exception):
    """A worker ended or broke the protocol.

    Args:
        signal: That ended it, 0 for none.
        said: How.
    """

    def __init__(self, said: str, signal: int = 0) -> None:
        super().__init__(said)
        self.signal = signal


class Late(Exception):
    """No answer before the deadline."""


class Process:
    """One worker process and the two blocks of memory shared with it.

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
        self._calls, self._at = 0, -1
        requests, answers = _memory("requests", block), _memory("answers", block)
        ask, reply = _event(), _event()
        try:
            self._in = mmap.mmap(requests, block)
            self._out = mmap.mmap(answers, block)
            # the worker can map requests for reading alone, and nobody can cut either block short
            _seal(requests, SEAL_SHRINK | SEAL_GROW | SEAL_FUTURE_WRITE | SEAL_SEAL)
            _seal(answers, SEAL_SHRINK | SEAL_GROW | SEAL_SEAL)
            self.popen = _started(requests, answers, ask, reply)
        except BaseException:
            os.close(ask)
            os.close(reply)
            raise
        finally:
            os.close(requests)
            os.close(answers)
        self._pidfd = os.pidfd_open(self.popen.pid)
        self._ask, self._reply = ask, reply
        self._numbers = np.frombuffer(self._out, np.float64)
        self._poll = select.poll()
        self._poll.register(reply, select.POLLIN)
        self._poll.register(self._pidfd, select.POLLIN)
        self.close = weakref.finalize(
            self, _ended, self.popen, (ask, reply, self._pidfd), self.owner
        )
        boot = {"serves": serves, "memory": memory, "skip": list(skip)}
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

    def ask(self, operation: int, content: Any, seconds: float) -> str:
        """Send JSON, return the text of the answer.

        Raises:
            Late: No answer in time.
            Died: The process ended, or answered what cannot be.
            SandboxError: The worker refused or the code raised.
        """
        text = json.dumps(content).encode()
        self._in[HEAD : HEAD + len(text)] = text
        self._go(operation, 0, len(text), seconds)
        status, length = self._head(bytes(self._out[:HEAD]))
        said = bytes(self._out[HEAD : HEAD + min(length, TEXT)]).decode("utf-8", "replace")
        if status != layout.DONE:
            raise told(status, said)
        return said

    def call(self, rows: int, width: int, seconds: float, operation: int) -> tuple[Any, int]:
        """Compute ``(width, rows)`` numbers from columns that lie in the block already."""
        self._calls += 1
        if self._calls & 15 == 1:
            self._follow()
        self._go(operation, rows, 0, seconds)
        # the worker may still write: copy once, look at the copy alone
        copied = self._numbers[: 8 + width * rows].copy()
        status, length = self._head(copied[:2].tobytes())
        if status != layout.DONE:
            text = bytes(self._out[HEAD : HEAD + min(length, TEXT)])
            raise told(status, text.decode("utf-8", "replace"))
        return copied[8:].reshape(width, rows), length

    def _follow(self) -> None:
        """Keep the worker on the trainer's core: both alternate, and waking another core costs 100 us."""
        core = _core()
        if core != self._at:
            self._at = core
            with contextlib.suppress(OSError):
                os.sched_setaffinity(self.popen.pid, {core})

    def view(self, column: Column, rows: int, at: int) -> np.ndarray[Any, Any]:
        """The column's place in the block of requests."""
        count = rows * math.prod(column.shape)
        return np.frombuffer(self._in, column.dtype, count, at).reshape(rows, *column.shape)

    def _go(self, operation: int, rows: int, length: int, seconds: float) -> None:
        self._sequence += 1
        REQUEST.pack_into(self._in, 0, self._sequence, operation, rows, length)
        os.eventfd_write(self._ask, 1)
        ready = self._poll.poll(math.ceil(seconds * 1000))
        if not ready:
            raise Late
        if len(ready) > 1 or ready[0][0] != self._reply:
            raise self._death()
        try:
            if os.eventfd_read(self._reply) != 1:
                raise Died("more than one answer to one question")
        except BlockingIOError:
            raise Died("an answer that it took back") from None

    def _head(self, head: bytes) -> tuple[int, int]:
        sequence, status, length = ANSWER.unpack_from(head)
        if sequence != self._sequence:
            raise Died("the answer to another question")
        if status != layout.DONE and status not in layout.REASON_OF:
            raise Died("an answer that means nothing")
        return status, length

    def _death(self) -> Died:
        code = self.popen.wait()
        if code >= 0:
            return Died(f"it left with exit code {code}")
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return Died(f"it was ended by {name}", -code)

    @property
    def usable(self) -> bool:
        """Alive as far as known, and started by this process, not by the one it was forked from."""
        return self.close.alive and self.owner == os.getpid()

    @property
    def orphaned(self) -> bool:
        """Whether the thread that started it has ended: the kernel ends the worker with it."""
        return not self.thread.is_alive()


def opened(
    serves: str, *, memory: int = 512 << 20, block: int = BLOCK, skip: Sequence[str] = ()
) -> Process:
    """Start a worker.

    Raises:
        SandboxError: This system has no sealed memory or no events: it is not Linux.
    """
    if not SUPPORTED:
        raise SandboxError(
            f"reward code must run on Linux, got {sys.platform}, where a process of its own would stop "
            "hangs and crashes but not hostile code. Export the reward as a function that you have read.",
            reason="gate",
        )
    return Process(serves, memory=memory, block=block, skip=skip)


def told(status: int, text: str) -> SandboxError:
    """The error for what a worker says; its text is untrusted."""
    number, _, said = text.partition("|")
    line = int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 0
    shown = clean(said) or "no sentence"
    where = f" in line {line}" if line else ""
    if status == layout.MEMORY:
        message = f"reward code must stay within its memory, got {shown}{where}. Raise memory_mb."
    elif status == layout.DENIED:
        message = (
            f"reward code must not ask the system for anything, got {shown}{where}. Use numpy."
        )
    elif status == layout.OUTPUT:
        message = f"reward code{where}: {shown}."
    elif status == layout.REFUSED:
        message = f"reward code must be Python, got {shown}{where}. Mend it."
    else:
        message = f"reward code must run, got {shown}{where}. {_cure(shown)}"
    reason: Any = layout.REASON_OF.get(status, "crash")
    return SandboxError(message, reason=reason, line=line or None)


def _cure(shown: str) -> str:
    if "read-only" in shown:
        return "Its arguments are read-only: copy first, e.g. x = np.array(obs)."
    if "out of bounds" in shown:
        return "Compare the index with the observation space; a batch has rows first: obs[:, i]."
    return "Mend that line."


def clean(text: str) -> str:
    """Untrusted text on one line: printable, without escapes, at most 500 characters."""
    flat = " ".join(text[:2000].split())
    return "".join(c for c in flat if c.isprintable())[:500].rstrip(".")


def _core() -> int:
    """The core that runs this."""
    return int(getattr(_LIBC, "sched_getcpu", int)() or 0)


def _memory(name: str, size: int) -> int:
    descriptor = os.memfd_create(f"rewardwrap-{name}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    return descriptor


def _event() -> int:
    return os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)


def _seal(descriptor: int, seals: int) -> None:
    import fcntl  # not on Windows

    fcntl.fcntl(descriptor, ADD_SEALS, seals)


def _started(*descriptors: int) -> subprocess.Popen[bytes]:
    environment = dict.fromkeys(ONE_THREAD, "1") | {"LC_ALL": "C.UTF-8"}
    if "LD_LIBRARY_PATH" in os.environ:
        # an interpreter of a module system may need it to start
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    packages = str(Path(np.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-B", "-c", BOOTSTRAP, str(PACKAGE), packages]
        + [str(d) for d in descriptors],
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=descriptors,
        close_fds=True,
        start_new_session=True,
    )


def _ended(popen: subprocess.Popen[bytes], descriptors: Sequence[int], owner: int) -> None:
    """Kill, reap and close; does nothing in a process that was forked from the owner."""
    if os.getpid() != owner:
        popen.returncode = 0
        return
    with contextlib.suppress(ProcessLookupError):
        popen.kill()
    popen.wait()
    for descriptor in descriptors:
        os.close(descriptor)
