"""Reward code as a class: one object a lane, made anew at each episode's start, whose attributes are carried.

What the object keeps is declared where it is made: every attribute is set in ``__init__`` (or ``reset``), so
the text says what a lane carries from step to step. Standard library only.
"""

from __future__ import annotations

import ast

from rewardwrap.sandbox.allowed import FUNCTION, Refused

PAYING = ("__call__", "compute", "compute_reward", FUNCTION)
"""What the method that pays may be called."""
STARTING = ("__init__", "reset")
"""Methods that run when an episode starts, and declare what is kept."""
CHANGING = frozenset(["append", "clear", "extend", "insert", "pop", "remove"])
"""What may change a list that the object keeps, on top of what any array has."""


def class_of(tree: ast.Module) -> tuple[ast.ClassDef, ast.FunctionDef] | None:
    """The class that is the reward and the method that pays, where no function ``reward`` is."""
    if any(isinstance(n, ast.FunctionDef) and n.name == FUNCTION for n in tree.body):
        return None
    for node in reversed(tree.body):
        if isinstance(node, ast.ClassDef):
            methods = {m.name: m for m in node.body if isinstance(m, ast.FunctionDef)}
            for name in PAYING:
                if name in methods:
                    return node, methods[name]
    return None


def methods_of(kept: ast.ClassDef) -> list[ast.FunctionDef]:
    """Its functions."""
    return [m for m in kept.body if isinstance(m, ast.FunctionDef)]


def of_self(node: ast.AST | None) -> bool:
    """Whether it is ``self.<name>``."""
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def require_class(kept: ast.ClassDef, paying: ast.FunctionDef) -> None:
    """The rules of a class that is a reward.

    Raises:
        Refused: It inherits, is decorated, has a method without self, or keeps what it does not declare.
    """
    bases = [b for b in kept.bases if not (isinstance(b, ast.Name) and b.id == "object")]
    if bases or kept.keywords or kept.decorator_list:
        raise Refused(
            f"class {kept.name} must stand alone, got a base or a decorator. Write class {kept.name}: "
            "with an __init__",
            kept.lineno,
        )
    known = set()
    for node in kept.body:
        if isinstance(node, ast.Assign) and all(isinstance(t, ast.Name) for t in node.targets):
            known |= {t.id for t in node.targets if isinstance(t, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            known |= {node.target.id} if node.value is not None else set()
        elif isinstance(node, ast.FunctionDef):
            known.add(node.name)
            _require_method(node, paying)
        elif not isinstance(node, ast.Pass) and not (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            raise Refused(
                f"class {kept.name} must hold methods and constants, got {type(node).__name__}",
                node.lineno,
            )
    _require_declared(kept, known)


def _require_method(method: ast.FunctionDef, paying: ast.FunctionDef) -> None:
    taken = [a.arg for a in (*method.args.posonlyargs, *method.args.args)]
    if not taken or taken[0] != "self":
        raise Refused(f"method {method.name} must take self first", method.lineno)
    if method.name.startswith("__") and method.name not in ("__init__", "__call__"):
        raise Refused(
            f"method {method.name} must be left out: __init__ and __call__ are called, no other of its kind",
            method.lineno,
        )
    given = len(taken) - len(method.args.defaults)
    required = [
        k.arg
        for k, d in zip(method.args.kwonlyargs, method.args.kw_defaults, strict=True)
        if d is None
    ]
    if method.name in STARTING and method is not paying and (given > 1 or required):
        raise Refused(
            f"{method.name} must take self alone, or defaults: it is called when an episode starts",
            method.lineno,
        )
    for node in ast.walk(method):
        if isinstance(node, ast.Name) and node.id == "self" and not isinstance(node.ctx, ast.Load):
            raise Refused("self must not be assigned. Assign self.<name>", node.lineno)


def _require_declared(kept: ast.ClassDef, known: set[str]) -> None:
    """Every attribute is set where the object is made, so that a lane always carries the same names."""
    methods = methods_of(kept)
    declared = {
        n.attr
        for m in methods
        if m.name in STARTING
        for n in ast.walk(m)
        if isinstance(n, ast.Attribute) and of_self(n) and isinstance(n.ctx, ast.Store)
    }
    for method in methods:
        for node in ast.walk(method):
            if not (isinstance(node, ast.Attribute) and of_self(node)):
                continue
            if isinstance(node.ctx, ast.Store) and node.attr in known:
                raise Refused(
                    f"self.{node.attr} must have a name of its own, got that of a method or of a constant of "
                    f"class {kept.name}. Set it in __init__ alone",
                    node.lineno,
                )
            if node.attr not in known | declared:
                raise Refused(
                    f"self.{node.attr} must be set in __init__: what a lane carries from step to step is "
                    f"declared there, e.g. self.{node.attr} = None",
                    node.lineno,
                )
