"""What a source keeps outside its functions: frozen, or watched, so that a reward keeps nothing.

A strict reward pays the same for equal input. Arrays of its module are made read-only, which every way to
write into them meets (``out=``, ``+=`` through another name, views); lists and dicts are compared with
what they were after each call; anything else that could remember is refused. Runs inside the worker.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

Kept = list[tuple[Any, tuple[Any, ...]]]
"""Each list or dict of the module, with what it held."""

PLAIN = (bool, int, float, str, type(None), np.generic, range, np.dtype, np.finfo, np.ufunc, type)
GIVEN = {id(value) for module in (np, math, np.linalg) for value in vars(module).values()}
NUMBERS = "biufcU"
MODULE = "reward"
"""Where classes of the source say they come from."""
HINTS = ("typing", "__future__")
"""Where names come from that the gate lets stand in annotations alone, which are never run."""


def frozen(names: Mapping[str, Any]) -> Kept:
    """Freeze what the names of a module stand for.

    Returns:
        What is watched, for `changed`.

    Raises:
        TypeError: One of them can remember and is neither frozen nor watched.
    """
    kept: Kept = []
    for name, value in names.items():
        if not name.startswith("__") and type(value).__module__ not in HINTS:
            _freeze(name, value, kept, set())
    return kept


def _freeze(name: str, value: Any, kept: Kept, seen: set[int]) -> None:
    kind = type(value)
    if kind is np.ndarray and value.dtype.kind in NUMBERS:
        value.flags.writeable = False
    elif kind in (list, tuple, dict) and id(value) not in seen:
        seen.add(id(value))
        parts = (*value, *value.values()) if kind is dict else tuple(value)
        for part in parts:
            _freeze(name, part, kept, seen)
        if kind is not tuple:
            kept.append((value, parts))
    elif kind is type and value.__module__ == MODULE:
        for own, part in vars(value).items():
            if not own.startswith("__") or isinstance(part, FunctionType):
                _freeze(f"{name}.{own}", part, kept, seen)
    elif not (isinstance(value, PLAIN) or _is_bare(value) or id(value) in GIVEN):
        raise TypeError(
            f"{name} must be a number, an array of numbers, or a list of them, got {kind.__name__}: "
            "a reward keeps nothing between calls"
        )


def _is_bare(value: Any) -> bool:
    """Whether it is a function without variables of its own, or a module."""
    if isinstance(value, BuiltinFunctionType):
        return isinstance(value.__self__, ModuleType)
    return isinstance(value, ModuleType) or (
        type(value) is FunctionType and not (value.__closure__ or value.__dict__)
    )


def changed(kept: Kept) -> bool:
    """Whether a list or dict holds other things than it did."""
    for value, before in kept:
        now = (*value, *value.values()) if type(value) is dict else value
        if len(now) != len(before) or any(a is not b for a, b in zip(now, before, strict=True)):
            return True
    return False
