"""System calls by number: those that the trainer makes itself, the few that a locked worker may make, and
the filter program that says so.

The program is classic BPF, one instruction ``(code, jump if true, jump if false, operand)``. Numbers differ
by architecture, so an architecture without a table here has no filter and a weaker tier.
Source: Linux, Documentation/userspace-api/seccomp_filter.rst; numbers from asm/unistd.h.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
import struct
from dataclasses import dataclass

ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
PROT_EXEC, MAP_ANONYMOUS = 4, 0x20
X32 = 0x40000000

LOAD_WORD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16


MFD_CLOEXEC, MFD_ALLOW_SEALING = 1, 2
EFD_CLOEXEC, EFD_NONBLOCK = 0o2000000, 0o4000


@dataclass(frozen=True)
class Table:
    """One architecture: its audit number, its number of ``seccomp`` and the calls a worker may make.

    Opening a file is refused with an error instead of a death: the interpreter tries it while it reports a
    syntax error, and an honest mistake gets a line number.
    """

    audit: int
    seccomp: int
    free: dict[str, int]
    read: int
    write: int
    mmap: int
    mprotect: int
    refused: tuple[int, ...]
    memfd_create: int
    eventfd: int
    pidfd_open: int = 434


TABLES = {
    "x86_64": Table(
        audit=0xC000003E,
        seccomp=317,
        free={
            "munmap": 11,
            "brk": 12,
            "rt_sigreturn": 15,
            "sched_yield": 24,
            "mremap": 25,
            "madvise": 28,
            "exit": 60,
            "gettimeofday": 96,
            "restart_syscall": 219,
            "clock_gettime": 228,
            "exit_group": 231,
            "futex": 202,
        },
        read=0,
        write=1,
        mmap=9,
        mprotect=10,
        refused=(2, 257),
        memfd_create=319,
        eventfd=290,
    ),
    "aarch64": Table(
        audit=0xC00000B7,
        seccomp=277,
        free={
            "exit": 93,
            "exit_group": 94,
            "futex": 98,
            "clock_gettime": 113,
            "sched_yield": 124,
            "restart_syscall": 128,
            "rt_sigreturn": 139,
            "gettimeofday": 169,
            "brk": 214,
            "munmap": 215,
            "mremap": 216,
            "madvise": 233,
        },
        read=63,
        write=64,
        mmap=222,
        mprotect=226,
        refused=(56,),
        memfd_create=279,
        eventfd=19,
    ),
}

Instruction = tuple[int, int, int, int]


@functools.cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> int:
    """One of this architecture's calls by number: a Python may be built without its name in `os`.

    Raises:
        OSError: The kernel refuses it, or nobody knows its number here.
    """
    table = TABLES.get(platform.machine())
    if table is None:
        raise OSError(errno.ENOSYS, f"{name}: no table of system calls for {platform.machine()}")
    found: int = _library().syscall(ctypes.c_long(getattr(table, name)), *arguments)
    if found == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return found


def memory_file(name: str) -> int:
    """A file in memory that can be sealed."""
    return call("memfd_create", name.encode(), MFD_CLOEXEC | MFD_ALLOW_SEALING)


def event(flags: int = 0) -> int:
    """An event: a counter that is written, and read to zero."""
    return call("eventfd", 0, EFD_CLOEXEC | flags)


def process_file(pid: int) -> int:
    """A descriptor that becomes readable when a process ends."""
    return call("pidfd_open", pid, 0)


def program(table: Table, *, read_from: int, write_to: tuple[int, ...]) -> list[Instruction]:
    """The filter: an error for opening files, death for everything else that is not listed.

    Args:
        table: Numbers of this architecture.
        read_from: The one descriptor that may be read.
        write_to: The descriptors that may be written.
    """
    code: list[Instruction] = [
        (LOAD_WORD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 1, 0, table.audit),
        (RETURN, 0, 0, KILL),
        (LOAD_WORD, 0, 0, NUMBER),
    ]
    if table.audit == TABLES["x86_64"].audit:
        # the x32 ABI shares the audit number and has other call numbers
        code += [(JUMP_AT_LEAST, 0, 1, X32), (RETURN, 0, 0, KILL)]
    for number in sorted(table.free.values()):
        code += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    for number in table.refused:
        code += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | errno.EACCES)]
    code += _guarded(table.read, 0, [(JUMP_EQUAL, read_from)])
    code += _guarded(table.write, 0, [(JUMP_EQUAL, fd) for fd in write_to])
    code += _without_execute(table.mprotect, [])
    # anonymous memory alone: no descriptor can be mapped any more
    code += _without_execute(table.mmap, [(JUMP_ANY_BIT, MAP_ANONYMOUS)])
    return [*code, (RETURN, 0, 0, KILL)]


def _guarded(call: int, argument: int, tests: list[tuple[int, int]]) -> list[Instruction]:
    """Allow ``call`` if one of the tests on an argument holds; leave other calls to what follows."""
    body: list[Instruction] = [
        (LOAD_WORD, 0, 0, ARGUMENTS + 8 * argument + 4),
        (JUMP_EQUAL, 1, 0, 0),
        (RETURN, 0, 0, KILL),
        (LOAD_WORD, 0, 0, ARGUMENTS + 8 * argument),
    ]
    for test, operand in tests:
        body += [(test, 0, 1, operand), (RETURN, 0, 0, ALLOW)]
    body.append((RETURN, 0, 0, KILL))
    return [(JUMP_EQUAL, 0, len(body), call), *body]


def _without_execute(call: int, flags: list[tuple[int, int]]) -> list[Instruction]:
    """Allow ``call`` where its third argument asks for no execution and its fourth passes ``flags``."""
    body: list[Instruction] = [
        (LOAD_WORD, 0, 0, ARGUMENTS + 8 * 2),
        (JUMP_ANY_BIT, 0, 1, PROT_EXEC),
        (RETURN, 0, 0, KILL),
    ]
    if flags:
        body.append((LOAD_WORD, 0, 0, ARGUMENTS + 8 * 3))
        for test, operand in flags:
            body += [(test, 0, 1, operand), (RETURN, 0, 0, ALLOW)]
        body.append((RETURN, 0, 0, KILL))
    else:
        body.append((RETURN, 0, 0, ALLOW))
    return [(JUMP_EQUAL, 0, len(body), call), *body]


def packed(code: list[Instruction]) -> bytes:
    """The program as the kernel reads it."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
