"""A source's syntax tree as plain data, for those that want to read it without parsing text.

Text can kill a parser, so the tree is made in a locked process (`sandbox.reading`) and travels as
nested lists. What comes back (`grown`) is a tree of the node types below and of nothing else. Standard
library only.
"""

from __future__ import annotations

import ast
from typing import Any

DEEP = 60
"""Levels of nesting beyond which no tree is handed on."""

KINDS: dict[str, tuple[str, ...]] = {
    "Module": ("body",),
    "FunctionDef": ("name", "args", "body"),
    "arguments": ("args", "defaults"),
    "arg": ("arg",),
    "Return": ("value",),
    "Assign": ("targets", "value"),
    "AnnAssign": ("target", "value"),
    "AugAssign": ("target", "op", "value"),
    "Expr": ("value",),
    "For": ("target", "iter", "body", "orelse"),
    "If": ("test", "body", "orelse"),
    "IfExp": ("test", "body", "orelse"),
    "Pass": (),
    "Break": (),
    "Continue": (),
    "BinOp": ("left", "op", "right"),
    "UnaryOp": ("op", "operand"),
    "BoolOp": ("op", "values"),
    "Compare": ("left", "ops", "comparators"),
    "Call": ("func", "args", "keywords"),
    "keyword": ("arg", "value"),
    "Name": ("id",),
    "Attribute": ("value", "attr"),
    "Subscript": ("value", "slice"),
    "Slice": ("lower", "upper", "step"),
    "Tuple": ("elts",),
    "List": ("elts",),
    "Dict": ("keys", "values"),
    "Constant": ("value",),
    "ListComp": ("elt", "generators"),
    "GeneratorExp": ("elt", "generators"),
    "DictComp": ("key", "value", "generators"),
    "comprehension": ("target", "iter", "ifs"),
}
"""Node types that travel, with the fields that do: no contexts, no annotations, no places in the text."""

SIGNS = {
    name: getattr(ast, name)
    for name in (
        "Add", "Sub", "Mult", "Div", "FloorDiv", "Mod", "Pow", "MatMult", "USub", "UAdd", "Not", "And", "Or",
        "Eq", "NotEq", "Lt", "LtE", "Gt", "GtE", "Is", "IsNot", "In", "NotIn",
        "BitAnd", "BitOr", "BitXor", "Invert",
    )
}  # fmt: skip


def plain(tree: ast.Module) -> list[Any] | None:
    """The tree as nested lists ``[kind, field, ...]``; None where it holds what does not travel."""
    try:
        made: list[Any] = _plain(tree, 0)
    except (KeyError, OverflowError):
        return None
    return made


def _plain(value: Any, depth: int) -> Any:
    if depth > DEEP:
        raise OverflowError
    if isinstance(value, list):
        return ["[]", *(_plain(item, depth + 1) for item in value if not _imports(item))]
    if not isinstance(value, ast.AST):
        return value
    kind = type(value).__name__
    if kind in SIGNS:
        return [kind]
    if isinstance(value, ast.Constant) and value.value is ...:
        return ["..."]
    if isinstance(value, ast.Constant) and isinstance(value.value, complex | bytes):
        raise KeyError(kind)
    return [kind, *(_plain(getattr(value, name), depth + 1) for name in KINDS[kind])]


def _imports(node: Any) -> bool:
    # the gate let through nothing but numpy, math and typing
    return isinstance(node, ast.Import | ast.ImportFrom)


def grown(said: Any) -> Any:
    """The inverse of `plain`.

    Raises:
        ValueError: It is no such data.
    """
    if not isinstance(said, list):
        if said is None or isinstance(said, bool | int | float | str):
            return said
        raise ValueError("a tree must be made of lists, numbers and text")
    if not said or not isinstance(said[0], str):
        raise ValueError("a node must begin with its kind")
    kind, *fields = said
    if kind == "[]":
        return [grown(field) for field in fields]
    if kind == "...":
        return ast.Constant(...)
    if kind in SIGNS:
        return SIGNS[kind]()
    if kind not in KINDS or len(fields) != len(KINDS[kind]):
        raise ValueError(f"a node must be one of those that travel, got {kind[:40]}")
    return getattr(ast, kind)(**dict(zip(KINDS[kind], map(grown, fields), strict=True)))
