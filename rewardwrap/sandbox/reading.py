"""What a source says about itself in its text: names of components, fields that it reads, the gate's word.

Runs in a locked process, and never runs the source. Standard library only.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rewardwrap.sandbox.allowed import ARRAY, RESERVED, Refused
from rewardwrap.sandbox.dialect import in_numpy, laid_out
from rewardwrap.sandbox.gate import Judge, function_of, name_of
from rewardwrap.sandbox.sums import adds_up
from rewardwrap.sandbox.syntax import plain


@dataclass
class Reading:
    """What is known of a source without running it.

    Args:
        components: Names in the dict that it returns, in order; None where they cannot be read off.
        fields: ``(line, "obs" | "next_obs", name)`` of every named field that it reads.
        refusal: What a strict gate says, or None.
        line: Where.
        parses: Whether it is Python at all.
        sums: Whether the components are written as the addends of the total.
        text: What runs instead where it was written in torch's words or prints; else None.
        tree: Its syntax as plain data, where a strict gate lets it through; see `sandbox.syntax`.
    """

    components: tuple[str, ...] | None = None
    fields: list[tuple[int, str, str]] = field(default_factory=list)
    refusal: str | None = None
    line: int | None = None
    parses: bool = True
    sums: bool = False
    text: str | None = None
    tree: list[Any] | None = None


def read(source: str) -> Reading:
    """Parse, look for components and fields, and judge. Never runs the source."""
    reading = Reading()
    try:
        tree = _parsed(source)
    except Refused as refused:
        reading.refusal, reading.line, reading.parses = str(refused), refused.line, False
        return reading
    try:
        if in_numpy(tree):
            reading.text = laid_out(tree)
        reading.components = components_of(tree)
        reading.fields = fields_of(tree)
        function = function_of(tree)
        reading.sums = function is not None and adds_up(function)
        Judge(tree, source).judge()
        reading.tree = plain(tree)
    except Refused as refused:
        reading.refusal, reading.line = str(refused), refused.line
    except (SyntaxError, ValueError) as error:
        reading.refusal = f"the source must be Python that can be written again, got {error}"
    except RecursionError:
        reading.refusal = "nesting must be shallow, got expressions inside expressions without end"
    return reading


def _parsed(source: str) -> ast.Module:
    if not source.strip():
        raise Refused("the source must hold a function, got nothing", None)
    try:
        return ast.parse(source)
    except SyntaxError as error:
        said = f"the source must be Python, got {error.msg}"
        text = (error.text or "").strip()[:80]
        raise Refused(f"{said}: {text}" if text else said, error.lineno) from None
    except (MemoryError, RecursionError, ValueError) as error:
        name = type(error).__name__
        raise Refused(f"the source must be Python that can be parsed, got {name}", None) from None


def components_of(tree: ast.Module) -> tuple[str, ...] | None:
    """Names in the returned dict: a literal, ``dict(...)``, or a local dict and what is put into it."""
    function = function_of(tree)
    if function is None:
        return None
    names: dict[str, None] = {}
    plain = False
    returns = [n for n in _own(function) if isinstance(n, ast.Return)]
    for node in returns:
        value = node.value
        if not (isinstance(value, ast.Tuple) and len(value.elts) == 2):
            plain = True
            continue
        found = _keys(value.elts[1], function)
        if found is None:
            return None
        names.update(dict.fromkeys(found))
    return tuple(names) if returns or plain else None


def _keys(value: ast.expr, function: ast.FunctionDef) -> list[str] | None:
    if isinstance(value, ast.Dict):
        keys = [k.value if isinstance(k, ast.Constant) else None for k in value.keys]
        return None if any(not isinstance(k, str) for k in keys) else [str(k) for k in keys]
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict":
        given = [k.arg for k in value.keywords]
        return None if value.args or None in given else [str(k) for k in given]
    return _local_keys(value.id, function) if isinstance(value, ast.Name) else None


def _local_keys(name: str, function: ast.FunctionDef) -> list[str] | None:
    keys: list[str] = []
    known = False
    for node in _own(function):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and target.id == name:
                assert isinstance(node, ast.Assign | ast.AnnAssign)
                value = node.value
                if value is None or isinstance(value, ast.Name):
                    return None
                found = _keys(value, function)
                if found is None:
                    return None
                keys += found
                known = True
            if isinstance(target, ast.Subscript) and name_of(target.value) == name:
                key = target.slice
                if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
                    return None
                keys.append(key.value)
    return list(dict.fromkeys(keys)) if known else None


def _own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Nodes of a function in the order of the text, those of functions inside it left out."""
    waiting: list[ast.AST] = [*function.body[::-1]]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting += list(ast.iter_child_nodes(node))[::-1]


def fields_of(tree: ast.Module) -> list[tuple[int, str, str]]:
    """Attributes and text keys of ``obs`` and ``next_obs`` that are no attribute of an array."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and name_of(node.value) in ("obs", "next_obs"):
            found.append((node.lineno, str(name_of(node.value)), node.attr))
    known = ARRAY | RESERVED
    return [read for read in found if read[2] not in known and not read[2].startswith("_")]
