"""When a training ends before its steps are used up: by the true return, or by the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from rewardwrap.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """What ends a training early; only the environment's own return is asked, never the shaped one.

    Args:
        at: Mean true return of an evaluation that is enough.
        patience: Evaluations in a row without a better mean true return.
        minutes: On the clock.

    Raises:
        ConfigError: A number that cannot be meant.
    """

    at: float | None = None
    patience: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        rules: tuple[tuple[str, Any, tuple[type, ...], float, str], ...] = (
            ("stop_at", self.at, (int, float), -float("inf"), "a true return"),
            ("patience", self.patience, (int,), 1, "a whole number of evaluations from 1"),
            ("minutes", self.minutes, (int, float), 0, "a number of minutes above 0"),
        )
        for name, value, kinds, least, meant in rules:
            if value is None:
                continue
            fits = isinstance(value, kinds) and not isinstance(value, bool)
            if not fits or not value >= least or (name == "minutes" and value == 0):
                raise ConfigError(f"{name} must be {meant}, got {value!r}. Leave it out for none.")

    def __bool__(self) -> bool:
        return (self.at, self.patience, self.minutes) != (None, None, None)

    def satisfied(self, returns: Sequence[float]) -> str | None:
        """Why a training with these mean true returns is over, oldest first; None where it is not."""
        if not returns:
            return None
        if self.at is not None and returns[-1] >= self.at:
            return f"the true return {returns[-1]:.4g} reached {self.at:.4g}"
        if self.patience is not None and len(returns) > self.patience:
            before = max(returns[: -self.patience])
            if max(returns[-self.patience :]) <= before:
                return f"{self.patience} evaluations in a row were no better than {before:.4g}"
        return None


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
