"""Which columns a user's function takes, and how errors name it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rewardwrap.core.errors import ConfigError

COLUMNS = ("obs", "action", "next_obs", "reward", "terminated", "truncated", "info")

ALIASES = {
    "obs": ("o", "s", "state", "observation", "ob", "states", "observations"),
    "action": ("a", "act", "acts", "actions"),
    "next_obs": ("next_state", "next_observation", "next_o", "next_s", "next_states", "s_next", "new_obs"),
    "reward": ("r", "rew", "rewards"),
    "info": ("infos",),
}  # fmt: skip

WHOLE = "batch"
"""What stands for the whole `Transitions` among the columns."""

COLUMN_OF = {name: name for name in COLUMNS} | {a: n for n, names in ALIASES.items() for a in names}


@dataclass(frozen=True)
class Signature:
    """Which columns a function takes, in the order in which they are given.

    Args:
        columns: Of the batch, for each parameter.
        keywords: Names of the last parameters, where they must be given by name.
    """

    columns: tuple[str, ...]
    keywords: tuple[str, ...] = ()


def signature_of(
    function: Callable[..., Any],
    subject: str,
    *,
    allowed: Sequence[str] = COLUMNS,
    order: Sequence[str] = (),
) -> Signature:
    """The columns that a function takes, by the names of its parameters, or else by their order.

    Args:
        function: What the user brought.
        subject: What errors call it.
        allowed: Columns that it may take.
        order: Columns that parameters of other names stand for, first to last. Without an order a
            single parameter of another name takes the whole batch, as column ``"batch"``.

    Raises:
        ConfigError: It asks for something else.
    """
    if hasattr(function, "forward"):
        raise ConfigError(
            f"{subject} {type(function).__name__} must take arrays, got a module that takes tensors. "
            "Write e.g. lambda obs: net(torch.as_tensor(obs))."
        )
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return Signature((*order[:1],) or ("obs",))  # written in C, says nothing
    needed = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    names = [f"*{p.name}" if p.kind is p.VAR_POSITIONAL else p.name for p in needed]
    if len(names) == 1 and not order and names[0] not in COLUMN_OF and names[0][0] != "*":
        return Signature((WHOLE,))
    found = [_column(name, i, order) for i, name in enumerate(names)]
    if not names or any(column not in allowed for column in found):
        batch = "" if order else " or one batch"
        asked = f"columns ({', '.join(allowed)}){batch}"
        raise ConfigError(
            f"{subject} {where(function)} must take {asked}, got ({', '.join(names)}). "
            "Rename its parameters, or bind the others with functools.partial."
        )
    keywords = tuple(p.name for p in needed if p.kind is p.KEYWORD_ONLY)
    return Signature(tuple(str(column) for column in found), keywords)


def _column(name: str, place: int, order: Sequence[str]) -> str | None:
    if name in COLUMN_OF:
        return COLUMN_OF[name]
    return order[place] if place < len(order) and name[0] != "*" else None


def where(function: Callable[..., Any]) -> str:
    """What errors call a function: its name, and where it stands."""
    inner = innermost(function)
    name = getattr(inner, "__qualname__", type(function).__name__).rpartition("<locals>.")[2]
    code = getattr(inner, "__code__", None)
    return name if code is None else f"{name} ({_short(code.co_filename)}:{code.co_firstlineno})"


def line_of(function: Callable[..., Any], error: BaseException) -> str:
    """`` in file:line``: the last line of the user's own file that an error passed."""
    code = getattr(innermost(function), "__code__", None)
    lines, trace = [], error.__traceback__
    while trace is not None:
        if code is not None and trace.tb_frame.f_code.co_filename == code.co_filename:
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return f" in {_short(code.co_filename)}:{lines[-1]}" if code is not None and lines else ""


def innermost(function: Callable[..., Any]) -> Any:
    """The plain function behind partials, methods, decorators and callable objects."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif hasattr(function, "__func__"):
            function = function.__func__
        elif not hasattr(function, "__code__") and hasattr(type(function).__call__, "__code__"):
            return type(function).__call__
        else:
            return function


def _short(file: str) -> str:
    return file.replace("\\", "/").rpartition("/")[2]
