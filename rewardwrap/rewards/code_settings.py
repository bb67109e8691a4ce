"""The settings of the wall around reward code: which make sense."""

from __future__ import annotations

from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.sandbox.isolation import TIERS


def require_settings(reward: Any) -> None:
    """Refuse settings of reward code that make no sense.

    Raises:
        ConfigError: One does not.
    """
    for name, known, way in (
        ("gate", ("strict", "off"), "The worker confines the code either way."),
        ("confine", ("auto", "process"), "Leave it out."),
        ("approval", ("none", "required"), "Approve with: rewardwrap review FILE --approve."),
    ):
        value = getattr(reward, name)
        if value not in known:
            choice = " or ".join(f'"{each}"' for each in known)
            raise ConfigError(f"CodeReward: {name} must be {choice}, got {value!r}. {way}")
    if reward.tier not in TIERS:
        raise ConfigError(
            f"CodeReward: tier must be {', '.join(TIERS)}, got {reward.tier!r}. Leave it out."
        )
    for name, low, high in (("deadline", 0.01, 3600.0), ("memory_mb", 16, 1 << 20)):
        value = getattr(reward, name)
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise ConfigError(f"CodeReward: {name} must be a number, got {value!r}. Write e.g. 1.")
        if not low <= value <= high:
            raise ConfigError(
                f"CodeReward: {name} must lie in [{low:g}, {high:g}], got {value}. Leave it out."
            )
