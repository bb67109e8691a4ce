"""Whose training a reward is taught by: statistics, counts and generators belong to one run.

What a reward knew when a training environment first took it is written on the node itself. Where it
knows something else when another training environment takes it, or begins, somebody has taught it
meanwhile: the second run would not start where the first one did, and equal seeds would give other
numbers.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np

from rewardwrap.core.errors import StackError

_BIRTH = "_known_at_first"


class Knowing(Protocol):
    """What is asked of a reward here."""

    learns: ClassVar[bool]
    stochastic: ClassVar[bool]

    def walk(self) -> Iterator[Any]:
        """This and everything below it."""

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Its own knowledge."""

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Take it over."""


K = TypeVar("K", bound=Knowing)


def taught_nodes(reward: Knowing) -> list[Any]:
    """The parts of a reward that change while an agent trains."""
    return [node for node in reward.walk() if node.learns or node.stochastic]


def fresh(reward: K) -> K:
    """The same reward with new knowledge; parts that never learn are shared."""
    made: dict[int, Any] = {}

    def renew(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(renew(item) for item in value)
        if isinstance(value, Mapping):
            return {key: renew(item) for key, item in value.items()}
        if not hasattr(value, "walk") or not taught_nodes(value):
            return value
        if id(value) not in made:
            own = {f.name: renew(getattr(value, f.name)) for f in dataclasses.fields(value)}
            made[id(value)] = dataclasses.replace(value, **own)
        return made[id(value)]

    found: K = renew(reward)
    return found


def take_on(reward: Knowing) -> None:
    """Write on each part what it knows now, unless that was done before, in which case it must be unused.

    Raises:
        StackError: Another training has taught it.
    """
    require_unused(reward)
    for node in taught_nodes(reward):
        if _BIRTH not in vars(node):
            object.__setattr__(node, _BIRTH, _print_of(node))


def forget_use(reward: Knowing) -> None:
    """What the reward knows now was put there on purpose: it counts as unused again."""
    for node in taught_nodes(reward):
        vars(node).pop(_BIRTH, None)
    take_on(reward)


def require_unused(reward: Knowing) -> None:
    """Refuse a reward that another training has taught.

    Raises:
        StackError: It names the part, and how each training gets a reward of its own.
    """
    for node in taught_nodes(reward):
        if vars(node).get(_BIRTH, _print_of(node)) != _print_of(node):
            raise StackError(
                "a reward must be taught by one training environment, got "
                f"{type(node).__name__}, which another one has taught. Give each training its own, "
                "reward.fresh(), and make an evaluation environment with training=False."
            )


@contextmanager
def untaught(rewards: Iterable[Knowing]) -> Iterator[None]:
    """Put back, at the end, all that these rewards learned meanwhile."""
    nodes = {id(node): node for reward in rewards for node in reward.walk()}.values()
    known = [(n, {k: np.array(v) for k, v in n.state_arrays().items()}) for n in nodes]
    drawn = [(g, g.bit_generator.state) for node in nodes for g in _generators(node)]
    try:
        yield
    finally:
        for node, arrays in known:
            if arrays:
                node.load_state_arrays(arrays)
        for generator, state in drawn:
            generator.bit_generator.state = state


def _generators(node: Knowing) -> list[np.random.Generator]:
    return [value for value in vars(node).values() if isinstance(value, np.random.Generator)]


def _print_of(node: Knowing) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(node.state_arrays().items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    for generator in _generators(node):
        digest.update(repr(generator.bit_generator.state).encode())
    return digest.hexdigest()
