"""What this machine can promise about reward code: layers, tiers, and the self-test behind both.

| tier | layers | protects against |
|---|---|---|
| strong | system call filter and Landlock | hostile code, by two walls that do not rest on each other |
| medium | system call filter | hostile code, by one wall |
| process-only | a process of its own, limits, deadline | hangs and crashes; NOT hostile code |
"""

from __future__ import annotations

import functools
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rewardwrap.sandbox import channel, wires
from rewardwrap.sandbox.errors import SandboxError
from rewardwrap.sandbox.process import Died, Process
from rewardwrap.sandbox.wires import Late

TIERS = ("process-only", "medium", "strong")
TRIED = ("open", "socket", "fork", "signal")
SECONDS = 20.0


def tier_of(layers: Sequence[str]) -> str:
    """The tier of what a worker locked."""
    if "seccomp" not in layers:
        return "process-only"
    return "strong" if "landlock" in layers else "medium"


def require_tier(wanted: str, layers: Sequence[str]) -> None:
    """Refuse a worker that is weaker than was asked for.

    Raises:
        SandboxError: It is; the sentence says what is missing.
    """
    found = tier_of(layers)
    if TIERS.index(found) < TIERS.index(wanted):
        raise SandboxError(
            f"isolation must be {wanted}, got {found} on {platform.system()} {platform.machine()}: "
            f"{_missing(layers)}. {PROTECTION[found]} "
            "Pass allow_weaker=True if you have read the code.",
            reason="gate",
        )


def require_possible(wanted: str) -> None:
    """Refuse before anything runs what this system can never give; the rest is seen when a worker starts.

    Raises:
        SandboxError: No wall here, and one is wanted.
    """
    if not wires.confinable():
        require_tier(wanted, ())


PROTECTION = {
    "strong": "Two walls hold hostile code.",
    "medium": "One wall holds hostile code.",
    "process-only": "A separate process stops hangs and crashes, not hostile code.",
}


def _missing(layers: Sequence[str]) -> str:
    absent = [name for name in ("seccomp", "landlock") if name not in layers]
    return f"{' and '.join(absent)} missing" if absent else "nothing missing"


@functools.cache
def describe() -> Mapping[str, Any]:
    """What holds here, tried out in throw-away workers (half a second, once per process).

    Returns:
        ``tier``; ``layers``, those that a worker locked; ``blocked``, what was tried and refused;
        ``open``, what was tried and worked, or what nothing here would refuse; ``protects``, a sentence;
        ``platform``.

    Example:
        >>> from rewardwrap.sandbox import describe
        >>> describe()["tier"] in ("strong", "medium", "process-only")
        True
    """
    if not wires.confinable():
        return _described(_tried("nothing", ())[0], (), TRIED)
    layers: tuple[str, ...] = ()
    blocked: list[str] = []
    through: list[str] = []
    for name in TRIED:
        layers, refused = _tried(name, ())
        (blocked if refused else through).append(name)
    if "landlock" in layers and not _tried("open", ("seccomp", "limits"))[1]:
        layers = tuple(name for name in layers if name != "landlock")
    if through:
        # a filter that lets these through is none
        layers = tuple(name for name in layers if name not in ("seccomp", "landlock"))
    return _described(layers, blocked, through)


def _described(
    layers: Sequence[str], blocked: Sequence[str], through: Sequence[str]
) -> Mapping[str, Any]:
    tier = tier_of(layers)
    return {
        "tier": tier,
        "layers": tuple(layers),
        "blocked": tuple(blocked),
        "open": tuple(through),
        "protects": PROTECTION[tier],
        "platform": f"{platform.system()} {platform.machine()}, Python {sys.version.split()[0]}",
    }


def _tried(name: str, skip: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """Layers of a throw-away worker, and whether it was kept from one thing."""
    process = Process("trials", skip=skip)
    try:
        said = process.ask(channel.CALL, name, SECONDS)
    except Died as died:
        return process.layers, died.signal != 0
    except Late:
        return process.layers, False
    finally:
        process.close()
    return process.layers, said != "done"
