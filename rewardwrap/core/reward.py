"""What every method is, a frozen recipe written once over a batch of lanes, and its algebra.

Three kinds of state have three homes. Configuration is the dataclass fields. The carry is per lane and
dies with the episode; `init` makes it, `step` returns the next one, an adapter owns it. Knowledge
(weights, running moments, counts) outlives episodes, is owned by the reward object, changes only while
``batch.training`` and is what `state_dict` saves.

Sums, products, bounds and names put rewards together, and numbers are folded while composing. Any chain
of ``*``, ``+`` and ``.clip`` with numbers is one `Affine`, ``clip(scale * x + shift, low, high)``; a
number times a sum goes to its terms, and a number times a named term goes inside the name. So what is
stepped is short, whatever was written, and a term is always recorded as what it contributes.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core import shown, tree
from rewardwrap.core.errors import ConfigError, NotWritten
from rewardwrap.core.knowledge import forget_use, fresh
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.making import Made
from rewardwrap.core.plain import plain
from rewardwrap.core.registry import make, register
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Carry, FloatArray, Transitions, take

TRUE = "env"
SHAPED = "shaped"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_field_names: dict[type, tuple[str, ...]] = {}


class Reward(metaclass=Made):
    """A reward for a batch of lanes.

    A memoryless reward writes `__call__` alone. One with memory writes `init` and `step`. Everything
    else has a default that is right, and that a hot class may replace by something faster.

    Attributes:
        stochastic: Draws random numbers.
        learns: Its knowledge changes while ``batch.training``.
        reads_obs: Reads observations, which must then be the environment's own and not normalised ones.
        shaping: Uses a discount, its own ``gamma`` or the run's, which must then be the learner's.
        pays_at_end: ``truncated`` changes what a row pays, so the clock must lie below the reward.
        recomputes: A stored step can be paid alone, ``self(batch)``, by what is known now: what it
            carries from row to row only serves learning.
        clock: When it is known: ``"step"``, or ``"episode"`` where it waits for the end.

    ``reads_obs``, ``shaping`` and ``pays_at_end`` are True unless a class says otherwise: who says
    nothing may do all of it. The contract (`rewardwrap.testing.check_reward`) proves each False.

    Example:
        >>> import rewardwrap as rw
        >>> @rw.register("effort")
        ... class Effort(rw.Reward):
        ...     '''Minus the squared action.'''
        ...     weight: float = 1.0
        ...     def __call__(self, batch):
        ...         return -self.weight * (batch.action**2).sum(axis=-1)
        >>> (rw.EnvReward() + 0.1 * Effort()).to_config()["sum"]["terms"][1]["affine"]["scale"]
        0.1
    """

    tag: ClassVar[str] = ""
    stochastic: ClassVar[bool] = False
    learns: ClassVar[bool] = False
    reads_obs: ClassVar[bool] = True
    shaping: ClassVar[bool] = True
    pays_at_end: ClassVar[bool] = True
    recomputes: ClassVar[bool] = False
    clock: ClassVar[str] = "step"
    # a number of numpy leaves operators to the reward, whose comparison it would take for a truth
    __array_ufunc__: ClassVar[None] = None

    # --- what a method writes -------------------------------------------------------------------

    def init(self, lanes: int) -> Carry:
        """The carry of ``lanes`` fresh lanes: nested tuples of arrays, leading size ``lanes``."""
        return None

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        """The next carry and the reward of every lane, ``(B,)`` float64."""
        return carry, self(batch)

    def __call__(self, batch: Transitions) -> FloatArray:
        """The reward of every row, ``(B,)``; only for rewards without a carry."""
        if type(self).step is Reward.step:
            raise NotWritten(
                f"{type(self).__name__} must say what it pays, got neither __call__ nor step. Write "
                "def __call__(self, batch), which returns one number per lane."
            )
        raise NotWritten(
            f"{type(self).__name__} must be stepped, since it carries state from row to row. "
            "Use rw.wrap(env, reward) or rw.relabel(reward, episodes)."
        )

    def validate(self, task: Task) -> None:
        """Refuse, before the first step, what cannot work on this task."""

    def release(self) -> None:
        """Give back what it holds beside memory, such as a process; the next batch takes it again."""

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """This node's own knowledge, arrays only."""
        return {}

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Take over what `state_arrays` returned."""

    # --- derived, and replaced only for speed ---------------------------------------------------

    def write(self, code: LaneCode) -> str:
        """The same reward for one lane, as source text: add lines to ``code``, return an expression.

        The default steps a batch of one. A hot class writes three to eight lines; see `core.lane`.
        """
        names = [node.name for node in self.walk() if isinstance(node, Named)]
        return code.batch_of_one(self.step, self.init(1), names, self.tag or "reward")

    def over_time(self, batch: Transitions) -> FloatArray:
        """The reward of consecutive steps of ONE lane, row after row; episodes start at ``first``."""
        if self.memoryless:
            return self(batch)
        carry = self.init(1)
        values = np.empty(batch.lanes)
        for t in range(batch.lanes):
            one = take(batch, slice(t, t + 1))
            carry, value = self.step(carry, one)
            values[t] = value[0]
            for name, term in one.terms.items():
                batch.terms.setdefault(name, np.empty(batch.lanes))[t] = term[0]
        return values

    @property
    def lookahead(self) -> int:
        """How many later steps the reward needs; online adapters refuse any, `relabel` accepts."""
        return max((part.lookahead for part in self.parts()), default=0)

    @property
    def recorded(self) -> tuple[str, ...]:
        """Terms that are recorded as what they contribute: a number times this is a number times each."""
        return ()

    @property
    def binary(self) -> bool:
        """Whether it is meant to pay 0 or 1 alone, as an event does; no unless it says so."""
        return False

    @property
    def memoryless(self) -> bool:
        """Whether the reward of a row depends on that row alone."""
        nothing = next(tree.leaves(self.init(1)), None) is None and self.lookahead == 0
        return nothing and all(part.memoryless for part in self.parts())

    # --- the tree -------------------------------------------------------------------------------

    def parts(self) -> tuple[Reward, ...]:
        """The rewards that this one is made of, in the order of its fields."""
        found: list[Reward] = []
        for name in field_names(type(self)):
            value = getattr(self, name)
            if isinstance(value, Reward):
                found.append(value)
            elif isinstance(value, tuple):
                found.extend(node for node in value if isinstance(node, Reward))
        return tuple(found)

    def walk(self) -> Iterator[Reward]:
        """This reward and everything below it, outermost first."""
        yield self
        for part in self.parts():
            yield from part.walk()

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """All knowledge of the tree: ``"<position in walk order>.<name>"`` -> array."""
        return {
            f"{i}.{name}": np.array(array)
            for i, node in enumerate(self.walk())
            for name, array in node.state_arrays().items()
        }

    def load_state_dict(self, state: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Take over what `state_dict` returned.

        Raises:
            ConfigError: The state belongs to a reward of another shape.
        """
        if state.keys() != self.state_dict().keys():
            raise ConfigError(
                f"state must hold {sorted(self.state_dict()) or 'nothing'}, got {sorted(state)}. "
                "Load it into the reward that it was saved from."
            )
        for i, node in enumerate(self.walk()):
            own = {
                k.partition(".")[2]: v for k, v in state.items() if k.partition(".")[0] == str(i)
            }
            if own:
                node.load_state_arrays(own)
        forget_use(self)

    def fresh(self) -> Reward:
        """The same reward with new knowledge: what each training of a loop over seeds is given.

        Statistics, counts and random generators start anew; parts that never learn are shared.

        Example:
            >>> import rewardwrap as rw
            >>> reward = rw.EnvReward().normalize()
            >>> for seed in range(2):
            ...     venv = rw.make("CartPole-v1", reward.fresh(), seed=seed)
        """
        return fresh(self)

    def to_config(self) -> dict[str, Any]:
        """The reward as plain nested data, ready for JSON or YAML; `rw.from_config` reads it back.

        Raises:
            ConfigError: A field holds something that has no name, such as a lambda.
        """
        if not self.tag:
            name = type(self).__name__
            raise ConfigError(
                f"{name} must be registered to be written down, got a class without a tag. "
                f'Put @rw.register("{name.lower()}") above it.'
            )
        fields = {}
        for f in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            if f.default is dataclasses.MISSING or value is not f.default:
                fields[f.name] = plain(value, f"{type(self).__name__}: {f.name}")
        return {self.tag: fields}

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{f.name}={getattr(self, f.name)!r}"
            for f in dataclasses.fields(self)  # type: ignore[arg-type]
            if f.repr and getattr(self, f.name) is not f.default
        )
        return f"{type(self).__name__}({shown})"

    def __str__(self) -> str:
        return shown.text(self)

    def _repr_html_(self) -> str:
        return shown.html(self)

    # --- composition ----------------------------------------------------------------------------

    def __add__(self, other: Reward | float) -> Reward:
        return total(self, other) if isinstance(other, Reward) else affine(self, shift=other)

    def __radd__(self, other: float) -> Reward:
        return self + other

    def __sub__(self, other: Reward | float) -> Reward:
        return self + -1.0 * other

    def __rsub__(self, other: float) -> Reward:
        return -1.0 * self + other

    def __neg__(self) -> Reward:
        return -1.0 * self

    def __mul__(self, other: Reward | float) -> Reward:
        return Product((self, other)) if isinstance(other, Reward) else affine(self, scale=other)

    def __rmul__(self, other: float) -> Reward:
        return self * other

    def __truediv__(self, number: float) -> Reward:
        return self * (1.0 / number)

    def __gt__(self, other: Reward | float) -> Reward:
        return indicator(self, ">", other)

    def __ge__(self, other: Reward | float) -> Reward:
        return indicator(self, ">=", other)

    def __lt__(self, other: Reward | float) -> Reward:
        return indicator(self, "<", other)

    def __le__(self, other: Reward | float) -> Reward:
        return indicator(self, "<=", other)

    def clip(self, low: float | None = None, high: float | None = None) -> Reward:
        """The reward, kept inside ``[low, high]``; None leaves a side open. Not policy-invariant."""
        return affine(self, low=low, high=high)

    def minimum(self, other: Reward | float) -> Reward:
        """The smaller of the two, lane by lane."""
        return Minimum((self, other)) if isinstance(other, Reward) else affine(self, high=other)

    def maximum(self, other: Reward | float) -> Reward:
        """The larger of the two, lane by lane."""
        return Maximum((self, other)) if isinstance(other, Reward) else affine(self, low=other)

    def normalize(self, **options: Any) -> Reward:
        """Divide by the running deviation of the discounted return; see `rw.Normalize`."""
        made: Reward = make("normalize", base=self, **options)
        return made

    def safe(self, gamma: float | None = None, delay: int | None = None) -> Reward:
        """Pay it, and take it back before the episode ends: no policy gains; see `rw.Safe`."""
        made: Reward = make("safe", base=self, gamma=gamma, delay=delay)
        return made

    def delta(self, *, align: str = "previous", **options: Any) -> Reward:
        """Pay the difference of successive scores; see `rw.Delta`."""
        made: Reward = make("delta", base=self, align=align, **options)
        return made

    def named(self, name: str) -> Named:
        """Record what this contributes as term ``name``. Numbers multiplied later go inside."""
        return Named(name, self)


def field_names(cls: type[Reward]) -> tuple[str, ...]:
    """Names of the configuration fields, cached: `parts` is on the hot path."""
    if cls not in _field_names:
        _field_names[cls] = (
            tuple(f.name for f in dataclasses.fields(cls)) if dataclasses.is_dataclass(cls) else ()
        )
    return _field_names[cls]


class Pointwise(Reward):
    """A reward that is a function of other rewards of the same row: `combine` says which."""

    reads_obs: ClassVar[bool] = False
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    def combine(self, values: Sequence[Any]) -> Any:
        """The function; ``values`` holds one ``(B,)`` array (or one float) for each part."""
        raise NotImplementedError

    def init(self, lanes: int) -> Carry:
        return tuple(part.init(lanes) for part in self.parts())

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        carries, values = [], []
        for part, own in zip(self.parts(), carry, strict=True):
            own, value = part.step(own, batch)
            carries.append(own)
            values.append(value)
        return tuple(carries), self.combine(values)

    def __call__(self, batch: Transitions) -> FloatArray:
        value: FloatArray = self.combine([part(batch) for part in self.parts()])
        return value

    def over_time(self, batch: Transitions) -> FloatArray:
        value: FloatArray = self.combine([part.over_time(batch) for part in self.parts()])
        return value

    def write(self, code: LaneCode) -> str:
        values = ", ".join(part.write(code) for part in self.parts())
        return code.let(f"float({code.bind(self.combine, self.tag)}(({values},)))", self.tag)


@dataclass(frozen=True, eq=False, repr=False)
class OfTerms(Pointwise):
    """A function of any number of rewards, in which none is different from the others."""

    terms: tuple[Reward, ...]

    def __post_init__(self) -> None:
        require_parts(self, self.terms)

    def parts(self) -> tuple[Reward, ...]:
        return self.terms

    @property
    def binary(self) -> bool:
        return all(term.binary for term in self.terms)


@dataclass(frozen=True, eq=False, repr=False)
class OfOne(Pointwise):
    """A function of one reward."""

    base: Reward

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))

    def parts(self) -> tuple[Reward, ...]:
        return (self.base,)


@register("sum")
class Sum(OfTerms):
    """The sum of its terms, lane by lane; what ``a + b`` builds.

    Example:
        >>> import rewardwrap as rw
        >>> rw.EnvReward() + rw.Constant(-0.1)
        Sum(terms=(EnvReward(), Constant(value=-0.1)))
    """

    @property
    def binary(self) -> bool:
        return False  # 1 + 1 is neither

    @property
    def recorded(self) -> tuple[str, ...]:
        return tuple(name for term in self.terms for name in term.recorded)

    def combine(self, values: Sequence[Any]) -> Any:
        return sum(values[1:], start=values[0])

    def write(self, code: LaneCode) -> str:
        return f"({' + '.join(term.write(code) for term in self.terms)})"


@register("product")
class Product(Pointwise):
    """The product of its factors, lane by lane; what ``a * b`` builds.

    Example:
        >>> import rewardwrap as rw
        >>> rw.EnvReward() * rw.Constant(0.5)
        Product(factors=(EnvReward(), Constant(value=0.5)))
    """

    factors: tuple[Reward, ...]

    def __post_init__(self) -> None:
        require_parts(self, self.factors)

    @property
    def binary(self) -> bool:
        return all(factor.binary for factor in self.factors)

    def combine(self, values: Sequence[Any]) -> Any:
        return reduce(lambda a, b: a * b, values)


@register("minimum")
class Minimum(OfTerms):
    """The smallest of its terms, lane by lane: a soft AND; not policy-invariant.

    Example:
        >>> import rewardwrap as rw
        >>> rw.EnvReward().minimum(rw.Constant(1.0))
        Minimum(terms=(EnvReward(), Constant(value=1.0)))
    """

    def combine(self, values: Sequence[Any]) -> Any:
        return reduce(np.minimum, values)


@register("maximum")
class Maximum(OfTerms):
    """The largest of its terms, lane by lane: a soft OR; not policy-invariant.

    Example:
        >>> import rewardwrap as rw
        >>> rw.EnvReward().maximum(rw.Constant(0.0))
        Maximum(terms=(EnvReward(), Constant(value=0.0)))
    """

    def combine(self, values: Sequence[Any]) -> Any:
        return reduce(np.maximum, values)


@register("affine")
class Affine(OfOne):
    """``clip(scale * base + shift, low, high)``.

    A positive scale keeps the optimal policy; a shift keeps it only where episodes have one length; a
    bound does not keep it.

    Args:
        base: The reward to rescale.
        scale: Factor.
        shift: Added after scaling, in reward per step.
        low: Lower bound of the result, or None.
        high: Upper bound of the result, or None.

    Example:
        >>> import rewardwrap as rw
        >>> (0.5 * rw.EnvReward()).clip(-1, 1).to_config()
        {'affine': {'base': {'env': {}}, 'scale': 0.5, 'shift': 0.0, 'low': -1.0, 'high': 1.0}}
    """

    scale: float = 1.0
    shift: float = 0.0
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("scale", "shift", "low", "high"):
            value = getattr(self, name)
            if value is None and name in ("low", "high"):
                continue
            if not math.isfinite(_number(value)):
                raise ConfigError(
                    f"Affine: {name} must be finite, got {value}. Use None for no bound."
                )
            object.__setattr__(self, name, float(value))
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ConfigError(
                f"clip: low must not exceed high, got [{self.low}, {self.high}]. Swap them."
            )
        object.__setattr__(self, "_scaled", self.base.recorded if self.scale != 1.0 else ())

    @property
    def binary(self) -> bool:
        ends = self.combine([np.array([0.0, 1.0])])
        return self.base.binary and bool(np.isin(ends, (0.0, 1.0)).all())

    @property
    def recorded(self) -> tuple[str, ...]:
        return self.base.recorded

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        carry, value = super().step(carry, batch)
        self._scale_terms(batch)
        return carry, value

    def __call__(self, batch: Transitions) -> FloatArray:
        value = super().__call__(batch)
        self._scale_terms(batch)
        return value

    def over_time(self, batch: Transitions) -> FloatArray:
        value = super().over_time(batch)
        self._scale_terms(batch)
        return value

    def _scale_terms(self, batch: Transitions) -> None:
        """What the base recorded is multiplied too: a term is what it contributes."""
        names: tuple[str, ...] = self._scaled  # type: ignore[attr-defined]
        for name in names:
            batch.terms[name] = batch.terms[name] * self.scale

    def combine(self, values: Sequence[Any]) -> Any:
        value = values[0]
        if self.scale != 1.0:
            value = value * self.scale
        if self.shift != 0.0:
            value = value + self.shift
        if self.low is not None:
            value = np.maximum(value, self.low)
        if self.high is not None:
            value = np.minimum(value, self.high)
        return value

    def write(self, code: LaneCode) -> str:
        value = self.base.write(code)
        for name in self._scaled:  # type: ignore[attr-defined]
            code.terms[name] = code.let(f"{code.terms[name]} * {self.scale!r}", "term")
        if self.scale != 1.0:
            value = f"{value} * {self.scale!r}"
        if self.shift != 0.0:
            value = f"{value} + {self.shift!r}"
        if self.low is None and self.high is None:
            return f"({value})"
        # comparisons with NaN are false, so NaN passes through and is reported as such
        value = code.let(value, "clipped")
        if self.low is not None:
            code.line(f"if {value} < {self.low!r}: {value} = {self.low!r}")
        if self.high is not None:
            code.line(f"if {value} > {self.high!r}: {value} = {self.high!r}")
        return value


@register("named")
class Named(Reward):
    """Records what its base contributes as a term; what ``.named(...)`` builds.

    Args:
        name: Letters, digits, ``_ . -``; not ``env`` or ``shaped``, which every run has.
        base: The reward.

    Example:
        >>> import rewardwrap as rw
        >>> (rw.EnvReward() + rw.Constant(-0.1).named("time")).to_config()["sum"]["terms"][1]
        {'named': {'name': 'time', 'base': {'constant': {'value': -0.1}}}}
    """

    reads_obs: ClassVar[bool] = False
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    name: str
    base: Reward

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"term name must be letters, digits, '_', '.' or '-', got {self.name!r}. "
                "It becomes part of a TensorBoard tag and a column name."
            )
        if self.name in (TRUE, SHAPED):
            raise ConfigError(
                f'term name must not be "{self.name}", which every run records. Choose another.'
            )

    def parts(self) -> tuple[Reward, ...]:
        return (self.base,)

    @property
    def binary(self) -> bool:
        return self.base.binary

    @property
    def recorded(self) -> tuple[str, ...]:
        return (self.name, *self.base.recorded)

    def init(self, lanes: int) -> Carry:
        return self.base.init(lanes)

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        carry, value = self.base.step(carry, batch)
        batch.terms[self.name] = value
        return carry, value

    def __call__(self, batch: Transitions) -> FloatArray:
        batch.terms[self.name] = value = self.base(batch)
        return value

    def over_time(self, batch: Transitions) -> FloatArray:
        batch.terms[self.name] = value = self.base.over_time(batch)
        return value

    def write(self, code: LaneCode) -> str:
        code.terms[self.name] = value = code.let(self.base.write(code), "term")
        return value


def indicator(one: Reward, relation: str, other: Reward | float) -> Reward:
    """``1[one relation other]``; two rewards compare through their difference."""
    if isinstance(other, Reward):
        one, other = one - other, 0.0
    made: Reward = make("indicator", base=one, relation=relation, limit=_number(other))
    return made


def total(one: Reward, other: Reward) -> Sum:
    """``one + other`` as one flat sum."""
    terms = [t for r in (one, other) for t in (r.terms if isinstance(r, Sum) else (r,))]
    return Sum(tuple(terms))


def affine(
    base: Reward,
    *,
    scale: float = 1.0,
    shift: float = 0.0,
    low: float | None = None,
    high: float | None = None,
) -> Reward:
    """``clip(scale * base + shift, low, high)``, folded into what ``base`` already is."""
    scale, shift = _number(scale), _number(shift)
    only_scale = shift == 0.0 and low is None and high is None
    if only_scale and scale == 1.0:
        return base
    if only_scale and isinstance(base, Named):
        return Named(base.name, affine(base.base, scale=scale))
    if only_scale and isinstance(base, Sum):
        return Sum(tuple(affine(term, scale=scale) for term in base.terms))
    low, high = _bound(low, -math.inf), _bound(high, math.inf)
    if low > high:
        raise ConfigError(f"clip: low must not exceed high, got [{low}, {high}]. Swap them.")
    inner = base if isinstance(base, Affine) else Affine(base)
    ends = [_moved(inner.low, -math.inf, scale, shift), _moved(inner.high, math.inf, scale, shift)]
    below, above = ends if scale >= 0 else ends[::-1]
    # clip(clip(y, a, b), low, high) is clip(y, a', b') with both ends clipped themselves
    return replace(
        inner,
        scale=inner.scale * scale,
        shift=inner.shift * scale + shift,
        low=_finite(min(max(below, low), high)),
        high=_finite(min(max(above, low), high)),
    )


def _moved(bound: float | None, absent: float, scale: float, shift: float) -> float:
    if bound is None:
        return absent if scale >= 0 else -absent
    return bound * scale + shift


def _bound(bound: float | None, absent: float) -> float:
    if bound is None:
        return absent
    bound = _number(bound)
    if math.isnan(bound) or bound == -absent:
        raise ConfigError(f"clip: a bound must be finite, got {bound}. Use None for an open side.")
    return bound


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise ConfigError(
            f"a reward must be combined with a number or a reward, got {type(value).__name__}. "
            "Wrap a function with rw.function(f)."
        )
    return float(value)


def require_parts(owner: Reward, parts: Sequence[Any]) -> None:
    """Refuse a composite whose parts are missing or are no rewards.

    Raises:
        ConfigError: No part, or one that is not a `Reward`.
    """
    if not parts:
        raise ConfigError(
            f"{type(owner).__name__} must have at least one reward, got none. Add one."
        )
    for part in parts:
        if not isinstance(part, Reward):
            raise ConfigError(
                f"{type(owner).__name__} must be made of rewards, got {type(part).__name__}. "
                "Wrap a number with rw.Constant(c) and a function with rw.function(f)."
            )
