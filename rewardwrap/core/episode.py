"""One finished episode: what a score sees, and what a store is read as."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rewardwrap.core.transitions import BoolArray, FloatArray


@dataclass(frozen=True)
class Episode:
    """One episode of T steps.

    Args:
        obs: ``(T + 1, ...)`` leaves, the true terminal observation last.
        action: ``(T, ...)`` leaves.
        reward: ``(T,)``, NaN where it is missing.
        terminated: ``(T,)`` bool.
        truncated: ``(T,)`` bool.
        info: Name -> ``(T,)``.
        id: Its name.
        source: Where it came from.
    """

    obs: Any
    action: Any
    reward: FloatArray
    terminated: BoolArray
    truncated: BoolArray
    info: dict[str, FloatArray] = field(default_factory=dict)
    id: str = ""
    source: str = ""

    def __len__(self) -> int:
        return len(self.reward)

    def columns(self) -> dict[str, Any]:
        """The mapping that `rewardwrap.relabel` reads."""
        names = ("obs", "action", "reward", "terminated", "truncated", "info")
        return {name: getattr(self, name) for name in names}
