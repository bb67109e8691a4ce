"""The trainer's end of its zygote: one a process, started when the first worker is needed.

It ends with the process that started it, and its workers with it. A process that was forked from that one
starts its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence

from rewardwrap.sandbox.channel import FORK, HANDED, KILL, TOLD, WAIT

Start = Callable[[Sequence[str], Sequence[int]], subprocess.Popen[bytes]]
"""Starts an interpreter with arguments and descriptors that it keeps."""


START_SECONDS = 60.0
"""A worker that has not locked itself by then never will; a loaded machine is no bug."""


KILLED = -signal.SIGKILL


class Gone(OSError):
    """The zygote has ended, and its workers with it."""


class Forked:
    """A worker that a zygote forked; for the trainer what a `subprocess.Popen` is.

    Args:
        zygote: Its parent.
        pid: Its process id.
    """

    def __init__(self, zygote: Zygote, pid: int) -> None:
        self.zygote, self.pid = zygote, pid
        self.returncode: int | None = None

    def kill(self) -> None:
        """End it; not yet collected, so nobody else can have its number."""
        if self.returncode is None:
            with contextlib.suppress(Gone):
                self.zygote.ask(KILL, self.pid)

    def wait(self) -> int:
        """How a worker ended that has ended: its exit code, or minus the signal."""
        if self.returncode is None:
            try:
                self.returncode = self.zygote.ask(WAIT, self.pid)
            except Gone:
                self.returncode = KILLED
        return self.returncode


class Zygote:
    """A socket to the interpreter that forks.

    Args:
        start: Starts it.

    Attributes:
        popen: The interpreter.
    """

    def __init__(self, start: Start) -> None:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with its:
                popen = start((str(its.fileno()), str(os.getpid())), (its.fileno(),))
        except BaseException:
            ours.close()
            raise
        ours.settimeout(START_SECONDS)
        self.owner, self.popen, self._socket = os.getpid(), popen, ours
        self._lock, self._number, self._asking = threading.RLock(), 0, False
        self._later = deque[tuple[int, int]]()
        self.close = weakref.finalize(self, _ended, popen, ours, self.owner)

    @property
    def usable(self) -> bool:
        """Started by this process, and not known to be dead."""
        return self.close.alive and self.owner == os.getpid()

    def fork(self, inherited: Sequence[int]) -> Forked:
        """A new worker with copies of these descriptors.

        Raises:
            Gone: The zygote has ended.
        """
        return Forked(self, self.ask(FORK, 0, inherited))

    def ask(self, operation: int, process: int, inherited: Sequence[int] = ()) -> int:
        """Ask and wait: it answers at once, or never again.

        The collector ends workers that nobody holds any more, and may do so in the middle of a question:
        what it asks then waits for the end of that question, and is told what a killed worker ended with.

        Raises:
            Gone: The zygote has ended.
        """
        with self._lock:
            if self._asking:
                self._later.append((operation, process))
                return KILLED
            self._asking = True
            try:
                return self._asked(operation, process, inherited)
            finally:
                with contextlib.suppress(Gone):
                    while self._later:
                        self._asked(*self._later.popleft(), ())
                self._asking = False

    def _asked(self, operation: int, process: int, inherited: Sequence[int]) -> int:
        if not self.usable:
            raise Gone
        self._number = number = self._number + 1
        try:
            asked = HANDED.pack(number, operation, process)
            socket.send_fds(self._socket, [asked], list(inherited))
            told, found = 0, 0
            # an answer that an interrupt left behind has a smaller number
            while told != number:
                said = self._socket.recv(TOLD.size)
                if len(said) < TOLD.size:
                    raise Gone
                told, found = TOLD.unpack(said)
        except OSError:
            self.close()
            raise Gone from None
        return found


def _ended(popen: subprocess.Popen[bytes], control: socket.socket, owner: int) -> None:
    """Hang up, which ends it; a process that was forked from the owner only closes its copy."""
    control.close()
    if os.getpid() != owner:
        popen.returncode = 0
        return
    popen.kill()
    popen.wait()


_lock, _mine = threading.Lock(), list[Zygote]()


def forked(start: Start, inherited: Sequence[int]) -> Forked:
    """A worker of this process's zygote, which is started first where there is none.

    Args:
        start: Starts a zygote.
        inherited: Descriptors that the worker gets.
    """
    with _lock:
        if _mine and _mine[0].usable:
            # one that was ended from outside is replaced; a second one in a row is a fault
            with contextlib.suppress(Gone):
                return _mine[0].fork(inherited)
        _mine[:] = [Zygote(start)]
        return _mine[0].fork(inherited)


def _forget() -> None:
    """In a forked process: the lock may be held by a thread that is not here."""
    global _lock
    _lock = threading.Lock()
    for zygote in _mine:
        zygote.close()
    _mine.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
