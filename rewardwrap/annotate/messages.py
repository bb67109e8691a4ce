"""What a page may say: checked before it reaches the file."""

from __future__ import annotations

from typing import Any

from rewardwrap.limits import parsed

LONGEST = 10_000
"""Bytes of a message from the page."""
LARGEST = 2**63 - 1
"""Number that the file can hold."""


async def message_of(request: Any) -> dict[str, Any]:
    """The object that a request brings.

    Raises:
        ValueError: It is too long, or none.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST:
            raise ValueError(
                f"a message must have at most {LONGEST} bytes, got more. Reload the page."
            )
    try:
        found = parsed(body)
    except ValueError as error:
        raise ValueError(f"a message must be JSON, got {error}. Reload the page.") from None
    if not isinstance(found, dict):
        raise ValueError("a message must be an object, got another JSON. Reload the page.")
    return found


def number(message: Any, name: str) -> int:
    """A whole number that the file can hold, as digits or as it is.

    Raises:
        ValueError: Something else; never a Python number without a bound, which SQLite refuses.
    """
    found = message.get(name)
    digits = isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 20
    whole = int(found) if digits else found
    if isinstance(whole, bool) or not isinstance(whole, int) or not abs(whole) <= LARGEST:
        raise ValueError(
            f"{name} must be a whole number of at most 19 digits, got {_short(found)}. Reload the page."
        )
    return whole


def word(message: dict[str, Any], name: str) -> str:
    """Text that can be written down.

    Raises:
        ValueError: Something else, or half a character.
    """
    found = message.get(name)
    if not isinstance(found, str) or any("\ud800" <= letter <= "\udfff" for letter in found):
        raise ValueError(f"{name} must be text, got {_short(found)}. Reload the page.")
    return found


def _short(value: Any) -> str:
    shown = ascii(value) if not isinstance(value, int) or abs(value) <= LARGEST else "a larger one"
    return shown if len(shown) <= 40 else f"{shown[:40]}..."


def size_of(header: str | None) -> int:
    """Bytes that a message says it has; what is no number is as good as too many."""
    said = header or "0"
    return int(said) if said.isascii() and said.isdigit() and len(said) < 20 else LONGEST + 1
