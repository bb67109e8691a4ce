"""Reward code in torch's words, as numpy: each call by its exact counterpart, or a line to write instead.

Models that were shown Eureka's prompts write ``compute_reward`` over tensors. Only the syntax tree changes;
nothing is run, and lines keep their numbers. Numbers have the precision of the arrays that are given, and
``.float()`` is Python's. Standard library only.
"""

from __future__ import annotations

import ast
from typing import Any

from rewardwrap.sandbox.allowed import NUMPY, WHY, Refused
from rewardwrap.sandbox.eureka import (
    CASTS,
    DROPPED,
    DTYPES,
    INSTEAD,
    KEYS,
    METHODS,
    NOT_SAID,
    RANDOM,
    REDUCTIONS,
    RENAMED,
    SAME,
    as_reward,
    function_of_eureka,
)
from rewardwrap.sandbox.gate import hints_of


def in_numpy(tree: ast.Module) -> bool:
    """Rewrite a source in torch's words, in place; whether anything had to be.

    Raises:
        Refused: A call has no exact counterpart; the sentence has the line to write instead.
    """
    prints = any(isinstance(node, ast.stmt) and _prints(node) for node in ast.walk(tree))
    torchy = _aliases(tree)
    eureka = function_of_eureka(tree)
    if not (prints or torchy or eureka is not None):
        return False
    Rewriter(torchy, methods=bool(torchy) and _over_tensors(tree, torchy)).visit(tree)
    if eureka is not None:
        as_reward(eureka)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.If | ast.For) and not node.body:
            node.body = [ast.copy_location(ast.Pass(), node)]
    ast.fix_missing_locations(tree)
    return True


def laid_out(tree: ast.Module) -> str:
    """The text of a tree, each statement in the line where it stood."""
    lines = ast.unparse(tree).split("\n")
    again = ast.parse("\n".join(lines))
    stood: dict[int, int] = {}
    both = [[n for n in ast.walk(t) if isinstance(n, ast.stmt)] for t in (again, tree)]
    for new, old in zip(*both, strict=True):
        stood.setdefault(new.lineno, old.lineno)
    made: list[str] = []
    for number, line in enumerate(lines, 1):
        made += [""] * (stood.get(number, 0) - 1 - len(made))
        made.append(line)
    return "\n".join(made) + "\n"


def _aliases(tree: ast.Module) -> set[str]:
    """Names of torch and of its modules; empty where the source has none of it."""
    found = (
        {"torch"}
        if any(isinstance(n, ast.Name) and n.id == "torch" for n in ast.walk(tree))
        else set()
    )
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "torch":
                    found |= {"torch", alias.asname or "torch"}
        elif isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "torch":
            found |= {"torch", *(a.asname or a.name for a in node.names)}
    return found


class Rewriter(ast.NodeTransformer):
    """One pass over the tree, from the inside out.

    Args:
        torchy: What torch and its modules are called.
        methods: Whether what has methods are tensors.
    """

    def __init__(self, torchy: set[str], *, methods: bool) -> None:
        self.torchy, self.methods = torchy, methods

    # --- statements -----------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> Any:
        node.names = [a for a in node.names if a.name.partition(".")[0] != "torch"]
        return node if node.names else None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        return None if str(node.module).partition(".")[0] == "torch" else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        node.decorator_list = [
            d
            for d in node.decorator_list
            if not self._is_torch(d.func if isinstance(d, ast.Call) else d)
        ]
        node.returns = None
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return None
        return self.visit(ast.copy_location(ast.Assign([node.target], node.value), node))

    def visit_Assign(self, node: ast.Assign) -> Any:
        if self.methods and isinstance(node.value, ast.Attribute) and node.value.attr == "device":
            return None
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> Any:
        return None if _prints(node) else self.generic_visit(node)

    # --- expressions ----------------------------------------------------------------------------

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        if node.attr == "values" and (call := self._extreme(node.value)):
            return call
        self.generic_visit(node)
        if self._is_torch(node):
            if node.attr in DTYPES:
                return _at(node, _np(DTYPES[node.attr]))
            raise _refused(node.attr, node)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        first = isinstance(node.slice, ast.Constant) and node.slice.value == 0
        if first and (call := self._extreme(node.value)):
            return call
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> Any:
        function = node.func
        if not self.methods or not isinstance(function, ast.Attribute):
            return self.generic_visit(node)
        name, owner = function.attr, function.value
        node.args = [self.visit(a) for a in node.args]
        node.keywords = [
            ast.keyword(k.arg, self.visit(k.value)) for k in node.keywords if k.arg not in NOT_SAID
        ]
        if self._is_torch(function):
            return self._called(name, node)
        if isinstance(owner, ast.Name) and owner.id in ("np", "numpy", "math"):
            return node
        function.value = owner = self.visit(owner)
        if name in DROPPED and not node.args:
            return owner
        if name == "to":
            return self._moved(node, owner)
        if name in CASTS and not node.args:
            cast = ast.Name(CASTS[name], ast.Load())
            return _at(node, ast.Call(ast.Attribute(owner, "astype", ast.Load()), [cast], []))
        if name == "size" and len(node.args) == 1:
            shape = ast.Attribute(owner, "shape", ast.Load())
            return _at(node, ast.Subscript(shape, node.args[0], ast.Load()))
        if name in ("clone", "view"):
            function.attr = {"clone": "copy", "view": "reshape"}[name]
            return node
        if name.endswith("_"):
            raise Refused(
                f".{name} must be written without changing the array, e.g. x = np.{name[:-1]}(x)",
                node.lineno,
            )
        extreme = name in ("max", "min") and bool(node.args or node.keywords)
        if name in METHODS or extreme:
            node.args = [owner, *node.args]
            return self._called(name, node)
        return node

    def _called(self, name: str, node: ast.Call) -> Any:
        """A function of torch over arguments that are rewritten already."""
        args, keys = node.args, {k.arg: k.value for k in node.keywords}
        if any(isinstance(a, ast.Starred) for a in args) or None in keys:
            raise Refused(
                "reward code must do without a star. Write the arguments out", node.lineno
            )
        if "input" in keys and not args:
            args = [keys.pop("input")]
        if not args:
            raise Refused(
                f"torch.{name} must be given an array first. Write np.{name}(x)", node.lineno
            )
        if name in REDUCTIONS and len(args) > 1:
            keys |= dict(zip(("dim", "keepdim"), args[1:], strict=False))
            args = args[:1]
        made: ast.expr
        if name in ("clamp", "clip"):
            bounds = [*args[1:], *[ast.Constant(None)] * (3 - len(args))][:2]
            bounds = [keys.pop("min", bounds[0]), keys.pop("max", bounds[1])]
            made = ast.Call(_np("clip"), [args[0], *bounds], [])
        elif name in ("norm", "vector_norm"):
            given = dict(zip(("p", "dim", "keepdim"), args[1:], strict=False)) | keys
            keys = {k: v for k, v in given.items() if k in ("dim", "keepdim", "axis")}
            order = given.get("ord", given.get("p", ast.Constant(2)))
            if "dim" not in keys and "axis" not in keys:
                raise Refused(
                    "torch.norm must name an axis, got one number for the whole batch. "
                    "Write np.linalg.norm(x, axis=-1)", node.lineno
                )  # fmt: skip
            made = ast.Call(ast.Attribute(_np("linalg"), "norm", ast.Load()), args[:1], [])
            if not (isinstance(order, ast.Constant) and order.value in (2, 2.0, "fro")):
                made.keywords.append(ast.keyword("ord", order))
        elif name in ("max", "min"):
            if "dim" in keys or "axis" in keys or (len(args) > 1 and _is_whole(args[1])):
                raise Refused(
                    f"torch.{name} over an axis gives values and places. Write np.{name}(x, axis=-1)",
                    node.lineno,
                )
            made = ast.Call(_np(name if len(args) == 1 else f"{name}imum"), args, [])
        elif name in ("std", "var"):
            if len(args) > 2:
                raise Refused(f"torch.{name} must name what follows the axis", node.lineno)
            unbiased = keys.pop("unbiased", keys.pop("correction", ast.Constant(1)))
            less = isinstance(unbiased, ast.Constant) and not unbiased.value
            made = ast.Call(_np(name), args, [ast.keyword("ddof", ast.Constant(0 if less else 1))])
        elif name == "sigmoid":
            below = ast.BinOp(
                ast.Constant(1.0),
                ast.Add(),
                ast.Call(_np("exp"), [ast.UnaryOp(ast.USub(), args[0])], []),
            )
            made = ast.BinOp(ast.Constant(1.0), ast.Div(), below)
        elif name == "relu":
            made = ast.Call(_np("maximum"), [args[0], ast.Constant(0.0)], [])
        elif name in ("zeros", "ones"):
            shape = args[0] if len(args) == 1 else ast.Tuple(args, ast.Load())
            made = ast.Call(_np(name), [shape], [])
        elif name in SAME and not (name == "where" and len(args) != 3):
            made = ast.Call(_np(name), args, [])
        elif name in RENAMED:
            made = ast.Call(_np(RENAMED[name]), args, [])
        else:
            raise _refused(name, node)
        for key, value in keys.items():
            if not KEYS.get(str(key)) or not isinstance(made, ast.Call):
                raise Refused(
                    f"torch.{name} must be called without {key}=. Write it with np", node.lineno
                )
            if isinstance(value, ast.List):
                value = ast.Tuple(value.elts, ast.Load())
            made.keywords.append(ast.keyword(KEYS[str(key)], value))
        return _at(node, made)

    def _extreme(self, node: ast.expr) -> ast.expr | None:
        """``np.max(x, axis=d)`` of the ``torch.max(x, dim=d)`` whose values are taken."""
        if not (
            self.methods and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        ):
            return None
        keys = {k.arg: k.value for k in node.keywords}
        args = node.args if self._is_torch(node.func) else [node.func.value, *node.args]
        axis = keys.pop("dim", args[1] if len(args) == 2 and _is_whole(args[1]) else None)
        if node.func.attr not in ("max", "min") or axis is None or set(keys) - {"keepdim"}:
            return None
        named = [ast.keyword("axis", axis)]
        named += [ast.keyword("keepdims", value) for value in keys.values()]
        return _at(node, ast.Call(_np(node.func.attr), [self.visit(args[0])], named))

    def _moved(self, node: ast.Call, owner: ast.expr) -> ast.expr:
        """``x.to(device)`` is x, ``x.to(torch.float32)`` a cast."""
        said = [*node.args, *(k.value for k in node.keywords)]
        kinds: list[ast.expr] = [
            a for a in said if isinstance(a, ast.Attribute) and a.attr in NUMPY
        ]
        if not kinds:
            return owner
        return _at(node, ast.Call(ast.Attribute(owner, "astype", ast.Load()), kinds[:1], []))

    def _is_torch(self, node: ast.expr) -> bool:
        """``torch``, or something with a name in it: ``torch.nn.functional.relu``."""
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self.torchy


def _over_tensors(tree: ast.Module, torchy: set[str]) -> bool:
    """Whether the code computes with torch; where only its hints name torch and it says np, it does not."""
    hints = {id(n) for hint in hints_of(tree) for n in ast.walk(hint)}
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in hints}
    return bool(names & torchy) or not names & {"np", "numpy"}


def _prints(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return (
        isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print"
    )


def _np(name: str) -> ast.Attribute:
    return ast.Attribute(ast.Name("np", ast.Load()), name, ast.Load())


def _at(node: ast.AST, made: ast.expr) -> ast.expr:
    for inner in ast.walk(made):
        if not hasattr(inner, "lineno"):
            ast.copy_location(inner, node)
    return made


def _is_whole(node: ast.expr) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant) and isinstance(inner.value, int)


def _refused(name: str, node: ast.expr) -> Refused:
    if name in RANDOM:
        return Refused(f"torch.{name} must not be used: {WHY['random']}", node.lineno)
    line = INSTEAD.get(name, f"np.{name}" if name in NUMPY else "")
    way = f"Write {line}" if line else "Write it with np functions over the last axis"
    return Refused(
        f"torch.{name} must be written in numpy, it has no exact counterpart. {way}", node.lineno
    )
