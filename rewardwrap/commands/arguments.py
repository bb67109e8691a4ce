"""How values are written behind flags."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import yaml

from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

_POWER = re.compile(r"[+-]?\d+\.?\d*[eE][+-]?\d+")


def whole_number(text: str) -> int:
    """``100000``, ``100_000`` or ``1e5``.

    >>> whole_number("1e5")
    100000
    """
    try:
        value = float(text.replace("_", ""))
    except ValueError:
        value = float("nan")
    if not value >= 1 or value != int(value):
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, got {text!r}")
    return int(value)


def key_values(items: Sequence[str], flag: str) -> dict[str, Any]:
    """``key:value`` each, as RL Zoo writes them; the value is read as YAML.

    >>> key_values(["map_name:8x8", "is_slippery:False"], "--env-kwargs")
    {'map_name': '8x8', 'is_slippery': False}

    Raises:
        ConfigError: One has no colon.
    """
    found = {}
    for item in items:
        key, colon, text = item.partition(":")
        if not (colon and key and text):
            raise ConfigError(f"{flag} must be key:value, got {item!r}. Write e.g. {flag} a:1.")
        found[key] = _value(text)
    return found


def _value(text: str) -> Any:
    """As YAML, save that YAML reads ``1e-3`` and ``None`` as text."""
    if text == "None":
        return None
    if _POWER.fullmatch(text):
        return float(text)
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def wide_console() -> Console:
    """Where people read: as wide as the terminal, and wide enough for a table where there is none."""
    from rich.console import Console as RichConsole

    made = RichConsole()
    return made if made.is_terminal else RichConsole(width=110)
