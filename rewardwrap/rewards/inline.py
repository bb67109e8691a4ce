"""A user's function of the observation as text of one lane, so that it costs what named fields cost.

A plain function that is arithmetic on the observation is read from its source, translated by the calculus,
and written into the step of a lane; it is called where an episode starts. The condition is that nothing but
its argument can change what it returns: no closure, no default, no global name but ``np`` and ``math``.
Whatever else a function is, it is called at every step.

Numbers are Python's, as those of named fields: of a float32 observation they are exact, and what is computed
of them is rounded in float64. What jumps (comparisons, ``//``, rounding) could land on the other side, so of
float32 it is not translated.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from gymnasium.spaces import Box

from rewardwrap.calculus.arguments import Arguments
from rewardwrap.calculus.expressions import BUILTINS
from rewardwrap.calculus.graph import NAMES, Outside
from rewardwrap.calculus.text import is_number, lane_function, lane_lines
from rewardwrap.calculus.translate import FUNCTION, Paid, translate
from rewardwrap.core.function import UserFunction
from rewardwrap.core.lane import LaneCode

MODULES = {"np": np, "numpy": np, "math": math}
CONTINUOUS = frozenset({
    "abs", "absolute", "arccos", "arcsin", "arctan", "arctan2", "array", "asarray", "clip", "cos", "cosh",
    "divide", "exp", "expm1", "fabs", "float", "float32", "float64", "hypot", "log", "log10", "log1p", "log2",
    "max", "maximum", "mean", "min", "minimum", "negative", "norm", "pow", "power", "sin", "sinh", "sqrt",
    "square", "sum", "tan", "tanh",
})  # fmt: skip
"""Functions and methods that a function of float32 may call."""
JUMPS = (ast.Compare, ast.BoolOp, ast.Not, ast.FloorDiv, ast.Mod, ast.If, ast.IfExp, ast.While)
ROWS, RTOL = 16, 1e-5
_READ: WeakKeyDictionary[FunctionType, ast.Module | None] = WeakKeyDictionary()
"""To read a file costs some milliseconds, and a wrapper writes its text more than once."""


def inlined(code: LaneCode, function: UserFunction) -> str | None:
    """The variable that holds a function of ``next_obs``, written into the step.

    None where the function must be called.
    """
    space = code.task.spaces.get("obs")
    if not isinstance(space, Box) or len(space.shape) != 1 or space.dtype.kind != "f":
        return None
    if function.signature.columns != ("obs",):
        return None
    syntax = _syntax(function.function)
    if syntax is None or (space.dtype != np.float64 and _jumps(syntax)):
        return None
    for style in ("batch", "row") if function.each is None else (function.each,):
        width = space.shape[0]
        columns = [("next_obs", np.dtype(np.float64), (width,))]
        try:
            paid = translate(syntax, Arguments(columns, [("next_obs", ())], {}), (), style)
        except Outside:
            continue
        if _pays_the_same(paid, function.function, space, row=style == "row"):
            return _written(code, paid, width)
    return None


def _written(code: LaneCode, paid: Paid, width: int) -> str:
    """Add the lines; what reads one number of ``next_obs`` shares it with the rest of the lane."""
    lines, (value,), constants = lane_lines(paid, f"{code.bind(None, 'phi')}_")

    def shared(match: re.Match[str]) -> str:
        index = int(match[1]) % width
        return code.reads.setdefault(index, f"obs_{index}")

    for line in lines:
        code.line(re.sub(r"next_obs\.item\((-?\d+)\)", shared, line))
    words = set(re.findall(r"[A-Za-z_]\w*", "\n".join(lines)))
    code.names |= constants | {name: NAMES[name] for name in words & NAMES.keys()}
    code.names["errstate"] = np.errstate
    (node,) = paid.nodes
    return value if is_number(node) and node.dtype == np.float64 else f"float({value})"


def _pays_the_same(paid: Paid, function: Any, space: Box, *, row: bool) -> bool:
    """Whether the text gives what the function gives, on rows of the space."""
    rows = np.stack(_samples(space))
    one = lane_function(paid, ["next_obs"], {"next_obs": "next_obs"}, {})
    try:
        with np.errstate(all="ignore"):
            found = np.array([one(each)[0] for each in rows])
            called = [function(each) for each in rows] if row else function(rows)
            wanted = np.asarray(called, np.float64).reshape(len(rows))
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return False
    scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0)
    return np.allclose(found, wanted, rtol=RTOL, atol=RTOL * scale, equal_nan=True)


def _samples(space: Box) -> list[Any]:
    """Rows of a box, by a generator of their own."""
    own = Box(space.low, space.high, dtype=space.dtype.type, seed=0)
    return [own.sample() for _ in range(ROWS)]


def _syntax(function: Any) -> ast.Module | None:
    """The function as the calculus reads it, if nothing but its argument can change what it returns."""
    if type(function) is not FunctionType:
        return None
    if function not in _READ:
        _READ[function] = _read(function)
    return _READ[function]


def _read(function: FunctionType) -> ast.Module | None:
    if function.__closure__ or function.__defaults__:
        return None
    known = function.__globals__
    names = function.__code__.co_names
    if any(n in known and (n in BUILTINS or known[n] is not MODULES.get(n)) for n in names):
        return None
    for node in _nodes(function):
        (argument,) = [a.arg for a in node.args.args] or [""]
        body: list[ast.stmt] = (
            [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body
        )
        given = [ast.arg(argument if k == 2 else f"_{k}") for k in range(4)]
        arguments = ast.arguments([], given, None, [], [], None, [])
        made = ast.FunctionDef(FUNCTION, arguments, body, [], None, None)
        return ast.fix_missing_locations(ast.Module([made], []))
    return None


def _nodes(function: FunctionType) -> Iterator[ast.Lambda | ast.FunctionDef]:
    """Functions of the source file that compile to what this one is."""
    try:
        tree = ast.parse("".join(inspect.findsource(function)[0]))
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Lambda | ast.FunctionDef) or len(node.args.args) != 1:
            continue
        begins = {node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))}
        if function.__code__.co_firstlineno in begins and _same(node, function.__code__):
            yield node


def _same(node: ast.Lambda | ast.FunctionDef, code: CodeType) -> bool:
    """Whether the source still is what was compiled: a file may have been edited, a function replaced."""
    placed = ast.Expr(node) if isinstance(node, ast.Lambda) else node
    looks = ("co_code", "co_consts", "co_names", "co_varnames")
    # Python calls what hangs on an imported name in another way
    for imported in ([], [ast.Import([ast.alias(name) for name in MODULES])]):
        whole = ast.fix_missing_locations(ast.Module([*imported, placed], []))
        found = [c for c in compile(whole, "", "exec").co_consts if isinstance(c, CodeType)]
        if len(found) == 1 and all(getattr(found[0], n) == getattr(code, n) for n in looks):
            return True
    return False


def _jumps(syntax: ast.Module) -> bool:
    """Whether what is returned may jump between two neighbours in float32."""
    for node in ast.walk(syntax):
        if isinstance(node, JUMPS):
            return True
        called = node.func if isinstance(node, ast.Call) else None
        name = getattr(called, "attr", getattr(called, "id", None))
        if called is not None and name not in CONTINUOUS:
            return True
    return False
