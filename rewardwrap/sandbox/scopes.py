"""Names inside the functions of strict reward code: all known, and nothing outside is written into."""

from __future__ import annotations

import ast
import difflib
from typing import Any

from rewardwrap.sandbox.allowed import BUILTINS, WHY, Refused
from rewardwrap.sandbox.stated import name_of


def require_known_names(function: ast.FunctionDef, outside: frozenset[str]) -> None:
    """Names must be known, and a function writes into nothing but what it made.

    Args:
        function: Of the source.
        outside: Names of imports, functions and constants around it.

    Raises:
        Refused: One is not, or it does.
    """
    nested = {n.name for n in ast.walk(function) if isinstance(n, ast.FunctionDef)}
    taken = {n.arg for n in ast.walk(function) if isinstance(n, ast.arg)}
    made = {
        n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    known = BUILTINS | outside | nested | taken | made
    annotations = {id(n) for a in _annotations(function) for n in ast.walk(a)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and id(node) not in annotations:
            _require_known(node, known)
        for target in _written(node):
            owner = _owner(target)
            if owner in taken and isinstance(target, ast.Subscript):
                raise Refused(
                    f"{owner} must not be written into. Copy it first, e.g. np.array({owner})",
                    target.lineno,
                )
            if owner not in made and isinstance(target, ast.Subscript):
                raise Refused(
                    f"{owner} must not be written into: a reward keeps nothing between calls",
                    target.lineno,
                )
            if isinstance(target, ast.Attribute):
                raise Refused("attributes must not be assigned", target.lineno)


def _require_known(node: ast.Name, known: frozenset[str] | set[str]) -> None:
    if node.id.startswith("_") and node.id != "_":
        raise Refused(f"names must not begin with an underscore, got {node.id}", node.lineno)
    if node.id in known:
        return
    if node.id in WHY:
        raise Refused(f"reward code must do without {node.id}: {WHY[node.id]}", node.lineno)
    near = difflib.get_close_matches(node.id, known, n=1)
    guess = f". Did you mean {near[0]}" if near else ""
    raise Refused(f"every name must be known, got {node.id}{guess}", node.lineno)


def _annotations(function: ast.FunctionDef) -> list[ast.expr]:
    found = [n.annotation for n in ast.walk(function) if isinstance(n, ast.arg) and n.annotation]
    found += [n.annotation for n in ast.walk(function) if isinstance(n, ast.AnnAssign)]
    return found + [
        n.returns for n in ast.walk(function) if isinstance(n, ast.FunctionDef) and n.returns
    ]


def _written(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return [inner for target in node.targets for inner in _unpacked(target)]
    if isinstance(node, ast.AugAssign | ast.AnnAssign):
        return [node.target]
    return _unpacked(node.target) if isinstance(node, ast.For) else []


def _unpacked(target: ast.expr) -> list[ast.expr]:
    return list(target.elts) if isinstance(target, ast.Tuple | ast.List) else [target]


def _owner(target: ast.expr) -> str | None:
    inner: Any = target
    while isinstance(inner, ast.Subscript | ast.Attribute):
        inner = inner.value
    return name_of(inner)
