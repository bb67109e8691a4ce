"""The allow-list that strict reward code must pass, with a line number in every refusal.

It gives a language model or a person a clear sentence, keeps rewards deterministic, and finds the names of
components. It is not the wall: the wall is the worker. It runs in a locked process, since hostile source
can kill the parser. Standard library only.
"""

# ruff: noqa: SIM905  lists of a hundred words
from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

FUNCTION = "reward"
MAX_BYTES = 20_000
MAX_NODES = 3_000
MAX_NUMBER = 1_000_000
MAX_COMPONENTS = 32
COMPONENT = re.compile(r"[a-z][a-z0-9_]{0,63}")

NUMPY = frozenset(
    """abs absolute add all allclose any arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax
    argmin array asarray atleast_1d atleast_2d average bool_ broadcast_to cbrt ceil clip column_stack
    concatenate copysign cos cosh cross cumsum deg2rad degrees diff divide dot e einsum empty_like equal
    exp exp2 expand_dims expm1 finfo fabs float32 float64 float_power floor floor_divide fmax fmin fmod
    full full_like greater greater_equal heaviside hstack hypot inf int32 int64 interp isclose isfinite
    isinf isnan less less_equal linspace log log10 log1p log2 logaddexp logical_and logical_not
    logical_or logical_xor matmul max maximum mean median min minimum mod multiply nan nan_to_num
    ndarray ndim negative newaxis not_equal ones ones_like outer pi positive power prod ptp rad2deg
    radians ravel reciprocal remainder repeat reshape rint roll round select shape sign signbit sin sinc
    sinh sort split sqrt square squeeze stack std subtract sum swapaxes take tan tanh tile transpose
    trunc uint8 var vstack where zeros zeros_like linalg""".split()
)
LINALG = frozenset(["norm"])
MATH = frozenset(
    """acos asin atan atan2 ceil copysign cos cosh degrees e exp expm1 fabs floor hypot inf isclose
    isfinite isinf isnan log log10 log1p log2 nan pi pow radians sin sinh sqrt tan tanh tau trunc""".split()
)
ARRAY = frozenset(
    """all any argmax argmin astype clip copy cumsum dot dtype flatten max mean min ndim prod ravel reshape
    round shape size squeeze std sum T take transpose var real get items keys values append tolist item
    eps tiny""".split()
)
"""Attributes of arrays, and of dicts and lists of components."""

RESERVED = frozenset(
    """argpartition argsort base byteswap choose compress conj conjugate ctypes cumprod data device
    diagonal dump dumps fill flags flat getfield imag itemset itemsize mT nbytes newbyteorder nonzero
    partition put repeat resize searchsorted setfield setflags sort strides swapaxes to_device tobytes
    tofile tostring trace view format format_map encode decode join mro gi_frame gi_code cr_frame f_back
    f_globals f_locals f_builtins tb_frame tb_next func_globals with_traceback clear pop popitem
    setdefault update insert remove extend reverse send throw close""".split()
)
"""Attributes that no field can have, since an array, a text or a frame has them."""

BUILTINS = frozenset(
    """abs all any bool dict enumerate float int len list max min range reversed round sorted sum tuple zip
    True False None""".split()
)
ITERABLES = frozenset(["range", "enumerate", "zip", "reversed", "sorted"])
MODULES = {"numpy": "np", "math": "math", "typing": "", "__future__": ""}
NODES: tuple[type[ast.AST], ...] = (
    ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.AugAssign,
    ast.AnnAssign, ast.For, ast.If, ast.IfExp, ast.Expr, ast.Pass, ast.Break, ast.Continue, ast.BinOp,
    ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.keyword, ast.Name, ast.Attribute, ast.Subscript,
    ast.Slice, ast.Tuple, ast.List, ast.Dict, ast.Constant, ast.ListComp, ast.GeneratorExp, ast.DictComp,
    ast.comprehension, ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context,
)  # fmt: skip
ADVICE: dict[type[ast.AST], str] = {
    ast.While: "a while loop. Write whole-array numpy, or for over range(...)",
    ast.Lambda: "a lambda. Write a helper function with def",
    ast.Try: "try. Guard the input instead, e.g. np.maximum(x, 1e-8)",
    ast.With: "with. Rewards open nothing",
    ast.ClassDef: "a class. Helper functions are enough",
    ast.JoinedStr: "an f-string. Component names are plain text",
    ast.Global: "global. A reward keeps nothing between calls",
    ast.Nonlocal: "nonlocal. A reward keeps nothing between calls",
    ast.Yield: "yield. Return the reward",
    ast.Await: "await. Return the reward",
    ast.AsyncFunctionDef: "async. Write def",
    ast.Raise: "raise. Return a finite number for every row",
    ast.Delete: "del. Leave the name alone",
    ast.NamedExpr: ":=. Assign on a line of its own",
    ast.Starred: "a star. Write the arguments out",
    ast.Assert: "assert. Return a finite number for every row",
}
WHY = {
    "random": "random numbers make a reward different each time",
    "time": "the clock makes a reward different each time",
}


class Refused(Exception):
    """The first thing that the gate does not let through."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line


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
        reading.components = _components(tree)
        reading.fields = _fields(tree)
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


def _function(tree: ast.Module) -> ast.FunctionDef | None:
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == FUNCTION]
    return found[-1] if found else None


def _components(tree: ast.Module) -> tuple[str, ...] | None:
    """Names in the returned dict: a literal, ``dict(...)``, or a local dict and what is put into it."""
    function = _function(tree)
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
            if isinstance(target, ast.Subscript) and _named(target.value) == name:
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


def _named(node: ast.AST) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def _fields(tree: ast.Module) -> list[tuple[int, str, str]]:
    """Attributes and text keys of ``obs`` and ``next_obs`` that are no attribute of an array."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _named(node.value) in ("obs", "next_obs"):
            found.append((node.lineno, str(_named(node.value)), node.attr))
    known = ARRAY | RESERVED
    return [read for read in found if read[2] not in known and not read[2].startswith("_")]


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
        for node in body:
            if isinstance(node, ast.FunctionDef):
                self._scope(node)

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
                self.constants |= {str(_named(t)) for t in node.targets}
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                self.constants.add(node.target.id)
            elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
                raise Refused(
                    f"the source must hold functions and constants, got {type(node).__name__}",
                    node.lineno,
                )
        function = _function(self.tree)
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
                _named(over.func) in ITERABLES
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

    def _scope(self, function: ast.FunctionDef) -> None:
        """Names must be known, and a function writes into nothing but what it made."""
        nested = {n.name for n in ast.walk(function) if isinstance(n, ast.FunctionDef)}
        taken = {n.arg for n in ast.walk(function) if isinstance(n, ast.arg)}
        made = {
            n.id
            for n in ast.walk(function)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        known = BUILTINS | self.imported | self.functions | self.constants | nested | taken | made
        annotations = {id(n) for a in _annotations(function) for n in ast.walk(a)}
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and id(node) not in annotations:
                self._name(node, known)
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

    def _name(self, node: ast.Name, known: set[str] | frozenset[str]) -> None:
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
    return _named(inner)


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
