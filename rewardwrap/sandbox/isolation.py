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


def require_tier(wanted: str, layers: Sequence[str], lacking: Mapping[str, str]) -> None:
    """Refuse a worker that is weaker than was asked for.

    Args:
        wanted: A tier.
        layers: What it locked.
        lacking: Why a wall did not take hold, by name.

    Raises:
        SandboxError: It is; the sentence says what is missing and why, and the best tier that there is.
    """
    found = tier_of(layers)
    if TIERS.index(found) < TIERS.index(wanted):
        raise SandboxError(
            f"isolation must be {wanted}, got {found} on {platform.system()} {platform.machine()}: "
            f"{_missing(layers, lacking)}. {PROTECTION[found]} "
            f'The best that works here is tier="{found}"; pass it'
            f"{', or allow_weaker=True,' if found == TIERS[0] else ''} if "
            f"{'you have read the code' if found == TIERS[0] else 'that is enough for you'}.",
            reason="gate",
        )


def require_possible(wanted: str) -> None:
    """Refuse before anything runs what this system can never give; the rest is seen when a worker starts.

    Raises:
        SandboxError: No wall here, and one is wanted.
    """
    if not wires.confinable():
        require_tier(wanted, (), {"the wall": wires.lacking()})


PROTECTION = {
    "strong": "Two walls hold hostile code.",
    "medium": "One wall holds hostile code.",
    "process-only": "A separate process stops hangs and crashes, not hostile code.",
}


def _missing(layers: Sequence[str], lacking: Mapping[str, str]) -> str:
    """Each wall that is missing, with its cause where it is known."""
    absent = [f"{name} is missing ({cause})" for name, cause in lacking.items() if cause]
    unknown = [n for n in ("seccomp", "landlock") if n not in layers and n not in lacking]
    if "the wall" in lacking:
        unknown = []
    return ", ".join([*absent, *(f"{name} is missing" for name in unknown)]) or "no wall here"


@functools.cache
def describe() -> Mapping[str, Any]:
    """What holds here, tried out in throw-away workers (half a second, once per process).

    Returns:
        ``tier``; ``layers``, those that a worker locked; ``blocked``, what was tried and refused;
        ``open``, what was tried and worked, or what nothing here would refuse; ``lacking``, why a wall did
        not take hold, by name; ``protects``, a sentence;
        ``platform``.

    Example:
        >>> from rewardwrap.sandbox import describe
        >>> describe()["tier"] in ("strong", "medium", "process-only")
        True
    """
    if not wires.confinable():
        held = _tried("nothing", ())[0].layers
        return _described(held, (), TRIED, {"the wall": wires.lacking()})
    layers: tuple[str, ...] = ()
    lacking: Mapping[str, str] = {}
    blocked: list[str] = []
    through: list[str] = []
    for name in TRIED:
        process, refused = _tried(name, ())
        layers, lacking = process.layers, process.lacking
        (blocked if refused else through).append(name)
    if "landlock" in layers and not _tried("open", ("seccomp", "limits"))[1]:
        layers = tuple(name for name in layers if name != "landlock")
    if through:
        # a filter that lets these through is none
        layers = tuple(name for name in layers if name not in ("seccomp", "landlock"))
    return _described(layers, blocked, through, lacking)


def _described(
    layers: Sequence[str],
    blocked: Sequence[str],
    through: Sequence[str],
    lacking: Mapping[str, str],
) -> Mapping[str, Any]:
    tier = tier_of(layers)
    return {
        "tier": tier,
        "layers": tuple(layers),
        "blocked": tuple(blocked),
        "open": tuple(through),
        "lacking": dict(lacking),
        "protects": PROTECTION[tier],
        "platform": f"{platform.system()} {platform.machine()}, Python {sys.version.split()[0]}",
    }


def _tried(name: str, skip: Sequence[str]) -> tuple[Process, bool]:
    """A throw-away worker, which has ended, and whether it was kept from one thing."""
    process = Process("trials", skip=skip)
    try:
        said = process.ask(channel.CALL, name, SECONDS)
    except Died as died:
        return process, died.signal != 0
    except Late:
        return process, False
    finally:
        process.close()
    return process, said != "done"
