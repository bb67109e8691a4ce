"""Expressions of the source, from syntax to values."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from rewardwrap.calculus.arrays import is_constant
from rewardwrap.calculus.graph import Box, Outside
from rewardwrap.calculus.known import negated
from rewardwrap.calculus.names import (
    Called,
    Method,
    Module,
    Observation,
    Reported,
    bare,
    bound,
    looked_up,
    truth,
)
from rewardwrap.calculus.truths import SIGNS, Scope, Truths
from rewardwrap.calculus.words import CONSTANTS, TYPES, Dtype

BUILTINS = frozenset({
    "abs", "all", "any", "bool", "dict", "enumerate", "float", "int", "len", "list", "max", "min", "range",
    "reversed", "round", "sorted", "sum", "tuple", "zip",
})  # fmt: skip
DEEPEST = 12
"""Helpers that call helpers."""


class Expressions(Truths):
    """Turns expressions into values.

    Args:
        arrays: Operations of the style.
    """

    def value(self, node: ast.expr | None, scope: Scope) -> Any:
        """What an expression is.

        Raises:
            Outside: It is no part of the calculus.
        """
        self.arrays.graph.spend()
        reader = getattr(self, f"_{type(node).__name__.lower()}", None)
        if reader is None:
            raise Outside(type(node).__name__)
        return reader(node, scope)

    # --- names and containers -------------------------------------------------------------------

    def _constant(self, node: ast.Constant, scope: Scope) -> Any:
        return node.value

    def _name(self, node: ast.Name, scope: Scope) -> Any:
        for names in (scope, self.outer):
            if node.id in names:
                return names[node.id]
        if node.id in ("np", "numpy", "math"):
            return Module("math" if node.id == "math" else "np")
        if node.id in ("float", "int", "bool"):
            return Dtype(TYPES[node.id])
        if node.id in BUILTINS:
            return Called("builtins", node.id)
        raise Outside(f"the name {node.id}")

    def _tuple(self, node: ast.Tuple, scope: Scope) -> Any:
        return tuple(bound(self.value(item, scope)) for item in node.elts)

    def _list(self, node: ast.List, scope: Scope) -> Any:
        return [bound(self.value(item, scope)) for item in node.elts]

    def _dict(self, node: ast.Dict, scope: Scope) -> Any:
        made = {}
        for key, value in zip(node.keys, node.values, strict=True):
            name = self.value(key, scope)
            if not isinstance(name, str | int):
                raise Outside("a key that is not written out")
            made[name] = bound(self.value(value, scope))
        return made

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        owner, name = self.value(node.value, scope), node.attr
        if isinstance(owner, Module):
            if owner.name == "np" and name == "linalg":
                return Module("linalg")
            if name in CONSTANTS or (owner.name == "math" and name == "tau"):
                return CONSTANTS.get(name, 2 * np.pi)
            return (
                Dtype(TYPES[name])
                if owner.name == "np" and name in TYPES
                else Called(owner.name, name)
            )
        if isinstance(owner, Observation):
            if name in owner.fields:
                return owner.fields[name]
            owner = owner.value
        if isinstance(owner, Reported):
            return Method(owner, name)
        if name in ("shape", "ndim") or (name == "size" and not self.arrays.batched):
            shape = self.arrays.shape(owner)
            return (
                {"shape": shape, "ndim": len(shape)}.get(name)
                if name != "size"
                else int(np.prod(shape))
            )
        return Method(owner, name)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        owner = self.value(node.value, scope)
        key = self._key(node.slice, scope)
        if isinstance(owner, Reported):
            if key not in owner.values:
                raise Outside(f"info without {key!r}")
            return owner.values[key]
        if isinstance(owner, Observation):
            if isinstance(key, str) and key in owner.fields:
                return owner.fields[key]
            owner = owner.value
        if isinstance(owner, dict | list | tuple):
            return looked_up(owner, key)
        if not isinstance(owner, Box | np.ndarray):
            raise Outside("an index into something else")
        return self.arrays.index(owner, key)

    def _key(self, node: ast.expr, scope: Scope) -> Any:
        if isinstance(node, ast.Slice):
            return slice(
                *(
                    None if end is None else self.value(end, scope)
                    for end in (node.lower, node.upper, node.step)
                )
            )
        if isinstance(node, ast.Tuple):
            return tuple(self._key(item, scope) for item in node.elts)
        return self.value(node, scope)

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp, scope: Scope) -> Any:
        return [
            bound(self.value(node.elt, inner)) for inner in self._scopes(node.generators, scope)
        ]

    _generatorexp = _listcomp

    def _dictcomp(self, node: ast.DictComp, scope: Scope) -> Any:
        return {
            self.value(node.key, inner): bound(self.value(node.value, inner))
            for inner in self._scopes(node.generators, scope)
        }

    def _scopes(self, generators: list[ast.comprehension], scope: Scope) -> list[Scope]:
        scopes = [dict(scope)]
        for generator in generators:
            grown = []
            for outer in scopes:
                for item in self.items(self.value(generator.iter, outer)):
                    inner = dict(outer)
                    self.assign(generator.target, item, inner)
                    if all(truth(self.value(test, inner)) for test in generator.ifs):
                        grown.append(inner)
            scopes = grown
        return scopes

    def items(self, value: Any) -> list[Any]:
        """What a loop runs over, where that is known."""
        value = bare(value)
        if isinstance(value, list | tuple | dict):
            made = [*value]
        elif isinstance(value, np.ndarray) and value.ndim:
            made = [v if v.ndim else v[()] for v in value]
        elif isinstance(value, Box) and not self.arrays.batched and value.node.row:
            made = [self.arrays.index(value, i) for i in range(value.node.row[0])]
        else:
            raise Outside("a loop over rows")
        self.arrays.graph.spend(len(made))
        return made

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        """``target = value`` for names and tuples of them."""
        if isinstance(target, ast.Name):
            scope[target.id] = bound(value)
        elif isinstance(target, ast.Tuple | ast.List):
            items = self.items(value)
            if len(items) != len(target.elts):
                raise Outside("an unpacking of another length")
            for inner, item in zip(target.elts, items, strict=True):
                self.assign(inner, item, scope)
        else:
            raise Outside("an assignment into an array")

    # --- operators ------------------------------------------------------------------------------

    def _binop(self, node: ast.BinOp, scope: Scope) -> Any:
        return self.operated(node.op, self.value(node.left, scope), self.value(node.right, scope))

    def operated(self, sign: ast.operator, left: Any, right: Any) -> Any:
        """``left sign right`` for any of Python's operators."""
        left, right = bare(left), bare(right)
        if isinstance(sign, ast.MatMult):
            return self.functions.dot(left, right)
        if isinstance(left, list) and isinstance(right, list) and isinstance(sign, ast.Add):
            self.arrays.graph.spend(len(left) + len(right))
            return [*left, *right]
        return self._spelled(SIGNS[type(sign)], left, right)

    def _unaryop(self, node: ast.UnaryOp, scope: Scope) -> Any:
        value = bare(self.value(node.operand, scope))
        if isinstance(node.op, ast.Not):
            if isinstance(value, Box):
                self._require_one_truth(value)
                return self.functions.call("np", "logical_not", [value], {})
            return not truth(value)
        if isinstance(node.op, ast.Invert):
            if not isinstance(value, Box) or value.node.dtype != bool:
                raise Outside("~ of something that is not true or false")
            return self.functions.call("np", "logical_not", [value], {})
        if isinstance(node.op, ast.UAdd):
            return value
        return negated(value) if is_constant(value) else self.functions.negative(value)

    # --- calls ----------------------------------------------------------------------------------

    def _call(self, node: ast.Call, scope: Scope) -> Any:
        function = self.value(node.func, scope)
        given = [self.value(argument, scope) for argument in node.args]
        named = {}
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg in ("out", "where", "casting", "order", "subok"):
                raise Outside(f"{keyword.arg}=")
            named[keyword.arg] = self.value(keyword.value, scope)
        if isinstance(function, ast.FunctionDef):
            return self.helper(function, given, named)
        given, named = [bare(v) for v in given], {k: bare(v) for k, v in named.items()}
        try:
            if isinstance(function, Called):
                return self.functions.call(function.owner, function.name, given, named)
            if isinstance(function, Dtype):
                name = {"float64": "float", "int64": "int"}.get(function.name, function.name)
                return self.functions.call("builtins", name, given, named)
            if isinstance(function, Method):
                return self._method(function, given, named)
        except (TypeError, IndexError, AttributeError) as error:
            raise Outside(f"a call that is not known ({error})") from None
        raise Outside("a call of something else")

    def _method(self, method: Method, given: list[Any], named: dict[str, Any]) -> Any:
        owner = method.value
        if isinstance(owner, Reported):
            if method.name != "get" or named or not given or not isinstance(given[0], str):
                raise Outside(f"info.{method.name}")
            return owner.values[given[0]] if given[0] in owner.values else (given[1:] or [None])[0]
        if isinstance(owner, list) and method.name == "append":
            given = [bound(value) for value in given]
        return self.functions.method(owner, method.name, given, named)

    def helper(self, function: ast.FunctionDef, given: list[Any], named: dict[str, Any]) -> Any:
        """A function of the source, written in where it is called."""
        raise NotImplementedError
