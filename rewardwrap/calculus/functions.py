"""The functions that the calculus knows, by the names under which code calls them."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rewardwrap.calculus.arrays import is_constant
from rewardwrap.calculus.graph import Box, Outside
from rewardwrap.calculus.made import Made, dtype_of, listed
from rewardwrap.calculus.words import (
    ALIASES,
    MEASURED,
    NAMED,
    ONE,
    REDUCTIONS,
    SCALAR,
    SPELLED,
    TWO,
    TYPES,
)

Function = Callable[..., Any]


class Functions(Made):
    """Calls of code, by name.

    Args:
        arrays: Operations of the style.
    """

    # --- operators ------------------------------------------------------------------------------

    def spelled(self, sign: str, left: Any, right: Any) -> Any:
        """``left sign right``."""
        if sign == "**":
            return self.power(left, right)
        text, scalar = SPELLED[sign]
        if sign in ("and", "or") and not _truths(left, right):
            scalar = ""
        return self.arrays.elementwise(text, left, right, scalar=scalar)

    def power(self, base: Any, exponent: Any) -> Any:
        """``base ** exponent``; small whole ones of one number are products for a number too, as numpy
        has it."""
        if isinstance(base, Box) and type(exponent) in (int, float) and exponent == 2:
            return self.square(base)
        return self.arrays.elementwise("({0} ** {1})", base, exponent, scalar="m_power({0}, {1})")

    def square(self, value: Any) -> Any:
        """``value * value``: what numpy computes for ``value ** 2`` too."""
        return self.arrays.elementwise("square({0})", value, scalar="({0} * {0})")

    def negative(self, value: Any) -> Any:
        """``-value``."""
        return self.arrays.elementwise("(-{0})", value, scalar="(-{0})")

    def where(self, condition: Any, left: Any, right: Any) -> Any:
        """``np.where`` with three arguments."""
        scalar = "({1} if {0} else {2})" if _truths(condition) else ""
        return self.arrays.elementwise(
            "where({0}, {1}, {2})", condition, left, right, scalar=scalar
        )

    def clip(self, value: Any, low: Any = None, high: Any = None) -> Any:
        """``np.clip``; the lower bound first, as numpy has it."""
        value = value if low is None else self.spelled("maximum", value, low)
        return value if high is None else self.spelled("minimum", value, high)

    # --- reductions -----------------------------------------------------------------------------

    def reduction(self, name: str, value: Any, axis: Any = None, keepdims: Any = False) -> Any:
        """``np.sum`` and its kin."""
        return self.arrays.reduce(REDUCTIONS[name], value, axis, bool(keepdims))

    def norm(self, value: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
        """``np.linalg.norm`` of vectors: orders 1, 2 and infinity."""
        if isinstance(value, list | tuple):
            value = self.arrays.stacked(value, 0)
        if axis is None and ord is not None and len(self.arrays.shape(value)) != 1:
            raise Outside("a norm of matrices")
        if isinstance(axis, tuple):
            raise Outside("a norm of matrices")
        if ord is None or ord == 2:
            total = self.reduction("sum", self.square(self._real(value)), axis, keepdims)
            return self.call("np", "sqrt", [total], {})
        size = self.call("np", "absolute", [value], {})
        if ord == 1:
            return self.reduction("sum", size, axis, keepdims)
        if ord == math.inf:
            return self.reduction("max", size, axis, keepdims)
        raise Outside("a norm of this order")

    def _real(self, value: Any) -> Any:
        dtype = value.node.dtype if isinstance(value, Box) else np.asarray(value).dtype
        return value if dtype.kind == "f" else self.arrays.cast(value, "float64")

    def dot(self, left: Any, right: Any) -> Any:
        """``left @ right`` with known numbers on the right, or of two vectors of a row."""
        if is_constant(left) and is_constant(right):
            return self.arrays.elementwise("({0} @ {1})", left, right)
        vectors = all(len(self.arrays.shape(v)) == 1 for v in (left, right))
        if not self.arrays.batched and vectors:
            return self.reduction("sum", self.spelled("*", left, right))
        if (
            not isinstance(left, Box)
            or not is_constant(right)
            or np.ndim(right) not in (1, 2)
            or not left.node.row
        ):
            raise Outside("a product of matrices")
        self.arrays.graph.require_room((*left.node.row[:-1], *np.shape(right)[1:]))
        return Box(self.arrays.graph.make("({0} @ {1})", left.node, right))

    # --- calls ----------------------------------------------------------------------------------

    def call(self, owner: str, name: str, given: list[Any], named: Mapping[str, Any]) -> Any:
        """``np.name(...)``, ``math.name(...)``, ``np.linalg.norm(...)`` or a builtin."""
        name = ALIASES.get(name, name)
        if owner == "math":
            return self._math(name, given, named)
        if owner == "builtins":
            return self._builtin(name, given, named)
        if owner == "linalg":
            return self.norm(*given, **named)
        if name in REDUCTIONS:
            return self.reduction(name, *given, **named)
        if name in TYPES:
            return self._one(self.arrays.cast, given, named)(TYPES[name])
        maker = self._makers().get(name)
        if maker is not None:
            return maker(*given, **named)
        if named:
            raise Outside(f"np.{name} with named arguments")
        if name in NAMED and len(given) == 2:
            return self.spelled(NAMED[name], *given)
        if (name in ONE and len(given) == 1) or (name in TWO and len(given) == 2):
            places = ", ".join(f"{{{i}}}" for i in range(len(given)))
            scalar = f"m_{name}({places})" if name in MEASURED else SCALAR.get(name, "")
            return self.arrays.elementwise(f"{name}({places})", *given, scalar=scalar)
        raise Outside(f"np.{name}")

    def _makers(self) -> dict[str, Function]:
        arrays = self.arrays
        return {
            "power": self.power,
            "square": self.square,
            "negative": self.negative,
            "where": self.where,
            "clip": self.clip,
            "dot": self.dot,
            "matmul": self.dot,
            "array": self.array,
            "asarray": self.array,
            "zeros": lambda shape, dtype=None: self.filled(shape, 0.0, dtype),
            "ones": lambda shape, dtype=None: self.filled(shape, 1.0, dtype),
            "full": lambda shape, value, dtype=None: self.filled(shape, value, dtype),
            "zeros_like": lambda value, dtype=None: self.alike(value, 0, dtype),
            "ones_like": lambda value, dtype=None: self.alike(value, 1, dtype),
            "full_like": self.alike,
            "stack": lambda values, axis=0: arrays.stacked(listed(values), axis),
            "concatenate": lambda values, axis=0: arrays.joined(listed(values), axis),
            "column_stack": self._columns,
            "nan_to_num": lambda value: arrays.elementwise("nan_to_num({0})", value),
            "shape": arrays.shape,
            "ndim": lambda value: len(arrays.shape(value)),
            "expand_dims": self._expanded,
            "diff": self._differences,
        }

    def _columns(self, values: Any) -> Any:
        if not self.arrays.batched:
            raise Outside("np.column_stack of one row")
        made = [
            self.arrays.index(v, (slice(None), None))
            if isinstance(v, Box) and not v.node.row
            else v
            for v in listed(values)
        ]
        return self.arrays.joined(made, -1)

    def _expanded(self, value: Any, axis: Any) -> Any:
        if not isinstance(value, Box) or axis != -1:
            raise Outside("np.expand_dims elsewhere than at the end")
        return self.arrays.index(value, (..., None))

    def _differences(self, value: Any, axis: Any = -1) -> Any:
        if not isinstance(value, Box) or axis != -1 or not value.node.row:
            raise Outside("np.diff of this")
        after = self.arrays.index(value, (..., slice(1, None)))
        return self.spelled("-", after, self.arrays.index(value, (..., slice(None, -1))))

    def _math(self, name: str, given: list[Any], named: Mapping[str, Any]) -> Any:
        """``math.f`` takes numbers: of one row, or known ones."""
        if named or not (name in ONE | TWO or name in ("power", "pow")):
            raise Outside(f"math.{name}")
        if all(isinstance(value, int | float) for value in given):
            known = {v: k for k, v in ALIASES.items() if hasattr(math, k)}.get(name, name)
            try:
                return float(getattr(math, known)(*given))
            except (AttributeError, ArithmeticError, TypeError, ValueError) as error:
                raise Outside(f"math.{name} of known numbers ({error})") from None
        self._require_numbers(given)
        if name in ("floor", "ceil", "trunc"):
            raise Outside(f"math.{name}")  # Python's whole number has no bound
        return self.call("np", "power" if name == "pow" else name, given, {})

    def _builtin(self, name: str, given: list[Any], named: Mapping[str, Any]) -> Any:
        if named and name not in ("dict", "sum", "enumerate"):
            raise Outside(f"{name} with named arguments")
        if name == "absolute":
            return self.call("np", "absolute", given, {})
        if name in ("min", "max"):
            items = listed(given[0]) if len(given) == 1 else given
            if all(isinstance(v, int | float) for v in items) and items:
                return getattr(builtins, name)(items)
            self._require_numbers(items)
            total = items[0]
            for item in items[1:]:
                total = self.spelled(f"{name}imum", total, item)
            return total
        if name == "sum":
            total, *rest = [*(given[1:] or [0]), *listed(given[0])]
            for item in rest:
                total = self.spelled("+", total, item)
            return total
        if name == "float":
            if isinstance(given[0], Box):
                self._require_numbers(given)
                return self.arrays.cast(given[0], "float64")
            return _python(float, given)
        if name in ("int", "bool", "round", "len", "range", "enumerate", "zip", "reversed", "sorted",
        "list",
                    "tuple", "dict", "any", "all"):  # fmt: skip
            return self._known(name, given, named)
        raise Outside(name)

    def _known(self, name: str, given: list[Any], named: Mapping[str, Any]) -> Any:
        """Builtins over what is known now."""
        if name == "len":
            value = given[0]
            return (
                len(value)
                if isinstance(value, list | tuple | dict | str)
                else self.arrays.shape(value)[0]
            )
        if name in ("int", "bool", "round"):
            return _python(getattr(builtins, name), given)
        if name == "range":
            if not all(type(n) is int for n in given):
                raise Outside("range of something that is not known")
            made = range(*given)
            self.arrays.graph.spend(len(made))
            return list(made)
        if name == "dict" and not given:
            return dict(named)
        lists = [listed(value) for value in given]
        if name in ("any", "all", "sorted") and not all(is_constant(v) for v in lists[0]):
            raise Outside(f"{name} of columns")
        made_of: Any = getattr(builtins, name)(*lists, **named)
        if name in ("enumerate", "zip", "reversed"):
            made_of = list(made_of)
        return made_of

    def _require_numbers(self, given: list[Any]) -> None:
        """Where Python wants one number: a batch is none."""
        for value in given:
            if isinstance(value, Box) and (self.arrays.batched or value.node.row):
                raise Outside("an array where Python wants one number")

    def _one(self, cast: Function, given: list[Any], named: Mapping[str, Any]) -> Function:
        if len(given) != 1 or named:
            raise Outside("a type with several arguments")
        return lambda dtype: cast(given[0], dtype)

    def method(self, value: Any, name: str, given: list[Any], named: Mapping[str, Any]) -> Any:
        """``value.name(...)`` of an array, a list or a dict."""
        if isinstance(value, dict) and name in ("items", "values", "keys", "get"):
            if name == "get":
                return value.get(*given)
            return [*getattr(value, name)()]
        if isinstance(value, list) and name == "append":
            value.append(given[0])
            return None
        if not isinstance(value, Box | np.ndarray):
            raise Outside(f".{name} of this")
        if name in REDUCTIONS:
            return self.reduction(name, value, *given, **named)
        if name == "clip":
            return self.clip(value, *given, **named)
        if name == "astype" and len(given) == 1 and not named:
            return self.arrays.cast(value, dtype_of(given[0]))
        if name == "copy" and not given and not named:
            return Box(value.node) if isinstance(value, Box) else value.copy()
        if name == "dot" and len(given) == 1:
            return self.dot(value, given[0])
        if name == "item" and not given and isinstance(value, Box):
            self._require_numbers([value])
            return value
        raise Outside(f".{name}")


def _truths(*values: Any) -> bool:
    return all(v.node.dtype == bool if isinstance(v, Box) else isinstance(v, bool) for v in values)


def _python(function: Function, given: list[Any]) -> Any:
    if not all(isinstance(v, int | float | str | np.generic) for v in given):
        raise Outside("a number that is not known")
    try:
        return function(*given)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise Outside(f"a number that Python refuses ({error})") from None
