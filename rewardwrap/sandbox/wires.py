"""Two ways to hand a batch to a worker and to wait for its answer with a deadline.

`SealedWire` is Linux's and fast: shared memory that the worker can only read, shared memory that nobody can
cut short, and events that cost two system calls on each side. `PipedWire` runs everywhere: the same bytes
go through two pipes, carried by a thread, so that neither a worker that does not read nor one that does
not write holds up the trainer.

Trainer and worker alternate, so `SealedWire` holds both on one core while a question is out. Waking another
core costs about 100 us in a virtual machine, and a scheduler that sees two tasks on one core moves the one
that wakes to an idle one, time and again. Where it does that, the trainer's thread is held on its core for
the length of a turn and the worker is brought there; afterwards the thread may go where it could. Where it
does not, a turn costs one look at the number of the core.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import mmap
import os
import queue
import select
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

from rewardwrap.sandbox.channel import ONE
from rewardwrap.sandbox.forks import Forked
from rewardwrap.sandbox.syscalls import EFD_NONBLOCK, event, memory_file, process_file

SEAL_SEAL, SEAL_SHRINK, SEAL_GROW, SEAL_FUTURE_WRITE, ADD_SEALS = 1, 2, 4, 16, 1033
MASK = 128
"""Bytes of a set of cores: 1 024 cores."""

HELD = 256
"""Turns to hold after the trainer was found on another core, before trying again without."""

Carried = queue.SimpleQueue[bytes | None]


class Late(Exception):
    """No answer before the deadline."""


class SharedCore:
    """A context in which the calling thread and the worker share a core.

    Args:
        worker: Its process id. Linux alone.
    """

    __slots__ = ("_allowed", "_core", "_here", "_left", "_libc", "_masks", "_worker")

    def __init__(self, worker: int) -> None:
        # keeps the interpreter lock: these calls are shorter than giving it back
        self._libc = ctypes.PyDLL(None)
        self._here = self._libc.sched_getcpu
        self._worker, self._core, self._left = worker, -1, 0
        self._allowed = ctypes.create_string_buffer(MASK)
        self._masks: dict[int, Any] = {}

    def is_settled(self) -> bool:
        """Whether the trainer stayed where it was, and has for a while."""
        core = self._here()
        if core != self._core:
            self._core, self._left = core, HELD
            with contextlib.suppress(OSError):
                os.sched_setaffinity(self._worker, {core})
            return False
        if self._left:
            self._left -= 1
            return False
        return True

    def __enter__(self) -> None:
        # read every time: whoever pins the trainer in between must find it so afterwards
        self._libc.sched_getaffinity(0, MASK, self._allowed)
        self._libc.sched_setaffinity(0, MASK, self._mask())

    def __exit__(self, *error: object) -> None:
        self._libc.sched_setaffinity(0, MASK, self._allowed)

    def _mask(self) -> Any:
        mask = self._masks.get(self._core)
        if mask is None:
            bits = bytearray(MASK)
            bits[self._core // 8] |= 1 << self._core % 8
            mask = self._masks[self._core] = ctypes.create_string_buffer(bytes(bits), MASK)
        return mask


class SealedWire:
    """Sealed memory, two events and the worker's death, watched by one epoll.

    Answers are announced by edges, so the event is never read back: an answer too many shows as the wrong
    sequence number.

    Attributes:
        requests: Block that the trainer writes.
        answers: Block that the trainer reads.
        inherited: Descriptors that the worker gets.
        piped: Whether its standard input and output are the wire.
    """

    piped = False

    def __init__(self, block: int) -> None:
        with contextlib.ExitStack() as undo:
            requests, answers = (_memory(name, block) for name in ("requests", "answers"))
            self._blocks = (requests, answers)
            for descriptor in self._blocks:
                undo.callback(os.close, descriptor)
            self.requests = mmap.mmap(requests, block)
            self.answers = mmap.mmap(answers, block)
            # the worker can map requests for reading alone, and nobody can cut either block short
            _seal(requests, SEAL_SHRINK | SEAL_GROW | SEAL_FUTURE_WRITE | SEAL_SEAL)
            _seal(answers, SEAL_SHRINK | SEAL_GROW | SEAL_SEAL)
            # the worker sleeps in a read of the one, and must never sleep in a write of the other
            self._ask = event()
            undo.callback(os.close, self._ask)
            self._reply = event(EFD_NONBLOCK)
            undo.callback(os.close, self._reply)
            self.inherited = (requests, answers, self._ask, self._reply)
            self._undo = undo.pop_all()

    def attach(self, popen: subprocess.Popen[bytes] | Forked) -> Callable[[], None]:
        """Watch over this worker; returns what frees everything once it has ended."""
        for descriptor in self._blocks:
            os.close(descriptor)
        self._undo.pop_all()
        ended = process_file(popen.pid)
        watch = select.epoll()
        watch.register(self._reply, select.EPOLLIN | select.EPOLLET)
        watch.register(ended, select.EPOLLIN)
        self.turn = _sealed_turn(self._ask, self._reply, watch, SharedCore(popen.pid))
        return functools.partial(_freed, watch, (self._ask, self._reply, ended))

    def discard(self) -> None:
        """Free everything where no worker could be started."""
        self._undo.close()


def _sealed_turn(
    ask: int, reply: int, watch: Any, core: SharedCore
) -> Callable[[int, float], bool]:
    """A turn with everything at hand, since a look-up less counts here.

    It hands over the first ``sent`` bytes of requests and waits; False where the worker ended, `Late` where
    nothing came.
    """
    write, wait, answered = os.write, watch.poll, [(reply, select.EPOLLIN)]

    def turn(sent: int, seconds: float) -> bool:
        if core.is_settled():
            write(ask, ONE)
            ready = wait(seconds, 1)
        else:
            with core:
                write(ask, ONE)
                ready = wait(seconds, 1)
        if not ready:
            raise Late
        return bool(ready == answered)

    return turn


class PipedWire:
    """The same over standard input and output."""

    piped = True
    inherited: tuple[int, ...] = ()

    def __init__(self, block: int) -> None:
        self.requests = mmap.mmap(-1, block)
        self.answers = mmap.mmap(-1, block)
        self.arguments = ("pipes", str(block))
        self._asked: Carried = queue.SimpleQueue()
        self._answered: Carried = queue.SimpleQueue()

    def attach(self, popen: subprocess.Popen[bytes] | Forked) -> Callable[[], None]:
        assert isinstance(popen, subprocess.Popen)
        assert popen.stdin is not None
        assert popen.stdout is not None
        ends = popen.stdin, popen.stdout
        queues = self._asked, self._answered
        thread = threading.Thread(
            target=_carry, args=(*ends, *queues, len(self.answers)), daemon=True
        )
        thread.start()
        return functools.partial(_hung_up, thread, *ends, self._asked)

    def discard(self) -> None:
        """Nothing is open yet."""

    def turn(self, sent: int, seconds: float) -> bool:
        self._asked.put(self.requests[:sent])
        answer: bytes | None = b""
        with contextlib.suppress(queue.Empty):
            answer = self._answered.get(timeout=seconds)
        if answer is None:
            return False
        if not answer:
            # outside the handler: a chained error would hold the frames, and they the worker's memory
            raise Late
        self.answers[: len(answer)] = answer
        return True


def _carry(to: IO[bytes], back: IO[bytes], asked: Carried, answered: Carried, limit: int) -> None:
    """Bring requests there and answers back until one end is closed."""
    with contextlib.suppress(OSError, ValueError):
        while (request := asked.get()) is not None:
            to.write(len(request).to_bytes(8, "little"))
            to.write(request)
            to.flush()
            size = back.read(8)
            if len(size) < 8 or int.from_bytes(size, "little") > limit:
                break
            answer = back.read(int.from_bytes(size, "little"))
            if len(answer) < int.from_bytes(size, "little"):
                break
            answered.put(answer)
    answered.put(None)


def _hung_up(thread: threading.Thread, to: IO[bytes], back: IO[bytes], asked: Carried) -> None:
    asked.put(None)
    # the worker is dead: whatever the thread waits for has come to its end
    thread.join()
    for end in (to, back):
        with contextlib.suppress(OSError):
            end.close()


def _freed(watch: Any, descriptors: tuple[int, ...]) -> None:
    watch.close()
    for descriptor in descriptors:
        os.close(descriptor)


def confinable() -> bool:
    """Whether this system has sealed memory, events and watched processes."""
    return not lacking()


@functools.cache
def lacking() -> str:
    """Why this system has no wall, tried out once: the system, or the call that its kernel refuses."""
    if not sys.platform.startswith("linux"):
        return f"the wall is Linux's, this is {sys.platform}"
    try:
        SealedWire(mmap.PAGESIZE).discard()
        os.close(process_file(os.getpid()))
    except OSError as error:
        # an old kernel, or a container that forbids them
        return str(error.strerror)
    return ""


def _memory(name: str, size: int) -> int:
    descriptor = memory_file(f"rewardwrap-{name}")
    os.ftruncate(descriptor, size)
    return descriptor


def _seal(descriptor: int, seals: int) -> None:
    import fcntl  # not on Windows

    fcntl.fcntl(descriptor, ADD_SEALS, seals)
