"""The environment's own reward, constants, and functions a user brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.function import Each, UserFunction, require_each
from rewardwrap.core.info import PARTS, missing
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.plain import load_function
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.signature import COLUMNS, WHOLE, signature_of
from rewardwrap.core.transitions import FloatArray, Transitions


@register("env")
class EnvReward(Reward):
    """The environment's own reward, ``r_t``: what the true return sums.

    Args:
        part: Which number, from 0, of an environment that pays several at a step (mo-gymnasium); their
            plain sum is the true reward then, and each part that is paid is a term. None where it pays one.

    Raises:
        ConfigError: ``part`` is no index.

    Example:
        >>> import rewardwrap as rw
        >>> rw.relabel(2 * rw.EnvReward(), {"obs": [0, 1, 2], "action": [0, 0], "reward": [1, 3],
        ...                                 "terminated": [0, 1], "truncated": [0, 0]})
        array([2., 6.])
    """

    reads_obs: ClassVar[bool] = False
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    _: KW_ONLY
    part: int | None = None

    def __post_init__(self) -> None:
        if self.part is not None and (type(self.part) is not int or self.part < 0):
            raise ConfigError(
                f"EnvReward: part must be an index from 0, got {self.part!r}. Leave it out where the "
                "environment pays one number a step."
            )

    def __call__(self, batch: Transitions) -> FloatArray:
        if self.part is None:
            return batch.reward
        return batch.info[PARTS][:, self.part].astype(np.float64, copy=False)

    def write(self, code: LaneCode) -> str:
        return "reward" if self.part is None else f"{code.bind(self._read, 'part')}(info)"

    def _read(self, info: Mapping[str, Any]) -> float:
        if PARTS not in info:
            raise missing(PARTS, info)
        return float(info[PARTS][self.part])


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

    @property
    def binary(self) -> bool:
        return self.value in (0, 1)

    def __call__(self, batch: Transitions) -> FloatArray:
        return np.full(batch.lanes, self.value, np.float64)

    def write(self, code: LaneCode) -> str:
        return repr(float(self.value))


@register("function")
class Function(Reward):
    """A reward written as a plain function; what ``rw.function(f)`` builds.

    A function works on a *batch*, ``obs[:, 0]``, or on one *row*, ``obs[0]``, as Gymnasium's users write.
    Which it is, is found out on the first real rows, in batches of sizes that no axis of them has; a
    function that works in both ways and disagrees with itself, mixes rows, draws numbers or writes
    into what it is given is refused with a sentence. Row functions are called once for each lane.

    Args:
        function: Takes columns by name, any of ``obs, action, next_obs, reward, terminated, truncated,
            info`` (also as ``state, act, next_state, rew`` and the like), as read-only views;
            ``info`` reads like a dict, ``info["x"]`` or ``info.get("x", 0.0)``. Or takes one parameter
            of another name, the whole `Transitions`. Returns one number for each lane (a batch), or one
            number (a row). As text, ``"module:function"``.
        each: ``"row"`` or ``"batch"`` says the style outright.

    Raises:
        ConfigError: The function cannot be imported or asks for something else.
        RewardValueError: At the first steps, it is none of the above; the sentence names its line.

    Example:
        >>> import numpy as np, rewardwrap as rw
        >>> effort = rw.function(lambda action: -np.square(action).sum(axis=-1))
        >>> shaped = rw.EnvReward() + 0.1 * effort.named("effort")
        >>> upright = rw.function(lambda obs: -abs(obs[2]))
    """

    function: Callable[..., Any] | str
    _: KW_ONLY
    each: Each = None

    def __post_init__(self) -> None:
        function = load_function(self.function) if isinstance(self.function, str) else self.function
        if not callable(function):
            raise ConfigError(
                f"function must be callable, got {type(function).__name__}. "
                'Give a function or its name as "module:function".'
            )
        require_each(self)
        signature = signature_of(function, "function")
        whole = signature.columns == (WHOLE,)
        # who is handed the whole batch may read all of it; who names columns reads those
        reads = set(COLUMNS if whole else signature.columns)
        object.__setattr__(self, "reads_obs", bool(reads & {"obs", "next_obs"}))
        object.__setattr__(self, "shaping", whole)
        object.__setattr__(self, "pays_at_end", "truncated" in reads)
        object.__setattr__(self, "_made", UserFunction(function, signature, "function", self.each))

    @property
    def binary(self) -> bool:
        # only its author knows; who relies on it looks at every value
        return True

    @property
    def called(self) -> UserFunction:
        """The function as it is called."""
        made: UserFunction = self._made  # type: ignore[attr-defined]
        return made

    def __call__(self, batch: Transitions) -> FloatArray:
        names = self.called.signature.columns
        columns = (batch if name == WHOLE else getattr(batch, name) for name in names)
        return self.called.batch(tuple(columns), batch.lanes)

    def write(self, code: LaneCode) -> str:
        names = self.called.signature.columns
        if code.many or WHOLE in names:
            return super().write(code)
        # it costs a call, so a few lanes are better stepped as one batch
        code.slow += 1
        code.use("obs")
        spelled = {
            "info": f"{code.bind(MappingProxyType, 'read_only')}(info)",
            "truncated": "(truncated and not terminated)",
        }
        given = ", ".join(spelled.get(name, name) for name in names)
        return code.let(f"{code.bind(self.called.row, 'function')}({given})", "function")

    def __getstate__(self) -> dict[str, Any]:
        return {"function": self.function, "each": self.each}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()


def function(f: Callable[..., Any] | str, *, each: Each = None) -> Function:
    """A reward from a plain function; see `Function`.

    Raises:
        ConfigError: A torch module, which is no plain function.
    """
    if hasattr(f, "state_dict") and hasattr(f, "forward"):
        raise ConfigError(
            f"function must be a plain function, got the torch module {type(f).__name__}. Seal it with "
            'rw.Learned.from_torch(module, inputs=("obs", "action"), env=ENV).'
        )
    return Function(f, each=each)
