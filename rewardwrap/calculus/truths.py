"""Comparisons, ``and``, ``or``, ``in`` and what an ``if`` over a column makes of two values."""

from __future__ import annotations

import ast
from typing import Any

from rewardwrap.calculus.arrays import Arrays, is_constant
from rewardwrap.calculus.functions import Functions
from rewardwrap.calculus.graph import Box, Outside
from rewardwrap.calculus.known import computed
from rewardwrap.calculus.names import Observation, Reported, bare, truth

SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow:
    "**", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
}  # fmt: skip
Scope = dict[str, Any]


class Truths:
    """Expressions that are true or false, known now or row by row.

    Args:
        arrays: Operations of the style.
    """

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self.functions = Functions(arrays)
        self.outer: Scope = {}
        self.depth = 0

    def value(self, node: ast.expr | None, scope: Scope) -> Any:
        """What an expression is."""
        raise NotImplementedError

    def _spelled(self, sign: str, left: Any, right: Any) -> Any:
        left, right = bare(left), bare(right)
        if isinstance(left, bool | int | float) and isinstance(right, bool | int | float):
            return computed(sign, left, right)
        return self.functions.spelled(sign, left, right)

    def _boolop(self, node: ast.BoolOp, scope: Scope) -> Any:
        sign = "and" if isinstance(node.op, ast.And) else "or"
        found: Any = None
        for i, part in enumerate(node.values):
            value = self.value(part, scope)
            if not i or not isinstance(found, Box):
                if i and truth(found) is (sign == "or"):
                    return found
                found = value
                if isinstance(found, Box):
                    self._require_one_truth(found)
                continue
            if isinstance(value, Box):
                self._require_one_truth(value)
            elif not isinstance(value, bool):
                raise Outside(f"{sign} of something that is not true or false")
            found = self.functions.spelled(sign, found, value)
        return found

    def _compare(self, node: ast.Compare, scope: Scope) -> Any:
        left, found = self.value(node.left, scope), None
        for sign, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.value(right_node, scope)
            here = self._compared(sign, left, right)
            if found is None or found is True:
                found = here
            elif found is not False:
                self._require_one_truth(found)
                found = self.functions.spelled("and", found, here)
            left = right
        if len(node.ops) > 1 and isinstance(found, Box):
            self._require_one_truth(found)
        return found

    def _compared(self, sign: ast.cmpop, left: Any, right: Any) -> Any:
        if isinstance(sign, ast.Is | ast.IsNot):
            if right is not None:
                raise Outside("is")
            return (left is None) is isinstance(sign, ast.Is)
        if isinstance(sign, ast.In | ast.NotIn):
            return self._contains(right, left) is isinstance(sign, ast.In)
        if isinstance(left, str) or isinstance(right, str) or left is None or right is None:
            raise Outside("a comparison of text")
        return self._spelled(SIGNS[type(sign)], left, right)

    def _contains(self, container: Any, item: Any) -> bool:
        if isinstance(container, Reported):
            return item in container.values
        if isinstance(container, Observation):
            container = container.value
        if isinstance(container, dict) and isinstance(item, str | int):
            return item in container
        plain = isinstance(container, list | tuple) and isinstance(item, str | int)
        if plain and all(isinstance(v, str | int | float) for v in container):
            return item in container
        raise Outside("in")

    def _require_one_truth(self, value: Box) -> None:
        if self.arrays.batched or value.node.row or value.node.dtype != bool:
            raise Outside("the truth of an array")

    def _ifexp(self, node: ast.IfExp, scope: Scope) -> Any:
        test = self.value(node.test, scope)
        if not isinstance(test, Box):
            return self.value(node.body if truth(test) else node.orelse, scope)
        test = self.tested(test)
        return self.merged(test, self.value(node.body, scope), self.value(node.orelse, scope))

    def tested(self, test: Box) -> Box:
        """The condition of an ``if`` of one row, as true or false."""
        if self.arrays.batched or test.node.row:
            raise Outside("if with a column")
        made: Box = test if test.node.dtype == bool else self.functions.spelled("!=", test, 0)
        return made

    def merged(self, test: Box, left: Any, right: Any) -> Any:
        """What a value is after an ``if``: chosen row by row."""
        if left is right:
            return left
        if (
            isinstance(left, Box)
            or isinstance(right, Box)
            or (is_constant(left) and is_constant(right))
        ):
            if self.arrays.shape(left) != self.arrays.shape(right):
                raise Outside("values of different shapes after if")
            return self.functions.where(test, left, right)
        if isinstance(left, dict) and isinstance(right, dict) and [*left] == [*right]:
            return {key: self.merged(test, left[key], right[key]) for key in left}
        if type(left) is type(right) and isinstance(left, list | tuple) and len(left) == len(right):
            return type(left)(self.merged(test, a, b) for a, b in zip(left, right, strict=True))
        if isinstance(left, str | None) and left == right:
            return left
        raise Outside("different things after if")
