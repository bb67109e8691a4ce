"""The one error of the sandbox: what stopped reward code, and which limit that was."""

from __future__ import annotations

from typing import Literal, TypeAlias

from rewardwrap.core.errors import RewardwrapError

Reason: TypeAlias = Literal["gate", "timeout", "memory", "syscall", "crash", "output"]
REASONS: tuple[Reason, ...] = ("gate", "timeout", "memory", "syscall", "crash", "output")


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
