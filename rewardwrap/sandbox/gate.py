"""The allow-list that strict reward code must pass, with a line number in every refusal.

It gives a language model or a person a clear sentence, and keeps random numbers, the clock and memory that
nobody wrote out of rewards; what a module keeps is frozen when it is loaded (`state.py`). It is not the wall:
the wall is the worker. It runs in a locked process, since hostile source can kill the parser. Standard
library only.
"""

from __future__ import annotations

import ast
import difflib
import re
from typing import Any

from rewardwrap.sandbox.allowed import (
    ADVICE,
    BUILTINS,
    CLOCK,
    FUNCTION,
    ITERABLES,
    LINALG,
    MATH,
    MAX_BYTES,
    MAX_NODES,
    MAX_NUMBER,
    MODULES,
    NODES,
    NUMPY,
    PAST,
    REDUCTIONS,
    RESERVED,
    WHY,
    Refused,
)
from rewardwrap.sandbox.classes import CHANGING, class_of, methods_of, of_self, require_class


def function_of(tree: ast.Module) -> ast.FunctionDef | None:
    """The reward itself, the last one counts, as in Python; of a class the method that pays."""
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == FUNCTION]
    kept = class_of(tree)
    return found[-1] if found else kept[1] if kept is not None else None


def name_of(node: ast.AST) -> str | None:
    """The name that a node is, if it is one."""
    return node.id if isinstance(node, ast.Name) else None


class Judge:
    """Walks the tree once for each kind of rule and refuses at the first thing that breaks it."""

    def __init__(self, tree: ast.Module, source: str) -> None:
        self.tree = tree
        self.source = source
        self.imported = {"np", "numpy", "math"}
        self.functions = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
        self.constants: set[str] = set()
        found = class_of(tree)
        self.kept = None if found is None else found[0]
        self.methods = [] if self.kept is None else methods_of(self.kept)
        # what a lane carries: attributes of self, inside the class
        self.own = {id(n) for m in self.methods for n in ast.walk(m) if of_self(n)}
        # annotations are text for the interpreter, and documentation is for people
        self.unread = {id(n) for a in hints_of(tree) for n in ast.walk(a)}
        self.unread |= {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}

    def judge(self) -> None:
        if len(self.source.encode(errors="replace")) > MAX_BYTES:
            raise Refused(f"the source must have at most {MAX_BYTES} bytes", None)
        nodes = list(ast.walk(self.tree))
        if len(nodes) > MAX_NODES:
            raise Refused(f"the source must have at most {MAX_NODES} nodes, got {len(nodes)}", None)
        body = [node for node in self.tree.body if not self._imports(node)]
        self._top(body)
        for node in body:
            for inner in ast.walk(node):
                self._node(inner)
        outside = frozenset(self.imported | self.functions | self.constants)
        for node in [*body, *self.methods]:
            if isinstance(node, ast.FunctionDef):
                _require_known_names(node, outside, keeps=node in self.methods)

    def _imports(self, node: ast.stmt) -> bool:
        """Imports of numpy, math and typing change nothing; all others are refused."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name not in MODULES:
                    raise Refused(_no_import(alias.name), node.lineno)
                if alias.name in ("numpy", "math"):
                    self.imported.add(alias.asname or alias.name)
            return True
        if isinstance(node, ast.ImportFrom):
            if node.module not in ("typing", "__future__"):
                raise Refused(_no_import(f"names of {node.module}"), node.lineno)
            return True
        return False

    def _top(self, body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef):
                continue
            if isinstance(node, ast.Assign) and all(isinstance(t, ast.Name) for t in node.targets):
                self.constants |= {str(name_of(t)) for t in node.targets}
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                self.constants.add(node.target.id)
            elif isinstance(node, ast.ClassDef) and node is not self.kept:
                raise Refused(f"reward code must do without {ADVICE[ast.ClassDef]}", node.lineno)
            elif node is not self.kept and not (
                isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            ):
                raise Refused(
                    f"the source must hold functions and constants, got {type(node).__name__}",
                    node.lineno,
                )
        function = function_of(self.tree)
        if function is None:
            raise Refused(f"the source must define {FUNCTION}(obs, action, next_obs, info)", None)
        if self.kept is not None:
            require_class(self.kept, function)
        taken = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        taken = taken[1:] if self.kept is not None else taken
        required = len(taken) - len(function.args.defaults)
        if len(taken) < 4 or required > 4 or function.args.vararg or function.args.kwonlyargs:
            star = f"*{function.args.vararg.arg}" if function.args.vararg else "*"
            named = [a.arg for a in function.args.kwonlyargs]
            shown = [*taken, *([star, *named] if star != "*" or named else [])]
            raise Refused(
                f"{function.name} must take (obs, action, next_obs, info), by position and no other "
                f"without a default, got ({', '.join(shown)[:200]})",
                function.lineno,
            )

    def _node(self, node: ast.AST) -> None:
        line = getattr(node, "lineno", None)
        if node is self.kept:
            return
        for unwanted, advice in ADVICE.items():
            if isinstance(node, unwanted):
                raise Refused(f"reward code must do without {advice}", line)
        if isinstance(node, ast.Import | ast.ImportFrom):
            raise Refused("imports must stand at the top; np and math are there already", line)
        if not isinstance(node, NODES):
            raise Refused(f"reward code must do without {type(node).__name__}", line)
        if isinstance(node, ast.FunctionDef):
            if node.decorator_list:
                raise Refused("a function must have no decorator", line)
            for default in (*node.args.defaults, *(d for d in node.args.kw_defaults if d)):
                if not isinstance(default, ast.Constant | ast.UnaryOp):
                    raise Refused("a default must be a number", line)
        elif isinstance(node, ast.Constant):
            self._constant(node)
        elif isinstance(node, ast.BinOp) and any(map(_is_text, (node.left, node.right))):
            raise Refused("text must be written out, got text that is put together", line)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            if any(
                isinstance(n, ast.Pow) for side in (node.left, node.right) for n in ast.walk(side)
            ):
                raise Refused("powers must not be nested", line)
        elif isinstance(node, ast.Attribute):
            self._attribute(node)
        elif isinstance(node, ast.Call):
            self._call(node)
        elif isinstance(node, ast.For | ast.comprehension):
            self._loop(node)

    def _constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, int) and abs(value) > MAX_NUMBER:
            raise Refused(f"whole numbers must be at most {MAX_NUMBER}", node.lineno)
        if isinstance(value, str | bytes) and len(value) > 1000 and "\n" not in str(value):
            raise Refused("text must be short", node.lineno)
        if isinstance(value, str) and CLOCK.fullmatch(value) and id(node) not in self.unread:
            raise Refused(f"text must not name a time, got {value!r}: {WHY['time']}", node.lineno)
        if isinstance(value, complex | bytes):
            raise Refused(
                f"reward code must do without {type(value).__name__} numbers", node.lineno
            )

    def _attribute(self, node: ast.Attribute) -> None:
        name, owner = node.attr, node.value
        own = id(node) in self.own
        if not isinstance(node.ctx, ast.Load) and not own:
            raise Refused("attributes must not be assigned", node.lineno)
        if name == "ndarray" and id(node) not in self.unread:
            raise Refused(f"np.ndarray must not be used: {WHY['empty']}", node.lineno)
        if name.startswith("__" if own else "_"):
            raise Refused(f"names must not begin with an underscore, got .{name}", node.lineno)
        if isinstance(owner, ast.Name) and owner.id in {"np", "numpy", "math"} | self.imported:
            allowed = MATH if owner.id == "math" else NUMPY
            if name not in allowed:
                raise Refused(_not_offered(owner.id, name, allowed), node.lineno)
        elif isinstance(owner, ast.Attribute) and owner.attr == "linalg":
            if name not in LINALG:
                raise Refused(_not_offered("np.linalg", name, LINALG), node.lineno)
        elif own or (id(owner) in self.own and name in CHANGING):
            return
        elif name in RESERVED or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            raise Refused(f"reward code must do without .{name}", node.lineno)

    def _call(self, node: ast.Call) -> None:
        given = {keyword.arg for keyword in node.keywords}
        name = node.func.attr if isinstance(node.func, ast.Attribute) else name_of(node.func)
        if "where" in given and "out" not in given and name not in REDUCTIONS:
            raise Refused(
                "where= must come with out=, got none: what it leaves out holds whatever lay in memory. "
                "Use np.where",
                node.lineno,
            )

    def _loop(self, node: ast.For | ast.comprehension) -> None:
        over = node.iter
        if isinstance(node, ast.comprehension) and any(
            isinstance(inner, ast.Subscript) for inner in ast.walk(node.target)
        ):
            raise Refused("a comprehension must run over names of its own", over.lineno)
        fine = isinstance(over, ast.Tuple | ast.List | ast.Name | ast.Subscript) or (
            isinstance(over, ast.Call)
            and (
                name_of(over.func) in ITERABLES
                or (
                    isinstance(over.func, ast.Attribute)
                    and over.func.attr in ("items", "values", "keys")
                )
            )
        )
        if not fine or getattr(node, "is_async", False):
            raise Refused(
                "for must run over range, enumerate, zip or names written out",
                getattr(over, "lineno", None),
            )


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _no_import(name: str) -> str:
    root = name.rpartition(" ")[2].partition(".")[0]
    why = f": {WHY[root]}" if root in WHY else ""
    return f"imports must be numpy or math, got {name}{why}. Both are there as np and math"


def _not_offered(owner: str, name: str, allowed: frozenset[str]) -> str:
    why = f": {WHY[name]}" if name in WHY else ""
    near = difflib.get_close_matches(name, allowed, n=2)
    guess = (
        f". Did you mean {' or '.join(f'{owner}.{n}' for n in near)}" if near and not why else ""
    )
    return f"{owner}.{name} must not be used{why}{guess}"


def _require_known_names(
    function: ast.FunctionDef, outside: frozenset[str], *, keeps: bool = False
) -> None:
    """Names must be known, and a function writes into nothing but what it made.

    Args:
        function: Of the source.
        outside: Names of imports, functions and constants around it.
        keeps: Whether it is a method of the class that is the reward, which writes into self.

    Raises:
        Refused: One is not, or it does.
    """
    nested = {n.name for n in ast.walk(function) if isinstance(n, ast.FunctionDef)}
    taken = {n.arg for n in ast.walk(function) if isinstance(n, ast.arg)}
    made = {
        n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    known = BUILTINS | outside | nested | taken | made
    hints = {id(n) for a in hints_of(function) for n in ast.walk(a)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and id(node) not in hints:
            _require_known(node, known)
        for target in _written(node):
            owner = _owner(target)
            if keeps and owner == "self":
                continue
            if owner in taken and isinstance(target, ast.Subscript):
                raise Refused(
                    f"{owner} must not be written into. Copy it first, e.g. np.array({owner})",
                    target.lineno,
                )
            if owner not in made and isinstance(target, ast.Subscript):
                raise Refused(
                    f"{owner} must not be written into: a reward keeps nothing between calls; {PAST}",
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
    near = difflib.get_close_matches(node.id, known, n=1, cutoff=0.75)
    guess = f". Did you mean {near[0]}" if near else ""
    raise Refused(
        f"every name must be known, got {node.id}{guess}. There are obs, action, next_obs, info, np, math, "
        f"{', '.join(sorted(BUILTINS - {'True', 'False', 'None'}))}, and what the code defines; a field is "
        f"next_obs.<name>",
        node.lineno,
    )


def hints_of(function: ast.AST) -> list[ast.expr]:
    """Type hints in a tree, which are never run."""
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
