"""The one error of the sandbox: what stopped reward code, which limit that was, and the sentence for it.

Every word that a worker says is untrusted.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.sandbox import channel

Reason: TypeAlias = Literal["gate", "timeout", "memory", "syscall", "crash", "output"]
"""Why code was stopped; see `SandboxError`."""
REASONS: tuple[Reason, ...] = ("gate", "timeout", "memory", "syscall", "crash", "output")
"""All of them."""


class SandboxError(RewardwrapError, RuntimeError):
    """Reward code was refused or stopped; the sentence names the limit that bit.

    Args:
        message: The sentence.
        reason: ``"gate"``: refused before it ran. ``"timeout"``: over its deadline. ``"memory"``: over its
            memory. ``"syscall"``: it asked the system for what rewards may not have. ``"crash"``: it raised,
            or its process died. ``"output"``: what it returned is no reward.
        line: Line of the source, where one is to blame.
    """

    def __init__(self, message: str, *, reason: Reason, line: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.line = line

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (str(self), self.reason, self.line)


def _rebuilt(message: str, reason: Reason, line: int | None) -> SandboxError:
    return SandboxError(message, reason=reason, line=line)


def told(status: int, text: str) -> SandboxError:
    """The error for what a worker says, ``line|sentence``."""
    number, _, said = text.partition("|")
    line = int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 0
    shown = clean(said) or "no sentence"
    where = f" in line {line}" if line else ""
    if status == channel.MEMORY:
        message = f"reward code must stay within its memory, got {shown}{where}. Raise memory_mb."
    elif status == channel.DENIED:
        message = (
            f"reward code must not ask the system for anything, got {shown}{where}. Use numpy."
        )
    elif status == channel.OUTPUT:
        message = f"reward code{where}: {shown}."
    elif status == channel.REFUSED:
        message = f"reward code must be Python, got {shown}{where}. Mend it."
    else:
        message = f"reward code must run, got {shown}{where}. {_cure(shown)}"
    reason: Any = channel.REASON_OF.get(status, "crash")
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
