"""What a worker gives up before it reads a line of reward code. Runs inside the worker.

Order matters: numpy is in, one thread runs, then namespaces, user, capabilities, Landlock, limits, and the
system call filter last, since it forbids everything that the others need.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Callable
from functools import partial

from rewardwrap.sandbox.syscalls import TABLES, packed, program

NOBODY = 65534
LAYERS = ("namespaces", "user", "capabilities", "undumpable", "landlock", "limits", "seccomp")
CPU_SECONDS = 86_400
"""Backstop only: deadlines are the trainer's, and the worker dies with it."""

STATM = "/proc/self/statm"
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 1, 4, 38, 24
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x08000000, 0x10000000, 0x40000000
LANDLOCK_CREATE, LANDLOCK_RESTRICT = 444, 446
LANDLOCK_FS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""Number of file rights that each version of Landlock knows."""

WITHOUT_LANDLOCK = {
    errno.ENOSYS: "this kernel was built without Landlock, or is older than 5.13",
    errno.EOPNOTSUPP: "Landlock is switched off, see lsm= on the kernel's command line",
    errno.EPERM: "a container's filter forbids Landlock",
}
SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC = 1, 1
CAPSET = {"x86_64": 126, "aarch64": 91}


class Libc:
    """System calls by number, errors as OSError."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL(None, use_errno=True)

    def call(self, name: str, *arguments: object) -> int:
        """``name(*arguments)`` of the C library."""
        result: int = getattr(self.library, name)(*arguments)
        if result == -1:
            number = ctypes.get_errno()
            raise OSError(number, f"{name}: {os.strerror(number)}")
        return result


def lock(
    *, memory: int, read_from: int, write_to: int, skip: frozenset[str], confined: bool = True
) -> tuple[list[str], dict[str, str]]:
    """Give up everything; returns the layers that took hold, and why a wall did not.

    Args:
        memory: Bytes of address space beyond what the worker has now.
        read_from: Descriptor of requests.
        write_to: Descriptor of answers.
        skip: Layers to leave out; for the ablation tests alone.
        confined: False where this system has no wall: limits alone, against mistakes.
    """
    if not confined:
        return _portable(memory), {}
    libc = Libc()
    held: list[str] = []
    lacking: dict[str, str] = {}
    parent = os.getppid()
    if len(os.listdir("/proc/self/task")) != 1:
        raise OSError("a worker must have one thread before it is locked")
    if "namespaces" not in skip and _namespaces(libc):
        held.append("namespaces")
    libc.call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if "user" not in skip and _user():
        held.append("user")
    if "capabilities" not in skip and _capabilities(libc):
        held.append("capabilities")
    libc.call("prctl", PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    if "undumpable" not in skip:
        libc.call("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)
        held.append("undumpable")
    used = _address_space()
    if "landlock" not in skip:
        _try("landlock", partial(_landlock, libc), held, lacking)
    if "limits" not in skip:
        _limits(used + memory)
        held.append("limits")
    if "seccomp" not in skip:
        _try("seccomp", partial(_seccomp, libc, read_from, write_to), held, lacking)
    return held, lacking


def _try(name: str, build: Callable[[], None], held: list[str], lacking: dict[str, str]) -> None:
    try:
        build()
    except OSError as error:
        lacking[name] = str(error.strerror)
    else:
        held.append(name)


def _portable(memory: int) -> list[str]:
    """What POSIX offers everywhere; the limit on memory only where the memory in use can be read."""
    limits = {"RLIMIT_CORE": 0, "RLIMIT_CPU": CPU_SECONDS, "RLIMIT_FSIZE": 0}
    if os.path.exists(STATM):
        limits["RLIMIT_AS"] = _address_space() + memory
    for limit, value in limits.items():
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(getattr(resource, limit), (value, value))
    return ["limits"]


def _namespaces(libc: Libc) -> bool:
    """A network without interfaces and private IPC; as root directly, else inside a user namespace."""
    own = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS
    for flags in (own, own | CLONE_NEWUSER):
        try:
            libc.call("unshare", flags)
        except OSError:
            continue
        return True
    return False


def _user() -> bool:
    """Root becomes nobody: limits on processes do not bind root."""
    if os.geteuid() != 0:
        return True
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError:
        return False
    return True


def _capabilities(libc: Libc) -> bool:
    """Drop every capability that is left."""
    for number in range(64):
        try:
            libc.call("prctl", PR_CAPBSET_DROP, number, 0, 0, 0)
        except OSError:
            break
    header = struct.pack("=Ii", 0x20080522, 0)
    try:
        libc.call("syscall", CAPSET[platform.machine()], header, bytes(24))
    except (OSError, KeyError):
        return False
    return True


def _address_space() -> int:
    """Bytes mapped so far."""
    with open(STATM) as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _limits(memory: int) -> None:
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def _landlock(libc: Libc) -> None:
    """Deny every file, every TCP port, and signals and abstract sockets outside; no rule allows any."""
    try:
        version = libc.call("syscall", LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    except OSError as error:
        cause = WITHOUT_LANDLOCK.get(error.errno or 0, str(error.strerror))
        raise OSError(error.errno, cause) from None
    files = (1 << LANDLOCK_FS.get(version, 16)) - 1
    network, scopes = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = struct.pack("=QQQ", files, network, scopes)[:size]
    ruleset = libc.call("syscall", LANDLOCK_CREATE, rules, ctypes.c_size_t(size), 0)
    try:
        libc.call("syscall", LANDLOCK_RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _seccomp(libc: Libc, read_from: int, write_to: int) -> None:
    table = TABLES.get(platform.machine())
    if table is None or sys.maxsize < 2**32:
        bits = 64 if sys.maxsize > 2**32 else 32
        raise OSError(
            errno.ENOSYS, f"no table of system calls for {platform.machine()}, {bits} bits"
        )
    code = program(table, read_from=read_from, write_to=(1, 2, write_to))
    filled = _Program(len(code), packed(code))
    flags = SECCOMP_FILTER_FLAG_TSYNC
    libc.call("syscall", table.seccomp, SECCOMP_SET_MODE_FILTER, flags, ctypes.byref(filled))
