"""What torch calls what numpy has: functions, methods, dtypes, and lines for what it has not."""

# ruff: noqa: SIM905  lists of fifty words
from __future__ import annotations

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
