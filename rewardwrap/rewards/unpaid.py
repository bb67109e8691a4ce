"""Models that are read from a folder like any other, and pay no single step."""

from __future__ import annotations

from typing import ClassVar, NoReturn

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import Transitions


class Unpaid:
    """What a model has that another reward pays for it; `rewardwrap.Learned` says which."""

    holds: ClassVar[str]
    """What it is instead."""
    paid_by: ClassVar[str]
    """Which reward pays it."""

    def __call__(self, batch: Transitions) -> NoReturn:
        raise ConfigError(
            f"Learned: model must pay single steps, got {self.holds}. Pay them with {self.paid_by}."
        )

    def all(self, batch: Transitions) -> NoReturn:
        """It has no members that pay."""
        self(batch)
