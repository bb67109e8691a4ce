"""What a source says about itself in its text: names of components, fields that it reads, the gate's word.

Whether the components are the addends of the total is read off the text too, statement by statement, since
what the recorder has columns for must be known before anything runs. What is not seen to add up gets a
remainder, which is 0 where it does. Runs in a locked process, never runs the source. Standard library only.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rewardwrap.sandbox.allowed import ARRAY, RESERVED, Refused
from rewardwrap.sandbox.channel import plain
from rewardwrap.sandbox.classes import class_of
from rewardwrap.sandbox.dialect import in_numpy, laid_out
from rewardwrap.sandbox.gate import Judge, function_of, name_of

Addends = Counter[tuple[int, str]]
"""How often ``(sign, text)`` is added; the text of a name has its version in it."""


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
        keeps: Class and method that pays, where the reward is a class whose attributes a lane carries.
        tree: Its syntax as plain data, where a strict gate lets it through; see `sandbox.channel`.
    """

    components: tuple[str, ...] | None = None
    fields: list[tuple[int, str, str]] = field(default_factory=list)
    refusal: str | None = None
    line: int | None = None
    parses: bool = True
    sums: bool = False
    text: str | None = None
    keeps: tuple[str, str] | None = None
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
        function, kept = function_of(tree), class_of(tree)
        reading.keeps = None if kept is None else (kept[0].name, kept[1].name)
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


def adds_up(function: ast.FunctionDef) -> bool:
    """Whether every ``return total, parts`` is one whose parts are the addends of its total."""
    return _Walk().block(function.body)


class _Walk:
    """What the names of a function stand for, along its statements."""

    def __init__(self) -> None:
        self.sums: dict[str, Addends] = {}
        self.dicts: dict[str, dict[str, Addends]] = {}
        self.versions: Counter[str] = Counter()

    def block(self, body: list[ast.stmt]) -> bool:
        """False as soon as one return is not seen to add up."""
        return all(self._statement(node) for node in body)

    def _statement(self, node: ast.stmt) -> bool:
        if isinstance(node, ast.Return):
            return self._returned(node.value)
        target, value = _assigned(node)
        if isinstance(target, ast.Name) and value is not None:
            self._name(target.id, value)
        elif isinstance(target, ast.Subscript) and value is not None and (place := _key(target)):
            owner, key = place
            found = self._addends(value)
            if owner in self.dicts:
                self.dicts[owner][key] = found
        else:
            # branches, loops, unpacking: what they may write is something else from here on
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return):
                    return False
                if isinstance(inner, ast.Name):
                    if isinstance(inner.ctx, ast.Store):
                        self._forget(inner.id)
                    self.dicts.pop(inner.id, None)
        return True

    def _forget(self, name: str) -> None:
        self.versions[name] += 1
        self.sums.pop(name, None)
        self.dicts.pop(name, None)

    def _name(self, name: str, value: ast.expr) -> None:
        parts, found = self._parts(value), self._addends(value)
        self._forget(name)
        if parts is not None:
            self.dicts[name] = dict(parts)
        else:
            self.sums[name] = found

    def _returned(self, value: ast.expr | None) -> bool:
        if not (isinstance(value, ast.Tuple) and len(value.elts) == 2):
            return True
        total, parts = value.elts
        known = self._parts(parts)
        if known is None:
            # names that nobody can read off, but their sum all the same
            return isinstance(parts, ast.Name) and _sum_of_values(total) == parts.id
        both: Addends = Counter()
        for each in known.values():
            both += each
        return self._addends(total) == both

    def _parts(self, value: ast.expr) -> dict[str, Addends] | None:
        if isinstance(value, ast.Name):
            return self.dicts.get(value.id)
        if isinstance(value, ast.Dict):
            pairs: list[tuple[Any, ast.expr]] = [
                (k.value if isinstance(k, ast.Constant) else None, v)
                for k, v in zip(value.keys, value.values, strict=True)
            ]
        elif isinstance(value, ast.Call) and _is(value.func, "dict") and not value.args:
            pairs = [(k.arg, k.value) for k in value.keywords]
        else:
            return None
        if any(not isinstance(key, str) for key, _ in pairs):
            return None
        return {key: self._addends(v) for key, v in pairs}

    def _addends(self, node: ast.expr, sign: int = 1) -> Addends:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            other = -sign if isinstance(node.op, ast.Sub) else sign
            return self._addends(node.left, sign) + self._addends(node.right, other)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self._addends(node.operand, -sign)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
            left = node.left
            if isinstance(left, ast.UnaryOp) and isinstance(left.op, ast.USub):
                return self._addends(ast.BinOp(left.operand, node.op, node.right), -sign)
        if _is_zero(node):
            return Counter()
        known: Addends | None = None
        values = _sum_of_values(node)
        if values is not None and values in self.dicts:
            known = Counter()
            for each in self.dicts[values].values():
                known += each
        elif isinstance(node, ast.Name):
            known = self.sums.get(node.id)
        elif isinstance(node, ast.Subscript) and (place := _key(node)):
            owner, key = place
            known = self.dicts.get(owner, {}).get(key)
        if known is None:
            known = Counter({(1, self._text(node)): 1})
        return Counter({(sign * s, text): count for (s, text), count in known.items()})

    def _text(self, node: ast.expr) -> str:
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        return f"{ast.unparse(node)} {sorted((name, self.versions[name]) for name in names)}"


def _assigned(node: ast.stmt) -> tuple[ast.expr | None, ast.expr | None]:
    """Target and value of an assignment to one thing; ``x += y`` is ``x = x + y``."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return node.targets[0], node.value
    if isinstance(node, ast.AnnAssign):
        return node.target, node.value
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        return node.target, ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
    return None, None


def _sum_of_values(node: ast.expr) -> str | None:
    """The x of ``sum(x.values())``."""
    if not (isinstance(node, ast.Call) and _is(node.func, "sum") and len(node.args) == 1):
        return None
    inner = node.args[0]
    if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
        owner = inner.func.value
        if inner.func.attr == "values" and isinstance(owner, ast.Name):
            return owner.id
    return None


def _key(node: ast.Subscript) -> tuple[str, str] | None:
    """Name and key of ``x["key"]``."""
    key = node.slice.value if isinstance(node.slice, ast.Constant) else None
    if isinstance(node.value, ast.Name) and isinstance(key, str):
        return node.value.id, key
    return None


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_zero(node: ast.expr) -> bool:
    """``0.0``, ``np.zeros(...)``, ``np.zeros_like(...)``: what a total that is added up begins with."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in ("zeros", "zeros_like")
    return isinstance(node, ast.Constant) and node.value in (0, 0.0) and node.value is not False
