"""The allow-list that strict reward code must pass, with a line number in every refusal.

It gives a language model or a person a clear sentence, keeps rewards deterministic, and finds the names of
components. It is not the wall: the wall is the worker. It runs in a locked process, since hostile source
can kill the parser. Standard library only.
"""

from __future__ import annotations

import ast
import difflib
import re
from dataclasses import dataclass, field

from rewardwrap.sandbox.allowed import (
    ADVICE,
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
    RESERVED,
    WHY,
    Refused,
)
from rewardwrap.sandbox.scopes import require_known_names
from rewardwrap.sandbox.stated import components_of, fields_of, function_of, name_of


@dataclass
class Reading:
    """What is known of a source without running it.

    Args:
        components: Names in the dict that it returns, in order; None where they cannot be read off.
        fields: ``(line, "obs" | "next_obs", name)`` of every named field that it reads.
        refusal: What a strict gate says, or None.
        line: Where.
        parses: Whether it is Python at all.
    """

    components: tuple[str, ...] | None = None
    fields: list[tuple[int, str, str]] = field(default_factory=list)
    refusal: str | None = None
    line: int | None = None
    parses: bool = True


def read(source: str) -> Reading:
    """Parse, look for components and fields, and judge. Never runs the source."""
    reading = Reading()
    try:
        tree = _parsed(source)
    except Refused as refused:
        reading.refusal, reading.line, reading.parses = str(refused), refused.line, False
        return reading
    try:
        reading.components = components_of(tree)
        reading.fields = fields_of(tree)
        _Judge(tree, source).judge()
    except Refused as refused:
        reading.refusal, reading.line = str(refused), refused.line
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


class _Judge:
    """Walks the tree once for each kind of rule and refuses at the first thing that breaks it."""

    def __init__(self, tree: ast.Module, source: str) -> None:
        self.tree = tree
        self.source = source
        self.imported = {"np", "numpy", "math"}
        self.functions = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
        self.constants: set[str] = set()

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
        for node in body:
            if isinstance(node, ast.FunctionDef):
                require_known_names(node, outside)

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
            elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
                raise Refused(
                    f"the source must hold functions and constants, got {type(node).__name__}",
                    node.lineno,
                )
        function = function_of(self.tree)
        if function is None:
            raise Refused(f"the source must define {FUNCTION}(obs, action, next_obs, info)", None)
        taken = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        required = len(taken) - len(function.args.defaults)
        if len(taken) < 4 or required > 4 or function.args.vararg or function.args.kwonlyargs:
            raise Refused(
                f"{FUNCTION} must take (obs, action, next_obs, info), got ({', '.join(taken)})",
                function.lineno,
            )

    def _node(self, node: ast.AST) -> None:
        line = getattr(node, "lineno", None)
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
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            if any(
                isinstance(n, ast.Pow) for side in (node.left, node.right) for n in ast.walk(side)
            ):
                raise Refused("powers must not be nested", line)
        elif isinstance(node, ast.Attribute):
            self._attribute(node)
        elif isinstance(node, ast.For | ast.comprehension):
            self._loop(node)

    def _constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, int) and abs(value) > MAX_NUMBER:
            raise Refused(f"whole numbers must be at most {MAX_NUMBER}", node.lineno)
        if isinstance(value, str | bytes) and len(value) > 1000 and "\n" not in str(value):
            raise Refused("text must be short", node.lineno)
        if isinstance(value, complex | bytes):
            raise Refused(
                f"reward code must do without {type(value).__name__} numbers", node.lineno
            )

    def _attribute(self, node: ast.Attribute) -> None:
        name, owner = node.attr, node.value
        if name.startswith("_"):
            raise Refused(f"names must not begin with an underscore, got .{name}", node.lineno)
        if isinstance(owner, ast.Name) and owner.id in {"np", "numpy", "math"} | self.imported:
            allowed = MATH if owner.id == "math" else NUMPY
            if name not in allowed:
                raise Refused(_not_offered(owner.id, name, allowed), node.lineno)
        elif isinstance(owner, ast.Attribute) and owner.attr == "linalg":
            if name not in LINALG:
                raise Refused(_not_offered("np.linalg", name, LINALG), node.lineno)
        elif name in RESERVED or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            raise Refused(f"reward code must do without .{name}", node.lineno)

    def _loop(self, node: ast.For | ast.comprehension) -> None:
        over = node.iter
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
