"""Functions without a name of their own, such as lambdas, while one call trains on them.

A configuration names functions, ``"module:function"``. Inside `carrying` a function that nobody can import
goes by ``"unnamed:<what it was called>_<fingerprint>"``, and such a name finds it again; outside of it the
name finds nothing, and whoever reads it in a file is told so. Nothing of the function is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

MODULE = "unnamed"
"""What stands for the module of a function that has none."""
Function = Callable[..., Any]
_carried: ContextVar[Mapping[str, Function]] = ContextVar("rewardwrap unnamed", default={})  # noqa: B039 - never changed


@contextmanager
def carrying(functions: Mapping[str, Function]) -> Iterator[None]:
    """Let these names stand for these functions, beside those that are carried already."""
    token = _carried.set({**_carried.get(), **functions})
    try:
        yield
    finally:
        _carried.reset(token)


def name_of(function: Function) -> str | None:
    """The name that a function is carried under."""
    return next((name for name, known in _carried.get().items() if known is function), None)


def carried(name: str) -> Function | None:
    """The function that is carried under a name."""
    return _carried.get().get(name)


def sentence(name: str) -> str:
    """Why a name finds nothing here."""
    return (
        f'function must be one that can be imported, got "{name}": a lambda or local function of the '
        "program that trained with it, which is not written down. Evaluate it in that program, or put "
        'it at the top of a module, name it "module:function" and train again.'
    )
