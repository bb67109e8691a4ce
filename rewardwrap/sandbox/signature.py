"""The signature of Eureka's rewards, whose arguments are named after what they read."""

from __future__ import annotations

import ast

from rewardwrap.sandbox.allowed import FUNCTION, Refused

EUREKA = "compute_reward"
GIVEN = ("obs", "action", "next_obs", "info")
CALLED = {"actions": "action"}


def function_of_eureka(tree: ast.Module) -> ast.FunctionDef | None:
    """``compute_reward`` where there is no ``reward``."""
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    if any(function.name == FUNCTION for function in functions):
        return None
    found = [function for function in functions if function.name == EUREKA]
    return found[-1] if found else None


def as_reward(function: ast.FunctionDef) -> None:
    """``compute_reward(torso_z, action)`` becomes ``reward`` that reads the fields of these names.

    Raises:
        Refused: It takes self, or a star.
    """
    arguments = function.args
    taken = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    names = [a.arg for a in taken]
    if "self" in names:
        raise Refused("self must be left out: a field is next_obs.<name>", function.lineno)
    if arguments.vararg or arguments.kwarg:
        raise Refused(f"{EUREKA} must name its arguments, got a star", function.lineno)
    defaults = [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]
    required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    optional = [*names[required : required + len(arguments.defaults)]]
    optional += [
        a.arg for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d
    ]
    with_default = dict(zip(optional, defaults, strict=True))
    read: dict[str, ast.expr] = {}
    for name in names:
        if name in with_default:
            read[name] = with_default[name]
        elif name in CALLED:
            read[name] = ast.Name(CALLED[name], ast.Load())
        elif name not in GIVEN:
            read[name] = ast.Attribute(ast.Name("next_obs", ast.Load()), name, ast.Load())
    if read:
        targets: list[ast.expr] = [ast.Name(name, ast.Store()) for name in read]
        values = list(read.values())
        opening = ast.Assign(
            [ast.Tuple(targets, ast.Store())] if len(read) > 1 else targets,
            ast.Tuple(values, ast.Load()) if len(read) > 1 else values[0],
        )
        for node in ast.walk(opening):
            ast.copy_location(node, function)
        function.body = [opening, *function.body]
    function.name = FUNCTION
    function.args = ast.arguments([], [ast.arg(name) for name in GIVEN], None, [], [], None, [])
