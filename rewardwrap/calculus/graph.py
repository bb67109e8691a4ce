"""Values of translated code: numbers known now, and operations on columns that come with each batch.

A `Node` is one numpy operation, written as a template over its arguments. Its first axis is the batch,
and templates name axes from the end, so the same text serves a batch and one lane (`calculus.text`).
What shape and dtype an operation has is found by doing it, on `SAMPLE` rows of ones: there are no rules
of promotion here that could differ from numpy's.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

SAMPLE = 3
MAX_NODES = 1500
MAX_STEPS = 20_000
"""Of translation: loops are unrolled and helpers written in, each part of them a step."""
SPREAD = 16
"""All operations together hold at most so many times what the columns hold, for each row ..."""
FREE = 1 << 16
"""... and these numbers on top."""
MAX_CONSTANT = 4096
EXACT = 2**53
DTYPES = {name: np.dtype(name) for name in ("float64", "float32", "int64", "int32", "bool")}


class Outside(Exception):
    """The code is no part of the calculus; it may still be right, and run in its process.

    Args:
        why: What it holds.
    """


def _slow(f: Any, ufunc: Any) -> Any:
    """A function of Python floats, with numpy's answer where ``math`` raises."""

    def of(*x: float) -> float:
        try:
            return f(*x)  # type: ignore[no-any-return]
        except (ValueError, OverflowError, ZeroDivisionError):
            with np.errstate(all="ignore"):
                return float(ufunc(*map(np.float64, x)))

    return of


def _lower(a: float, b: float) -> float:
    return a if a <= b or a != a else b


def _upper(a: float, b: float) -> float:
    return a if a >= b or a != a else b


SCALARS = {
    f"m_{name}": _slow(getattr(math, other), getattr(np, name))
    for name, other in (
        ("sqrt", "sqrt"), ("exp", "exp"), ("expm1", "expm1"), ("log", "log"), ("log1p", "log1p"),
        ("log2", "log2"), ("log10", "log10"), ("sin", "sin"), ("cos", "cos"), ("tan", "tan"),
        ("arcsin", "asin"), ("arccos", "acos"), ("arctan", "atan"), ("sinh", "sinh"),
        ("cosh", "cosh"), ("tanh", "tanh"), ("arctan2", "atan2"), ("hypot", "hypot"), ("power", "pow"),
    )
} | {
    "m_minimum": _lower,
    "m_maximum": _upper,
    "m_divide": _slow(lambda a, b: a / b, np.divide),
}  # fmt: skip
"""What the text of one lane calls for numbers: numpy's functions of one number cost ten times as much."""

WORDS = """absolute arccos arccosh arcsin arcsinh arctan arctan2 arctanh asarray cbrt ceil clip concatenate
    copysign cos cosh deg2rad divide exp exp2 expm1 float_power floor floor_divide fmax fmin fmod full
    heaviside hypot isfinite isinf isnan log log10 log1p log2 logaddexp logical_and logical_not logical_or
    logical_xor maximum mean minimum mod nan_to_num positive power rad2deg reciprocal remainder rint sign
    signbit sin sinc sinh sqrt square stack std tan tanh trunc var where float64 float32 int64 int32"""
FUNCTIONS = {name: getattr(np, name) for name in WORDS.split()}
REDUCERS = {
    "sum_": np.add.reduce,
    "prod_": np.multiply.reduce,
    "max_": np.maximum.reduce,
    "min_": np.minimum.reduce,
    "any_": np.logical_or.reduce,
    "all_": np.logical_and.reduce,
}
NAMES: dict[str, Any] = {**FUNCTIONS, **REDUCERS, **SCALARS, "bool_": np.bool_}


@dataclass(eq=False, slots=True)
class Node:
    """One operation.

    Args:
        batch: Its template for all rows: ``{0}`` is the first argument.
        lane: The same for one row.
        scalar: The same where each argument is a Python number; ``""`` for none.
        args: Nodes and constants.
        sample: What it gives for `SAMPLE` rows of ones.
    """

    batch: str
    lane: str
    scalar: str
    args: tuple[Any, ...]
    sample: Any

    @property
    def row(self) -> tuple[int, ...]:
        """The shape of one row."""
        return self.sample.shape[1:]  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its values."""
        return self.sample.dtype  # type: ignore[no-any-return]


class Box:
    """A value of the code: a node, and whether something else may show the same memory.

    numpy's ``x += 1`` changes an array under all its names and views. Here it makes a new value, which
    is the same thing only where nobody else looks.
    """

    __slots__ = ("bound", "node", "shared")

    def __init__(self, node: Node, *, shared: bool = False) -> None:
        self.node = node
        self.shared = shared
        self.bound = False

    def bind(self) -> None:
        """It has one more name, or lies in one more container."""
        self.shared = self.shared or self.bound
        self.bound = True


class Graph:
    """Makes nodes, each once, within bounds.

    Args:
        inputs: ``(name in the text, array of ones)`` of each column.
    """

    def __init__(self, inputs: Sequence[tuple[str, np.dtype[Any], tuple[int, ...]]]) -> None:
        self.inputs = {
            name: Node("", "", "", (), np.ones((SAMPLE, *shape), dtype))
            for name, dtype, shape in inputs
        }
        widths = [_width(node.row) for node in self.inputs.values()]
        self._room = SPREAD * sum(widths) + FREE
        self._steps = MAX_STEPS
        self._made: dict[Any, Node] = {}

    def require_room(self, *shapes: tuple[int, ...]) -> None:
        """Refuse shapes that broadcast to more than a reward can need, before anything of that size is
        made."""
        try:
            wide = _width(np.broadcast_shapes(*shapes))
        except ValueError as error:
            raise Outside(f"shapes that do not fit ({error})") from None
        if wide > self._room:
            raise Outside("more numbers than a reward can need")

    def spend(self, steps: int = 1) -> None:
        """Translate no more than a reward can need."""
        self._steps -= steps
        if self._steps < 0:
            raise Outside("more than can be written out")

    def make(self, batch: str, *args: Any, lane: str = "", scalar: str = "") -> Node:
        """The node of an operation; an equal one is handed out again."""
        self.spend()
        key = (batch, tuple(_identity(a) for a in args))
        known = self._made.get(key)
        if known is not None:
            return known
        values = [a.sample if isinstance(a, Node) else a for a in args]
        sample = done(batch, values)
        if sample.__class__ is not np.ndarray or sample.ndim < 1 or len(sample) != SAMPLE:
            raise Outside("an operation that mixes rows")
        if sample.dtype.kind not in "fiub":
            raise Outside(f"{sample.dtype} numbers")
        self._room -= _width(sample.shape[1:])
        if self._room < 0 or len(self._made) >= MAX_NODES:
            raise Outside("more numbers than a reward can need")
        made = self._made[key] = Node(batch, lane or batch, scalar, args, sample)
        return made


def done(template: str, values: Sequence[Any]) -> Any:
    """What a template gives for these values.

    Raises:
        Outside: numpy refuses them.
    """
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _compiled(template, len(values))(*values)
    except (TypeError, ValueError, IndexError, OverflowError, ZeroDivisionError) as error:
        raise Outside(f"an operation that numpy refuses ({error})") from None


@lru_cache(maxsize=1024)
def _compiled(template: str, count: int) -> Any:
    names = [f"x{k}" for k in range(count)]
    text = f"lambda {', '.join(names)}: {template.format(*names)}"
    return eval(text, {**NAMES, "rows": SAMPLE, "__builtins__": {}})  # text of this package alone


def _identity(value: Any) -> Any:
    if isinstance(value, Node):
        return id(value)
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    return (type(value), repr(value))


def _width(row: tuple[int, ...]) -> int:
    return math.prod(row)
