"""What a name of the source can stand for beside numbers and columns, and small questions about values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rewardwrap.calculus.graph import Box, Outside


class Module:
    """``np``, ``math`` or ``np.linalg``."""

    def __init__(self, name: str) -> None:
        self.name = name


class Called:
    """A function of a module or builtin, not yet called."""

    def __init__(self, owner: str, name: str) -> None:
        self.owner, self.name = owner, name


class Method:
    """A method of a value, not yet called."""

    def __init__(self, value: Any, name: str) -> None:
        self.value, self.name = value, name


class Observation:
    """``obs`` or ``next_obs``: an array or a dict of arrays, with named fields.

    Args:
        value: What it is.
        fields: Name -> column.
    """

    def __init__(self, value: Any, fields: Mapping[str, Box]) -> None:
        self.value, self.fields = value, fields


class Reported:
    """``info``."""

    def __init__(self, values: Mapping[str, Box]) -> None:
        self.values = values


def bound(value: Any) -> Any:
    """The value, which has one more name now."""
    if isinstance(value, Box):
        value.bind()
    return value


def bare(value: Any) -> Any:
    return value.value if isinstance(value, Observation) else value


def truth(value: Any) -> bool:
    """Of something that is known now."""
    if value is None or isinstance(
        value, bool | int | float | str | list | tuple | dict | np.generic
    ):
        return bool(value)
    raise Outside("the truth of an array")


def looked_up(container: Any, key: Any) -> Any:
    """``container[key]`` of a list, a tuple or a dict."""
    if isinstance(key, slice) and not isinstance(container, dict):
        ends = (key.start, key.stop, key.step)
        if not all(end is None or type(end) is int for end in ends):
            raise Outside("a slice that is not written out")
    elif not isinstance(key, str | int):
        raise Outside("a key that is not written out")
    try:
        return container[key]
    except (KeyError, IndexError, TypeError) as error:
        raise Outside(f"something that is not there ({error})") from None
