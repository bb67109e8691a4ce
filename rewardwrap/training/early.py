"""Ends a training by its `rewardwrap.training.stopping.Stopping`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from stable_baselines3.common.callbacks import BaseCallback

from rewardwrap.training.stopping import Stopping


class StopEarly(BaseCallback):
    """Ends a training by its rule.

    Args:
        rule: When.
        returns: Gives the mean true return of every evaluation so far.
        used: Seconds that were used up before, where a run goes on.

    Attributes:
        reason: Why it ended; None while it did not.
    """

    def __init__(
        self, rule: Stopping, returns: Callable[[], Sequence[float]], *, used: float = 0.0
    ) -> None:
        super().__init__()
        self.rule, self.reason = rule, None
        self._returns, self._known = returns, -1
        self._began = time.monotonic() - used

    reason: str | None

    def _on_step(self) -> bool:
        minutes = self.rule.minutes
        if minutes is not None and time.monotonic() - self._began >= 60 * minutes:
            self.reason = f"{minutes:g} minutes were over"
            return False
        found = self._returns()
        if len(found) != self._known:  # asked once after each evaluation
            self._known = len(found)
            self.reason = self.rule.satisfied(found)
        return self.reason is None
