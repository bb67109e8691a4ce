"""The words of the calculus: names of functions, and the text that each stands for."""

from __future__ import annotations

import math

MEASURED = {"sqrt", "exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "arcsin",
"arccos",
            "arctan", "sinh", "cosh", "tanh", "arctan2", "hypot"}  # fmt: skip
"""Those with a function of Python floats."""
ONE = MEASURED - {"arctan2", "hypot"} | {
    "absolute", "sign", "floor", "ceil", "trunc", "rint", "cbrt", "reciprocal", "positive", "isfinite",
    "isnan", "isinf", "logical_not", "deg2rad", "rad2deg", "signbit", "sinc",
    "arcsinh", "arccosh", "arctanh", "square", "exp2",
}  # fmt: skip
TWO = {
    "arctan2", "hypot", "float_power", "fmin", "fmax", "copysign", "mod", "remainder", "fmod",
    "floor_divide", "heaviside", "logaddexp", "logical_xor",
}  # fmt: skip
ALIASES = {
    "abs": "absolute", "fabs": "absolute", "radians": "deg2rad", "degrees": "rad2deg", "round": "rint",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "amax": "max", "amin": "min",
}  # fmt: skip
SPELLED = {
    "+": ("({0} + {1})",) * 2,
    "-": ("({0} - {1})",) * 2,
    "*": ("({0} * {1})",) * 2,
    "/": ("({0} / {1})", "m_divide({0}, {1})"),
    "<": ("({0} < {1})",) * 2,
    "<=": ("({0} <= {1})",) * 2,
    ">": ("({0} > {1})",) * 2,
    ">=": ("({0} >= {1})",) * 2,
    "==": ("({0} == {1})",) * 2,
    "!=": ("({0} != {1})",) * 2,
    "%": ("({0} % {1})", ""),
    "//": ("({0} // {1})", ""),
    "&": ("({0} & {1})",) * 2,
    "|": ("({0} | {1})",) * 2,
    "^": ("({0} ^ {1})",) * 2,
    "minimum": ("minimum({0}, {1})", "m_minimum({0}, {1})"),
    "maximum": ("maximum({0}, {1})", "m_maximum({0}, {1})"),
    "and": ("logical_and({0}, {1})", "({0} and {1})"),
    "or": ("logical_or({0}, {1})", "({0} or {1})"),
}
"""What is written as an operator: the text for arrays, and for numbers."""
NAMED = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "less": "<", "less_equal": "<=",
    "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
    "minimum": "minimum", "maximum": "maximum", "logical_and": "and", "logical_or": "or",
}  # fmt: skip
REDUCTIONS = {"sum": "sum_", "prod": "prod_", "max": "max_", "min": "min_", "any": "any_", "all": "all_",
              "mean": "mean", "std": "std", "var": "var"}  # fmt: skip
CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan, "newaxis": None}
TYPES = {"float64": "float64", "float32": "float32", "int64": "int64", "int32": "int32", "bool_": "bool",
         "float": "float64", "int": "int64", "bool": "bool"}  # fmt: skip

SCALAR = {"absolute": "abs({0})", "logical_not": "(not {0})"}


class Dtype:
    """A type of numbers, as code names it: ``float``, ``np.float32``."""

    def __init__(self, name: str) -> None:
        self.name = name
