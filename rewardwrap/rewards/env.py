"""The environment's own reward, constants, and functions a user brings."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.plain import load_function
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.transitions import FloatArray, Transitions


@register("env")
class EnvReward(Reward):
    """The environment's own reward, ``r_t``: what the true return sums.

    Example:
        >>> import rewardwrap as rw
        >>> rw.relabel(2 * rw.EnvReward(), {"obs": [0, 1, 2], "action": [0, 0], "reward": [1, 3],
        ...                                 "terminated": [0, 1], "truncated": [0, 0]})
        array([2., 6.])
    """

    reads_obs: ClassVar[bool] = False
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    def __call__(self, batch: Transitions) -> FloatArray:
        return batch.reward

    def write(self, code: LaneCode) -> str:
        return "reward"


@register("constant")
class Constant(Reward):
    """``c`` on every step: a time penalty if negative, a survival bonus if positive.

    Not policy-invariant unless all episodes have one length.

    Args:
        value: ``c``, reward per step.

    Example:
        >>> import rewardwrap as rw
        >>> reward = rw.EnvReward() + rw.Constant(-0.1).named("time")
    """

    reads_obs: ClassVar[bool] = False
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    value: float

    def __post_init__(self) -> None:
        if not isinstance(self.value, int | float | np.number) or not np.isfinite(self.value):
            raise ConfigError(
                f"Constant: value must be a finite number, got {self.value!r}. Use a number."
            )

    def __call__(self, batch: Transitions) -> FloatArray:
        return np.full(batch.lanes, self.value, np.float64)

    def write(self, code: LaneCode) -> str:
        return repr(float(self.value))


COLUMNS = ("obs", "action", "next_obs", "reward", "terminated", "truncated", "info")


@register("function")
class Function(Reward):
    """A reward written as a plain function; what ``rw.function(f)`` builds.

    Args:
        function: Takes columns of the batch by name, any of ``obs, action, next_obs, reward, terminated,
            truncated, info`` with leading size B; or takes one parameter of another name, the whole
            `Transitions`. Returns ``(B,)``. As text, ``"module:function"``.

    Raises:
        ConfigError: The function cannot be imported or asks for something else.
        RewardValueError: It returns anything but one number per lane.

    Example:
        >>> import numpy as np, rewardwrap as rw
        >>> effort = rw.function(lambda action: -np.square(action).sum(axis=-1))
        >>> shaped = rw.EnvReward() + 0.1 * effort.named("effort")
    """

    function: Callable[..., Any] | str

    def __post_init__(self) -> None:
        function = load_function(self.function) if isinstance(self.function, str) else self.function
        if not callable(function):
            raise ConfigError(
                f"function must be callable, got {type(function).__name__}. "
                'Give a function or its name as "module:function".'
            )
        names = _columns(function)
        # who is handed the whole batch may read all of it; who names columns reads those
        reads = set(COLUMNS) if names is None else set(names)
        object.__setattr__(self, "reads_obs", bool(reads & {"obs", "next_obs"}))
        object.__setattr__(self, "shaping", names is None)
        object.__setattr__(self, "pays_at_end", "truncated" in reads)
        object.__setattr__(self, "_call", _by_name(function, names))

    def __call__(self, batch: Transitions) -> FloatArray:
        call: Callable[[Transitions], Any] = self._call  # type: ignore[attr-defined]
        return one_per_lane(call(batch), batch.lanes, "function")

    def __getstate__(self) -> dict[str, Any]:
        return {"function": self.function}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()


def function(f: Callable[..., Any] | str) -> Function:
    """A reward from a plain function; see `Function`."""
    return Function(f)


def _columns(function: Callable[..., Any]) -> tuple[str, ...] | None:
    """The columns that ``function`` takes by name, or None where it takes the whole batch."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    names = [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    if len(names) == 1 and names[0] not in COLUMNS:
        return None
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or not names:
        raise ConfigError(
            f"function must take columns ({', '.join(COLUMNS)}) or one batch, "
            f"got ({', '.join(names)}). Rename its parameters."
        )
    return tuple(names)


def _by_name(
    function: Callable[..., Any], names: tuple[str, ...] | None
) -> Callable[[Transitions], Any]:
    """How to call ``function`` with a batch: by column names, or with the batch itself."""
    if names is None:
        return function
    return lambda batch: function(**{name: getattr(batch, name) for name in names})


def one_per_lane(value: Any, lanes: int, subject: str) -> FloatArray:
    """The value as ``(lanes,)`` float64.

    Raises:
        RewardValueError: Any other shape, or not numeric.
    """
    if type(value).__module__.startswith("torch"):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    if array.shape != (lanes,):
        raise RewardValueError(
            f"{subject} must return shape ({lanes},), one number per lane, got {array.shape}. "
            "It is given a batch: write obs[:, 0], and reduce with axis=-1."
        )
    if array.dtype == object:
        raise RewardValueError(f"{subject} must return numbers, got objects. Return a float array.")
    return array.astype(np.float64, copy=False)
