"""What a function computes, as eight digits: the same in every process, another where its code is another.

Pickled bytes would differ from process to process (order of sets, interned names); this reads the code,
the constants, the defaults and what the function closes over, and no line numbers.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.plain import function_name


def fingerprint(function: Any) -> str:
    """Eight hexadecimal digits.

    >>> def scaled(by):
    ...     return lambda obs: by * obs
    >>> fingerprint(scaled(2)) == fingerprint(scaled(2)), fingerprint(scaled(2)) == fingerprint(scaled(3))
    (True, False)
    """
    return hashlib.sha256(repr(_described(function, ())).encode()).hexdigest()[:8]


def _described(value: Any, above: tuple[int, ...]) -> Any:
    """Nested tuples of text that tell one value from another; what refers to itself is told once."""
    if id(value) in above:
        return "again"
    above = (*above, id(value))
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return repr(value)
    if isinstance(value, tuple | list):
        return tuple(_described(item, above) for item in value)
    if isinstance(value, set | frozenset):
        return tuple(sorted(repr(_described(item, above)) for item in value))
    if isinstance(value, Mapping):
        return tuple((repr(key), _described(item, above)) for key, item in value.items())
    if isinstance(value, np.ndarray) and value.dtype != object:
        return (
            value.shape,
            str(value.dtype),
            hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest(),
        )
    if isinstance(value, types.ModuleType):
        return value.__name__
    if isinstance(value, types.CodeType):
        consts = tuple(_described(each, above) for each in value.co_consts)
        return (value.co_code.hex(), consts, value.co_names, value.co_varnames, value.co_freevars)
    if isinstance(value, types.FunctionType):
        return _of_function(value, above)
    if isinstance(value, types.MethodType):
        return (_described(value.__func__, above), _described(value.__self__, above))
    if isinstance(value, functools.partial):
        return tuple(_described(part, above) for part in (value.func, value.args, value.keywords))
    return _otherwise(value)


def _of_function(function: types.FunctionType, above: tuple[int, ...]) -> Any:
    named = _name(function)
    if named:
        return named
    closed = _around(function)
    parts = (function.__code__, function.__defaults__, function.__kwdefaults__, closed)
    return tuple(_described(part, above) for part in parts)


def _around(function: types.FunctionType) -> dict[str, Any]:
    """What a function reads from around it: closed-over variables and globals, by name."""
    try:
        found = inspect.getclosurevars(function)
    except ValueError:  # a variable that is not set yet
        return {}
    return dict(sorted({**found.globals, **found.nonlocals}.items()))


def _otherwise(value: Any) -> Any:
    named = _name(value) if callable(value) else ""
    if named:
        return named
    import cloudpickle

    try:
        pickled = cloudpickle.dumps(value)
    except (TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"what a function closes over must be something that cloudpickle can carry, got a "
            f"{type(value).__name__}: {error}. Make it inside the function."
        ) from error
    return hashlib.sha256(pickled).hexdigest()


def _name(value: Any) -> str:
    """``"module:function"``, where another process finds it."""
    try:
        return function_name(value)
    except ConfigError:
        return ""
