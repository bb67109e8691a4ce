"""From what a worker says to an error of ours; every word of it is untrusted."""

from __future__ import annotations

from typing import Any

from rewardwrap.sandbox import layout
from rewardwrap.sandbox.errors import SandboxError


def told(status: int, text: str) -> SandboxError:
    """The error for what a worker says, ``line|sentence``."""
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
