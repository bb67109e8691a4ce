"""What a number in a configuration may be, and the sentence that says so."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.reward import Reward


def require_number(
    owner: Reward,
    name: str,
    cure: str,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    above: bool = False,
) -> None:
    """Refuse a field that is no finite number in its range.

    Args:
        owner: The reward; its class is the subject of the sentence.
        name: The field.
        cure: Last sentence of the error: the way out.
        low: Smallest value.
        high: Largest value.
        above: Whether ``low`` itself is refused too.

    Raises:
        ConfigError: It is not.
    """
    value = getattr(owner, name)
    fits = is_number(value) and low <= value <= high and not (above and value == low)
    if not fits:
        rule = _range(low, high, above)
        raise ConfigError(f"{type(owner).__name__}: {name} must {rule}, got {value!r}. {cure}")


def require_count(owner: Reward, name: str, cure: str, *, low: int = 1) -> None:
    """Refuse a field that is no whole number of at least ``low``.

    Raises:
        ConfigError: It is not.
    """
    value = getattr(owner, name)
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise ConfigError(
            f"{type(owner).__name__}: {name} must be a whole number of at least {low}, "
            f"got {value!r}. {cure}"
        )


def require_choice(owner: Reward, name: str, choices: tuple[str, ...]) -> None:
    """Refuse a field that is none of the words.

    Raises:
        ConfigError: It is not.
    """
    value = getattr(owner, name)
    if value not in choices:
        listed = " or ".join(f'"{word}"' for word in choices)
        raise ConfigError(
            f"{type(owner).__name__}: {name} must be {listed}, got {value!r}. Choose one."
        )


def is_number(value: Any) -> bool:
    """Whether a value is a finite real number, and not a truth value."""
    return (
        isinstance(value, int | float | np.integer | np.floating)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def _range(low: float, high: float, above: bool) -> str:
    if math.isinf(low) and math.isinf(high):
        return "be a finite number"
    if math.isinf(high):
        return f"be {'above' if above else 'at least'} {low:g}"
    return f"lie in {'(' if above else '['}{low:g}, {high:g}]"
