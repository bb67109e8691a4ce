"""torch tensors that numpy's functions work on, so that rewards are written once.

``np.where(done, 0.0, phi)`` asks its arguments for their own way to do it (NEP 13, NEP 18); a `DeviceArray`
answers with torch. Nothing is copied to the host: what only the host can do is refused with a sentence.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from rewardwrap.core.errors import StackError

Tensor = torch.Tensor


def _direct(function: Callable[..., Any], *, swapped: bool = False) -> Callable[..., Any]:
    """An operator without the way through numpy, which costs as much as torch does on thousands of lanes."""

    def of(self: DeviceArray, other: Any) -> DeviceArray:
        if other.__class__ is DeviceArray:
            other = other.native
        elif other.__class__ is not float:
            other = _native(other, self.native)
            if other.__class__ is float and other == 1.0 and function is operator.mul:
                return self  # float64 scales of fields
        made = function(other, self.native) if swapped else function(self.native, other)
        return DeviceArray(made)

    return of


class DeviceArray(np.lib.mixins.NDArrayOperatorsMixin):
    """A tensor in numpy's clothes.

    Args:
        native: The tensor.
    """

    __slots__ = ("native",)
    __array_priority__ = 1000

    def __init__(self, native: Tensor) -> None:
        self.native = native

    __add__ = __radd__ = _direct(operator.add)
    __mul__ = __rmul__ = _direct(operator.mul)
    __sub__, __rsub__ = _direct(operator.sub), _direct(operator.sub, swapped=True)
    __truediv__, __rtruediv__ = (
        _direct(operator.truediv),
        _direct(operator.truediv, swapped=True),
    )
    __and__ = __rand__ = _direct(operator.and_)
    __or__ = __ror__ = _direct(operator.or_)

    # --- numpy's protocols ----------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        out = named.pop("out", None)
        if method == "reduce":
            return self.reduced(ufunc.__name__, *inputs[1:], **named)
        function = _function(ufunc.__name__) if method == "__call__" and not named else None
        if function is None:
            raise _refused(f"np.{ufunc.__name__}")
        made = function(*(_native(value, self.native) for value in inputs))
        if out is None:
            return DeviceArray(made)
        out[0].native.copy_(made)
        return out[0]

    def __array_function__(self, function: Any, types: Any, given: Any, named: Any) -> Any:
        handler = HANDLERS.get(function.__name__)
        if handler is None:
            raise _refused(f"np.{function.__name__}")
        return handler(self.native, *given, **named)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise _refused("a copy to the host")

    # --- an array's own ---------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """As numpy has it."""
        return tuple(self.native.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.native.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.native.numel()

    @property
    def dtype(self) -> np.dtype[Any]:
        """numpy's name of the same numbers."""
        return np.dtype(str(self.native.dtype).partition(".")[2])

    def __len__(self) -> int:
        return len(self.native)

    def __getitem__(self, key: Any) -> Any:
        return DeviceArray(self.native[_key(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.native[_key(key)] = _native(value, self.native)

    def __bool__(self) -> bool:
        return bool(self.native)

    def __float__(self) -> float:
        return float(self.native)

    def copy(self) -> DeviceArray:
        """A tensor of its own."""
        return DeviceArray(self.native.clone())

    def astype(self, dtype: Any, copy: bool = True) -> DeviceArray:
        """The same numbers; float64 stays what the device counts in."""
        name = np.dtype(dtype).name
        if name == "float64" and self.native.is_floating_point():
            return DeviceArray(self.native)
        return DeviceArray(
            self.native.to(torch.float32 if name == "float64" else getattr(torch, name))
        )

    def reshape(self, *shape: Any) -> DeviceArray:
        """The same numbers in another shape."""
        return DeviceArray(self.native.reshape(*shape))

    def reduced(self, name: str, axis: Any = None, keepdims: bool = False, **_: Any) -> DeviceArray:
        """A reduction by the name of its ufunc or method."""
        function = REDUCERS.get(name)
        if function is None:
            raise _refused(f"np.{name}.reduce")
        if axis is None:
            return DeviceArray(
                function(self.native, dim=tuple(range(self.native.ndim)), keepdim=keepdims)
            )
        return DeviceArray(function(self.native, dim=axis, keepdim=keepdims))

    def sum(self, axis: Any = None, keepdims: bool = False) -> DeviceArray:
        """Over axes."""
        return self.reduced("add", axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> DeviceArray:
        """Over axes."""
        return self.reduced("mean", axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> DeviceArray:
        """Over axes."""
        return self.reduced("maximum", axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> DeviceArray:
        """Over axes."""
        return self.reduced("minimum", axis, keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> DeviceArray:
        """Over axes."""
        return self.reduced("logical_or", axis, keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> DeviceArray:
        """Over axes."""
        return self.reduced("logical_and", axis, keepdims)


def native(value: Any) -> Any:
    """The tensor behind a value, or the value itself."""
    return value.native if isinstance(value, DeviceArray) else value


def _native(value: Any, like: Tensor) -> Any:
    """An argument beside a tensor: Python's numbers stay weak, numpy's arrays move to the device."""
    if isinstance(value, DeviceArray):
        return value.native
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return value.item()
        made = torch.from_numpy(value).to(like.device)
        return made.to(_floating(like)) if made.is_floating_point() else made
    return value


def _floating(like: Tensor) -> torch.dtype:
    return like.dtype if like.is_floating_point() else torch.float32


def _key(key: Any) -> Any:
    return tuple(native(k) for k in key) if isinstance(key, tuple) else native(key)


def _refused(what: str) -> StackError:
    return StackError(
        f"a reward on a device must be made of what torch can do there, got {what}. "
        "Write that part as a function of tensors (rw.function), or wrap lanes of numpy."
    )


def _both(name: str) -> Callable[..., Tensor]:
    """A function of two tensors that takes a number for one of them."""
    function = getattr(torch, name)

    def of(one: Any, other: Any) -> Tensor:
        tensor = one if isinstance(one, Tensor) else other
        one, other = (
            v
            if isinstance(v, Tensor)
            else torch.full((), float(v), dtype=_floating(tensor), device=tensor.device)
            for v in (one, other)
        )
        made: Tensor = function(one, other)
        return made

    return of


def _higher(one: Any, other: Any) -> Tensor:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return torch.maximum(one, other)
    return one.clamp(min=other) if isinstance(one, Tensor) else other.clamp(min=one)


def _lower(one: Any, other: Any) -> Tensor:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return torch.minimum(one, other)
    return one.clamp(max=other) if isinstance(one, Tensor) else other.clamp(max=one)


NAMED: dict[str, Callable[..., Any]] = {
    "absolute": torch.abs, "power": torch.pow, "invert": torch.logical_not, "arctan2": _both("atan2"),
    "maximum": _higher, "minimum": _lower, "fmax": _both("fmax"), "fmin": _both("fmin"),
    "logaddexp": _both("logaddexp"), "hypot": _both("hypot"), "floor_divide": torch.floor_divide,
    "equal": torch.eq, "not_equal": torch.ne, "rint": torch.round, "arcsin": torch.asin, "arccos": torch.acos,
    "subtract": lambda a, b: a - b, "copysign": _both("copysign"),
}  # fmt: skip
SAME = frozenset(
    {
        "add", "multiply", "divide", "negative", "positive", "exp", "expm1", "log", "log1p", "sqrt", "square",
        "sin", "cos", "tan", "tanh", "sinh", "cosh", "arctan", "sign", "floor", "ceil", "trunc",
        "isnan", "isinf", "isfinite", "reciprocal", "less", "less_equal", "greater", "greater_equal",
        "logical_and", "logical_or",
        "logical_not", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor", "remainder", "matmul",
    }
)  # fmt: skip
"""What torch and numpy call the same."""


def _function(name: str) -> Callable[..., Any] | None:
    if name in NAMED:
        return NAMED[name]
    return getattr(torch, name) if name in SAME else None


REDUCERS: dict[str, Callable[..., Tensor]] = {
    "add": torch.sum,
    "mean": torch.mean,
    "maximum": torch.amax,
    "minimum": torch.amin,
    "logical_or": torch.any,
    "logical_and": torch.all,
    "multiply": lambda tensor, dim, keepdim: tensor.prod(dim, keepdim),
}


def _where(like: Tensor, condition: Any, one: Any, other: Any) -> DeviceArray:
    made = torch.where(*(_native(value, like) for value in (condition, one, other)))
    return DeviceArray(made)


def _alike(fill: Callable[[Tensor, Any], Tensor]) -> Callable[..., DeviceArray]:
    def made(
        like: Tensor, value: Any, number: Any = None, dtype: Any = None, **_: Any
    ) -> DeviceArray:
        return DeviceArray(fill(_native(value, like), number))

    return made


def _reduction(name: str) -> Callable[..., DeviceArray]:
    def made(like: Tensor, value: DeviceArray, axis: Any = None, **named: Any) -> DeviceArray:
        return value.reduced(name, axis, bool(named.get("keepdims", False)))

    return made


def _clip(like: Tensor, value: Any, low: Any = None, high: Any = None, **_: Any) -> DeviceArray:
    made = value if low is None else np.maximum(value, low)
    return made if high is None else np.minimum(made, high)  # type: ignore[no-any-return]


def _norm(
    like: Tensor, value: DeviceArray, ord: Any = None, axis: Any = None, keepdims: bool = False
) -> DeviceArray:
    return DeviceArray(
        torch.linalg.vector_norm(value.native, 2 if ord is None else ord, axis, keepdims)
    )


def _joined(function: Callable[..., Tensor]) -> Callable[..., DeviceArray]:
    def made(like: Tensor, values: Any, axis: int = 0, **_: Any) -> DeviceArray:
        return DeviceArray(function([_native(value, like) for value in values], dim=axis))

    return made


HANDLERS: dict[str, Callable[..., Any]] = {
    "where": _where,
    "zeros_like": _alike(lambda tensor, _: torch.zeros_like(tensor)),
    "ones_like": _alike(lambda tensor, _: torch.ones_like(tensor)),
    "full_like": _alike(torch.full_like),
    "empty_like": _alike(lambda tensor, _: torch.zeros_like(tensor)),
    "sum": _reduction("add"),
    "mean": _reduction("mean"),
    "max": _reduction("maximum"),
    "amax": _reduction("maximum"),
    "min": _reduction("minimum"),
    "amin": _reduction("minimum"),
    "any": _reduction("logical_or"),
    "all": _reduction("logical_and"),
    "clip": _clip,
    "norm": _norm,
    "stack": _joined(torch.stack),
    "concatenate": _joined(torch.cat),
    "shape": lambda like, value: value.shape,
    "ndim": lambda like, value: value.ndim,
    "size": lambda like, value: value.size,
}
