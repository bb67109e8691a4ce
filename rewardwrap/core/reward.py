"""What every method is: a frozen recipe, written once over a batch of lanes.

Three kinds of state have three homes. Configuration is the dataclass fields. The carry is per lane and
dies with the episode; `init` makes it, `step` returns the next one, an adapter owns it. Knowledge
(weights, running moments, counts) outlives episodes, is owned by the reward object, changes only while
``batch.training`` and is what `state_dict` saves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Carry, FloatArray, Transitions

if TYPE_CHECKING:
    from rewardwrap.core.combine import Named
    from rewardwrap.core.lane import LaneCode

ENTRY_POINTS = "rewardwrap.rewards"

_registry: dict[str, type[Reward]] = {}


class Reward:
    """A reward for a batch of lanes.

    A memoryless reward writes `__call__` alone. One with memory writes `init` and `step`. Everything
    else has a default that is right, and that a hot class may replace by something faster.

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

    # --- what a method writes -------------------------------------------------------------------

    def init(self, lanes: int) -> Carry:
        """The carry of ``lanes`` fresh lanes: nested tuples of arrays, leading size ``lanes``."""
        return None

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        """The next carry and the reward of every lane, ``(B,)`` float64."""
        return carry, self(batch)

    def __call__(self, batch: Transitions) -> FloatArray:
        """The reward of every row, ``(B,)``; only for rewards without a carry."""
        raise TypeError(
            f"{type(self).__name__} must be stepped, since it carries state from row to row. "
            "Use rw.wrap(env, reward) or rw.relabel(reward, episodes)."
        )

    def validate(self, task: Task) -> None:
        """Refuse, before the first step, what cannot work on this task."""

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
        return code.batch_of_one(self)

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
    def memoryless(self) -> bool:
        """Whether the reward of a row depends on that row alone."""
        return next(tree.leaves(self.init(1)), None) is None and self.lookahead == 0

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

    def to_config(self) -> dict[str, Any]:
        """The reward as plain nested data, ready for JSON or YAML; `rw.from_config` reads it back."""
        from rewardwrap.core.config import to_config

        return to_config(self)

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{f.name}={getattr(self, f.name)!r}"
            for f in dataclasses.fields(self)  # type: ignore[arg-type]
            if f.repr and getattr(self, f.name) is not f.default
        )
        return f"{type(self).__name__}({shown})"

    # --- composition ----------------------------------------------------------------------------

    def __add__(self, other: Reward | float) -> Reward:
        from rewardwrap.core.combine import affine, total

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
        from rewardwrap.core.combine import Product, affine

        return Product((self, other)) if isinstance(other, Reward) else affine(self, scale=other)

    def __rmul__(self, other: float) -> Reward:
        return self * other

    def __truediv__(self, number: float) -> Reward:
        return self * (1.0 / number)

    def clip(self, low: float | None = None, high: float | None = None) -> Reward:
        """The reward, kept inside ``[low, high]``; None leaves a side open. Not policy-invariant."""
        from rewardwrap.core.combine import affine

        return affine(self, low=low, high=high)

    def minimum(self, other: Reward | float) -> Reward:
        """The smaller of the two, lane by lane."""
        from rewardwrap.core.combine import Minimum, affine

        return Minimum((self, other)) if isinstance(other, Reward) else affine(self, high=other)

    def maximum(self, other: Reward | float) -> Reward:
        """The larger of the two, lane by lane."""
        from rewardwrap.core.combine import Maximum, affine

        return Maximum((self, other)) if isinstance(other, Reward) else affine(self, low=other)

    def normalize(self, **options: Any) -> Reward:
        """Divide by the running deviation of the discounted return; see `rw.Normalize`."""
        return make("normalize", base=self, **options)

    def delta(self, *, align: str = "previous", **options: Any) -> Reward:
        """Pay the difference of successive scores; see `rw.Delta`."""
        return make("delta", base=self, align=align, **options)

    def named(self, name: str) -> Named:
        """Record what this contributes as term ``name``. Numbers multiplied later go inside."""
        from rewardwrap.core.combine import Named

        return Named(name, self)


class Pointwise(Reward):
    """A reward that is a function of other rewards of the same row: `combine` says which."""

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


R = TypeVar("R", bound=type[Reward])


@dataclass_transform(frozen_default=True, eq_default=False)
def register(tag: str) -> Callable[[R], R]:
    """Make a class a reward that configurations can name.

    The class becomes a frozen dataclass whose fields are its configuration.

    Args:
        tag: Its name in YAML and JSON: lower case, snake_case.

    Raises:
        ConfigError: Another class has that tag.
    """

    def decorate(cls: R) -> R:
        known = _registry.get(tag)
        if known is not None and (known.__module__, known.__qualname__) != (
            cls.__module__,
            cls.__qualname__,
        ):
            raise ConfigError(
                f'reward tag must be new, got "{tag}" of {known.__module__}.{known.__qualname__}. '
                "Choose another tag."
            )
        dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)
        cls.tag = tag
        _registry[tag] = cls
        return cls

    return decorate


def registered() -> dict[str, type[Reward]]:
    """Every reward that configurations can name, plugins included, by tag."""
    for point in entry_points(group=ENTRY_POINTS):
        if point.name not in _registry:
            point.load()
    return dict(sorted(_registry.items()))


def reward_type(tag: str, *, path: tuple[str | int, ...] = ()) -> type[Reward]:
    """The class behind a tag.

    Raises:
        UnknownName: Nobody registered it.
    """
    if tag in _registry:
        return _registry[tag]
    known = registered()
    if tag not in known:
        raise UnknownName("reward", tag, known, path=path)
    return known[tag]


def make(tag: str, **fields: Any) -> Reward:
    """Build a registered reward by tag: how `core` reaches the methods that stand on it."""
    return reward_type(tag)(**fields)


_field_names: dict[type, tuple[str, ...]] = {}


def field_names(cls: type[Reward]) -> tuple[str, ...]:
    """Names of the configuration fields, cached: `parts` is on the hot path."""
    if cls not in _field_names:
        _field_names[cls] = (
            tuple(f.name for f in dataclasses.fields(cls)) if dataclasses.is_dataclass(cls) else ()
        )
    return _field_names[cls]


def take(batch: Transitions, rows: Any) -> Transitions:
    """Some rows of a batch, with terms of their own."""
    return Transitions(
        obs=tree.take(batch.obs, rows),
        action=tree.take(batch.action, rows),
        next_obs=tree.take(batch.next_obs, rows),
        reward=batch.reward[rows],
        terminated=batch.terminated[rows],
        truncated=batch.truncated[rows],
        first=batch.first[rows],
        info=batch.info.take(rows),
        info_before=batch.info_before.take(rows),
        training=batch.training,
        task=batch.task,
        starts=batch.starts,
        ends=batch.ends,
    )
