"""The worker's end of a wire: take a request, send an answer. Runs inside the worker."""

from __future__ import annotations

import mmap
import os
import threading
import time
from collections.abc import Sequence
from typing import Any, Protocol

ANSWERED = b"\1\0\0\0\0\0\0\0"


class Channel(Protocol):
    """Both blocks, and turns over them.

    Attributes:
        requests: Block to read.
        answers: Block to write.
        ask: Descriptor that may still be read, -1 for any.
        reply: Descriptor that may still be written.
    """

    requests: Any
    answers: Any
    ask: int
    reply: int

    def receive(self) -> None:
        """Wait until a request lies in the block."""

    def send(self, size: int) -> None:
        """Say that an answer of so many bytes lies in the block."""


class Events:
    """Shared memory and two events."""

    def __init__(self, requests: int, answers: int, ask: int, reply: int) -> None:
        self.requests = mmap.mmap(requests, 0, access=mmap.ACCESS_READ)
        self.answers = mmap.mmap(answers, 0)
        os.close(requests)
        os.close(answers)
        self.ask, self.reply = ask, reply

    def receive(self) -> None:
        os.read(self.ask, 8)

    def send(self, size: int) -> None:
        os.write(self.reply, ANSWERED)


class Pipes:
    """Standard input and output; from here on nothing else reads or writes them."""

    def __init__(self, block: int) -> None:
        self.requests = bytearray(block)
        self.answers = bytearray(block)
        self.ask, self.reply = os.dup(0), os.dup(1)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(nowhere, standard)
        os.close(nowhere)
        if os.name == "posix":
            threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()

    def receive(self) -> None:
        size = int.from_bytes(self._read(8), "little")
        self.requests[:size] = self._read(size)

    def _read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = os.read(self.ask, size - len(found))
            if not piece:
                # the trainer has gone
                os._exit(0)
            found += piece
        return found

    def send(self, size: int) -> None:
        content = size.to_bytes(8, "little") + self.answers[:size]
        while content:
            content = content[os.write(self.reply, content) :]


def _leave_with(parent: int) -> None:
    """End when the trainer has ended, also in the middle of a reward that never returns."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


def channel_of(arguments: Sequence[str]) -> Channel:
    """The channel that a worker was started with."""
    if arguments[0] == "events":
        return Events(*map(int, arguments[1:]))
    return Pipes(int(arguments[1]))
