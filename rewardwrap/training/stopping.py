"""When a training ends before its steps are used up: by the true return, or by the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
