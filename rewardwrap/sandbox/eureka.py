"""What models write that were shown Eureka's prompts: arguments named after what they read, torch's words.

For each word of torch the one that numpy has (functions, methods, dtypes), or a line for what it has not.
Standard library only.
"""

# ruff: noqa: SIM905  lists of fifty words
from __future__ import annotations

import ast

from rewardwrap.sandbox.allowed import FUNCTION, Refused

EUREKA = "compute_reward"
GIVEN = ("obs", "action", "next_obs", "info")
CALLED = {"actions": "action"}

SAME = frozenset(
    """abs exp expm1 exp2 log log1p log2 log10 sqrt square sin cos tan tanh sinh cosh floor ceil round trunc
    sign isnan isfinite isinf isclose logical_and logical_or logical_not logical_xor where minimum maximum
    fmod remainder hypot deg2rad rad2deg zeros_like ones_like full_like reciprocal logaddexp matmul stack sum
    mean prod any all full cumsum squeeze arccos arcsin arctan arctan2 add subtract multiply divide""".split()
)
RENAMED = {
    "pow": "power", "absolute": "abs", "acos": "arccos", "asin": "arcsin", "atan": "arctan",
    "atan2": "arctan2", "neg": "negative", "mul": "multiply", "sub": "subtract", "div": "divide",
    "cat": "concatenate", "concat": "concatenate", "amax": "max", "amin": "min", "unsqueeze": "expand_dims",
    "tensor": "array", "as_tensor": "asarray",
}  # fmt: skip
METHODS = frozenset(
    """abs exp log log1p sqrt square sin cos tan tanh sign floor ceil pow acos asin atan unsqueeze logical_and
    logical_or logical_not amax amin sum mean prod any all squeeze cumsum norm std var clamp clip sigmoid
    relu""".split()
)
"""Methods of tensors that become functions; those without arguments that arrays have too included."""
DTYPES = {
    "float": "float32", "float32": "float32", "double": "float64", "float64": "float64", "int": "int32",
    "int32": "int32", "long": "int64", "int64": "int64", "bool": "bool_", "pi": "pi", "inf": "inf",
    "nan": "nan", "e": "e",
}  # fmt: skip
CASTS = {"double": "float", "float": "float", "int": "int", "long": "int", "bool": "bool"}
DROPPED = frozenset(["detach", "cpu", "cuda", "contiguous", "numpy"])
NOT_SAID = frozenset(["device", "requires_grad", "non_blocking"])
KEYS = {"dim": "axis", "keepdim": "keepdims", "axis": "axis", "dtype": "dtype"}
INSTEAD = {
    "normalize": "x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)",
    "softmax": "np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)",
    "softplus": "np.log1p(np.exp(x))",
    "cosine_similarity": "(a * b).sum(axis=-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))",
    "mse_loss": "np.square(a - b).mean(axis=-1)",
    "smooth_l1_loss": "np.where(np.abs(d) < 1, 0.5 * d**2, np.abs(d) - 0.5)",
    "median": "np.median(x, axis=-1), which is the mean of the middle two",
    "dist": "np.linalg.norm(a - b, axis=-1)",
    "cdist": "np.linalg.norm(a - b, axis=-1)",
    "dot": "(a * b).sum(axis=-1)",
    "bmm": "np.matmul(a, b)",
    "cross": "np.cross(a, b, axis=-1)",
    "lerp": "a + t * (b - a)",
}
RANDOM = (
    "rand",
    "randn",
    "randint",
    "rand_like",
    "randn_like",
    "normal",
    "bernoulli",
    "multinomial",
)
REDUCTIONS = frozenset(["sum", "mean", "prod", "any", "all", "amax", "amin"])
"""``f(x, dim, keepdim)``."""


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
