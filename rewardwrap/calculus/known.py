"""Python's arithmetic on numbers that are known now, as long as they stay small."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from rewardwrap.calculus.graph import EXACT, Outside

PYTHON: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "&": operator.and_, "|": operator.or_, "^": operator.xor,
}  # fmt: skip


def computed(sign: str, left: Any, right: Any) -> Any:
    """``left sign right``.

    Raises:
        Outside: Python refuses it, or it is larger than a float holds exactly.
    """
    whole = sign == "**" and isinstance(left, int) and isinstance(right, int)
    if whole and (right > 64 or (left and right > 0 and abs(float(left)) ** right > EXACT)):
        raise Outside("numbers without bound")
    try:
        made = PYTHON[sign](left, right)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise Outside(f"arithmetic that Python refuses ({error})") from None
    if isinstance(made, complex) or (isinstance(made, int) and abs(made) > EXACT):
        raise Outside("numbers without bound")
    return made


def negated(value: Any) -> Any:
    """``-value``.

    Raises:
        Outside: numpy refuses it, as it does for its truths.
    """
    try:
        return -value
    except TypeError as error:
        raise Outside(f"arithmetic that numpy refuses ({error})") from None
