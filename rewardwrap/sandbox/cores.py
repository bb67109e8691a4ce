"""One core for the trainer and its worker while a question is out: they alternate.

Waking another core costs about 100 us in a virtual machine, and a scheduler that sees two tasks on one
core moves the one that wakes to an idle one, time and again. Where it does that, the trainer's thread is
held on its core for the length of a turn and the worker is brought there; afterwards the thread may go
where it could. Where it does not, a turn costs one look at the number of the core.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import Any

MASK = 128
"""Bytes of a set of cores: 1 024 cores."""

HELD = 256
"""Turns to hold after the trainer was found on another core, before trying again without."""


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
