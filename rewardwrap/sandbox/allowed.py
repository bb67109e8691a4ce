"""What strict reward code may be made of: node types, names, sizes, and advice for what is left out."""

# ruff: noqa: SIM905  lists of a hundred words
from __future__ import annotations

import ast
import re

FUNCTION = "reward"
MAX_BYTES = 20_000
MAX_NODES = 3_000
MAX_NUMBER = 1_000_000
MAX_COMPONENTS = 32
COMPONENT = re.compile(r"[a-z][a-z0-9_]{0,63}")

NUMPY = frozenset(
    """abs absolute add all allclose any arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax
    argmin array asarray atleast_1d atleast_2d average bool_ broadcast_to cbrt ceil clip column_stack
    concatenate copysign cos cosh cross cumsum deg2rad degrees diff divide dot e einsum equal
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
    """argpartition argsort at base byteswap choose compress conj conjugate ctypes cumprod data device
    diagonal dump dumps fill flags flat getfield imag itemset itemsize mT nbytes newbyteorder nonzero
    partition put repeat resize searchsorted setfield setflags sort strides swapaxes to_device tobytes
    tofile tostring trace view format format_map encode decode join mro gi_frame gi_code cr_frame f_back
    f_globals f_locals f_builtins tb_frame tb_next func_globals with_traceback clear pop popitem
    setdefault update insert remove extend reverse send throw close""".split()
)
"""Attributes that no field can have, since an array, a text, a frame or a ufunc has them.

``np.add.at`` writes into read-only arrays too.
"""

BUILTINS = frozenset(
    """abs all any bool dict enumerate float int len list max min range reversed round sorted sum tuple zip
    True False None""".split()
)
REDUCTIONS = frozenset(
    ["all", "any", "amax", "amin", "max", "mean", "min", "prod", "ptp", "std", "sum", "var"]
)
"""Where ``where=`` leaves nothing out of the result."""

CLOCK = re.compile(r"(?i:now|today|.*datetime.*)|[<>=|]?M(8.*)?")
"""Text that numpy reads as the time of day, or as a request for one."""

ITERABLES = frozenset(["range", "enumerate", "zip", "reversed", "sorted"])
MODULES = {"numpy": "np", "math": "math", "typing": "", "__future__": ""}
NODES: tuple[type[ast.AST], ...] = (
    ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.AugAssign,
    ast.AnnAssign, ast.For, ast.If, ast.IfExp, ast.Expr, ast.Pass, ast.Break, ast.Continue, ast.BinOp,
    ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.keyword, ast.Name, ast.Attribute, ast.Subscript,
    ast.Slice, ast.Tuple, ast.List, ast.Dict, ast.Constant, ast.ListComp, ast.GeneratorExp, ast.DictComp,
    ast.comprehension, ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context,
)  # fmt: skip
PAST = (
    'the state before is obs, the action before info["previous_action"], the number of the step '
    'info["step"]; what remembers more is a class of one lane, with __init__(self) that sets each '
    "self.<name> and __call__(self, obs, action, next_obs, info)"
)
"""What a reward that wants to keep something has instead."""
ADVICE: dict[type[ast.AST], str] = {
    ast.While: "a while loop. Write whole-array numpy, or for over range(...)",
    ast.Lambda: "a lambda. Write a helper function with def",
    ast.Try: "try. Guard the input instead, e.g. np.maximum(x, 1e-8)",
    ast.With: "with. Rewards open nothing",
    ast.ClassDef: f"a class beside reward, or inside another. Leave one of them: {PAST}",
    ast.JoinedStr: "an f-string. Component names are plain text",
    ast.Global: f"global. A reward keeps nothing between calls: {PAST}",
    ast.Nonlocal: f"nonlocal. A reward keeps nothing between calls: {PAST}",
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
    "print": "nobody reads what a reward prints. Delete the line, and return the number as a component",
    "empty": "it holds whatever lay in memory. Use np.zeros",
    "empty_like": "it holds whatever lay in memory. Use np.zeros_like",
    "random": "random numbers make a reward different each time",
    "time": "the clock makes a reward different each time",
}


class Refused(Exception):
    """The first thing that the gate does not let through."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line
