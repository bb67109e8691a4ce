"""One finished episode: what a score sees, and what a store is read as."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.info import NO_INFO, ColumnInfo
from rewardwrap.core.transitions import BoolArray, FloatArray, Transitions


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

    def transitions(self) -> Transitions:
        """Its T steps in order, as a reward reads them; nothing may learn from them."""
        steps = len(self)
        return Transitions(
            obs=tree.take(self.obs, slice(0, steps)),
            action=self.action,
            next_obs=tree.take(self.obs, slice(1, steps + 1)),
            reward=self.reward,
            terminated=self.terminated,
            truncated=self.truncated & ~self.terminated,
            first=np.arange(steps) == 0,
            info=ColumnInfo(self.info) if self.info else NO_INFO,
            training=False,
        )
