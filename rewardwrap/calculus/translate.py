"""Statements of the source, and the whole of it: from a syntax tree to the nodes that it pays.

``if`` over a column of one row becomes a choice row by row: both sides are computed, and what is not taken
may be infinite without harm. Loops over what is known are unrolled, helper functions are written in.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rewardwrap.calculus.arguments import Arguments
from rewardwrap.calculus.arrays import Arrays, Style, is_constant
from rewardwrap.calculus.expressions import DEEPEST, Expressions
from rewardwrap.calculus.graph import Box, Graph, Node, Outside
from rewardwrap.calculus.names import bound, truth
from rewardwrap.calculus.truths import Scope

FUNCTION = "reward"


@dataclass(frozen=True)
class Returned:
    """A function returned this."""

    value: Any


class Stopped:
    """``break`` or ``continue``."""

    def __init__(self, ends: bool) -> None:
        self.ends = ends


@dataclass(frozen=True)
class Paid:
    """What a source pays, as nodes.

    Args:
        nodes: The reward, then its components in their order; each ``(B,)``.
        graph: Where they were made.
        style: How the source sees its arguments.
    """

    nodes: tuple[Node, ...]
    graph: Graph
    style: Style


class Statements(Expressions):
    """Runs statements over values."""

    def helper(self, function: ast.FunctionDef, given: list[Any], named: dict[str, Any]) -> Any:
        names = [a.arg for a in function.args.args]
        defaults = function.args.defaults
        scope = {
            name: default.value if isinstance(default, ast.Constant) else self.value(default, {})
            for name, default in zip(names[len(names) - len(defaults) :], defaults, strict=True)
        }
        if len(given) > len(names) or not named.keys() <= set(names[len(given) :]):
            raise Outside(f"a call of {function.name} with other arguments")
        scope |= {name: bound(value) for name, value in zip(names, given, strict=False)}
        scope |= {name: bound(value) for name, value in named.items()}
        if len(scope) != len(names):
            raise Outside(f"a call of {function.name} with too few arguments")
        self.depth += 1
        if self.depth > DEEPEST:
            raise Outside("functions that call each other without end")
        found = self.block(function.body, scope)
        self.depth -= 1
        return found.value if isinstance(found, Returned) else None

    def block(self, body: Sequence[ast.stmt], scope: Scope) -> Returned | Stopped | None:
        """Statements one after the other, until one of them leaves."""
        for at, node in enumerate(body):
            self.arrays.graph.spend()
            if isinstance(node, ast.If):
                test = self.value(node.test, scope)
                if isinstance(test, Box):
                    if _leaves(node):
                        return self._parted(self.tested(test), node, body[at + 1 :], scope)
                    self._chosen(self.tested(test), node, scope)
                    continue
                found = self.block(node.body if truth(test) else node.orelse, scope)
            else:
                found = self._statement(node, scope)
            if found is not None:
                return found
        return None

    def _parted(
        self, test: Box, node: ast.If, rest: Sequence[ast.stmt], scope: Scope
    ) -> Returned | Stopped | None:
        """An ``if`` over a column that may return: the rest of the function on either way."""
        left = self.block([*node.body, *rest], copied(scope))
        right = self.block([*node.orelse, *rest], copied(scope))
        if not isinstance(left, Returned) or not isinstance(right, Returned):
            raise Outside("if with a column that leaves a loop")
        return Returned(self.merged(test, left.value, right.value))

    def _chosen(self, test: Box, node: ast.If, scope: Scope) -> None:
        """An ``if`` over a column whose sides go on: each name is what its side made of it."""
        left, right = copied(scope), copied(scope)
        self.block(node.body, left)
        self.block(node.orelse, right)
        for name in {**left, **right}:
            if name in left and name in right:
                before = scope.get(name)
                scope[name] = bound(
                    _same(before, left[name], right[name])
                    or self.merged(test, left[name], right[name])
                )
            else:
                scope.pop(name, None)

    def _statement(self, node: ast.stmt, scope: Scope) -> Returned | Stopped | None:
        if isinstance(node, ast.Return):
            return Returned(None if node.value is None else self.value(node.value, scope))
        if isinstance(node, ast.Assign):
            value = self.value(node.value, scope)
            for target in node.targets:
                self._store(target, value, scope)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self._store(node.target, self.value(node.value, scope), scope)
        elif isinstance(node, ast.AugAssign):
            self._augmented(node, scope)
        elif isinstance(node, ast.For):
            return self._loop(node, scope)
        elif isinstance(node, ast.FunctionDef):
            scope[node.name] = node
        elif isinstance(node, ast.Expr):
            self.value(node.value, scope)
        elif isinstance(node, ast.Break | ast.Continue):
            return Stopped(isinstance(node, ast.Break))
        elif not isinstance(node, ast.Pass):
            raise Outside(type(node).__name__)
        return None

    def _loop(self, node: ast.For, scope: Scope) -> Returned | Stopped | None:
        for item in self.items(self.value(node.iter, scope)):
            self.assign(node.target, item, scope)
            found = self.block(node.body, scope)
            if isinstance(found, Returned):
                return found
            if isinstance(found, Stopped) and found.ends:
                return None
        return self.block(node.orelse, scope)

    def _store(self, target: ast.expr, value: Any, scope: Scope) -> None:
        if not isinstance(target, ast.Subscript):
            self.assign(target, value, scope)
            return
        owner = self.value(target.value, scope)
        key = self._key(target.slice, scope)
        if isinstance(owner, dict) and isinstance(key, str | int):
            owner[key] = bound(value)
        else:
            self._masked(target, key, value, scope)

    def _masked(self, target: ast.Subscript, key: Any, value: Any, scope: Scope) -> None:
        """``x[mask] = number``: chosen row by row."""
        name = target.value.id if isinstance(target.value, ast.Name) else ""
        owner = scope.get(name)
        if not (
            isinstance(owner, Box)
            and isinstance(key, Box)
            and key.node.dtype == bool
            and self.arrays.shape(key) == self.arrays.shape(owner)
            and not owner.shared
            and is_constant(value)
            and np.ndim(value) == 0
        ):
            raise Outside("an assignment into an array")
        made = self.functions.where(key, value, owner)
        scope[name] = bound(self._in_place(owner, made))

    def _augmented(self, node: ast.AugAssign, scope: Scope) -> None:
        target = node.target
        added = self.value(node.value, scope)
        if isinstance(target, ast.Subscript):
            owner, key = self.value(target.value, scope), self._key(target.slice, scope)
            if isinstance(owner, dict) and key in owner:
                owner[key] = bound(self._added(owner[key], node.op, added))
                return
            if (
                isinstance(owner, Box)
                and isinstance(key, Box)
                and isinstance(target.value, ast.Name)
            ):
                changed = self.operated(node.op, owner, added)
                self._masked_change(target.value.id, owner, key, changed, added, scope)
                return
            raise Outside("an assignment into an array")
        if not isinstance(target, ast.Name):
            raise Outside("an assignment into something else")
        scope[target.id] = bound(self._added(self.value(target, scope), node.op, added))

    def _masked_change(
        self, name: str, owner: Box, key: Box, changed: Any, added: Any, scope: Scope
    ) -> None:
        """``x[mask] += number``."""
        alike = key.node.dtype == bool and self.arrays.shape(key) == self.arrays.shape(owner)
        if not alike or owner.shared or not is_constant(added) or np.ndim(added):
            raise Outside("an assignment into an array")
        scope[name] = bound(self._in_place(owner, self.functions.where(key, changed, owner)))

    def _added(self, before: Any, sign: ast.operator, added: Any) -> Any:
        if isinstance(before, list | np.ndarray):
            raise Outside("an array or a list that is changed")
        made = self.operated(sign, before, added)
        alone = not self.arrays.batched and isinstance(before, Box) and not before.node.row
        return made if not isinstance(before, Box) or alone else self._in_place(before, made)

    def _in_place(self, before: Box, made: Any) -> Any:
        """numpy's ``x += y``: the same shape and dtype, under every name."""
        if before.shared:
            raise Outside("an array that is changed under another name")
        if not isinstance(made, Box) or made.node.row != before.node.row:
            raise Outside("a change of shape in place")
        was, now = before.node.dtype, made.node.dtype
        if was == now:
            return made
        if not np.can_cast(now, was, "same_kind"):
            raise Outside(f"{now} put into {was}")
        return self.arrays.cast(made, was.name)


def _leaves(node: ast.If) -> bool:
    """Whether a statement inside may return, break or continue."""
    waiting: list[ast.AST] = [*node.body, *node.orelse]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, ast.Return | ast.Break | ast.Continue):
            return True
        if not isinstance(inner, ast.FunctionDef):
            waiting += ast.iter_child_nodes(inner)
    return False


def _same(before: Any, left: Any, right: Any) -> Any:
    """The value that neither side touched."""
    return before if left is right is before and before is not None else None


def copied(scope: Scope) -> Scope:
    """The names with lists and dicts of their own."""
    seen: set[int] = set()

    def copy(value: Any) -> Any:
        if not isinstance(value, list | dict):
            return value
        if id(value) in seen:
            raise Outside("one list or dict under two names")
        seen.add(id(value))
        return (
            [copy(v) for v in value]
            if isinstance(value, list)
            else {k: copy(v) for k, v in value.items()}
        )

    return {name: copy(value) for name, value in scope.items()}


def translate(
    tree: ast.Module, arguments: Arguments, components: Sequence[str], style: Style
) -> Paid:
    """What the source pays for such arguments, read in one style.

    Raises:
        Outside: It is no part of the calculus in this style.
    """
    graph = Graph(arguments.inputs)
    run = Statements(Arrays(graph, style))
    reward = None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            run.outer[node.name] = node
            reward = node if node.name == FUNCTION else reward
        else:
            run.block([node], run.outer)
    if reward is None or len(reward.args.args) != 4 or reward.args.defaults:
        raise Outside("a reward of other arguments")
    try:
        result = run.helper(reward, arguments.values(graph), {})
    except RecursionError:
        raise Outside("expressions inside expressions without end") from None
    return Paid(_columns(run, result, components), graph, style)


def _columns(run: Statements, result: Any, components: Sequence[str]) -> tuple[Node, ...]:
    total, parts = result if isinstance(result, tuple) and len(result) == 2 else (result, {})
    if not isinstance(parts, dict) or sorted(parts) != sorted(components):
        raise Outside("other components than those that are declared")
    nodes = []
    for value in (total, *(parts[name] for name in components)):
        if (
            is_constant(value)
            and np.ndim(value) == 0
            and (value is not total or not run.arrays.batched)
        ):
            value = run.arrays.full((), float(value))
        if not isinstance(value, Box) or value.node.row:
            raise Outside("a reward that is not one number for each row")
        nodes.append(value.node)
    return tuple(nodes)
