"""Which class stands behind a tag: the shipped methods, the user's own and those of plugins."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoints, entry_points
from typing import Any, TypeVar, dataclass_transform

from rewardwrap.core.errors import ConfigError, UnknownName

R = TypeVar("R", bound=type)


@functools.lru_cache(maxsize=16)
def _offered(group: str, where: tuple[str, ...]) -> EntryPoints:
    """Plugins on this ``sys.path``: to look takes 20 ms, and every mapping in a configuration asks."""
    return entry_points(group=group)


class Tags:
    """The classes of one sort by tag: rewards, scores, objectives.

    Args:
        what: The sort, as errors call it, e.g. ``"reward"``.
        group: Entry points of plugins, e.g. ``"rewardwrap.rewards"``.
        shipped: Modules that add those of this package; imported before a tag is called unknown.
    """

    def __init__(self, what: str, group: str, shipped: tuple[str, ...] = ()) -> None:
        self.what, self.group, self.shipped = what, group, shipped
        self._classes: dict[str, type[Any]] = {}

    def add(self, tag: str, cls: R) -> R:
        """Put a class behind a tag, which it then has as ``tag``.

        Raises:
            ConfigError: Another class has that tag.
        """
        known = self._classes.get(tag)
        if known is not None and (known.__module__, known.__qualname__) != (
            cls.__module__,
            cls.__qualname__,
        ):
            raise ConfigError(
                f'{self.what} tag must be new, got "{tag}" of {known.__module__}.'
                f"{known.__qualname__}. Choose another tag."
            )
        cls.tag = tag  # type: ignore[attr-defined]
        self._classes[tag] = cls
        return cls

    def known(self) -> dict[str, type[Any]]:
        """Every class by tag, plugins included."""
        self._ship()
        for point in _offered(self.group, tuple(sys.path)):
            if point.name not in self._classes:
                point.load()
        return dict(sorted(self._classes.items()))

    def find(self, tag: str, *, path: tuple[str | int, ...] = ()) -> type[Any]:
        """The class behind a tag.

        Raises:
            UnknownName: Nobody registered it.
        """
        if tag not in self._classes:
            self._ship()
        if tag in self._classes:
            return self._classes[tag]
        known = self.known()
        if tag not in known:
            raise UnknownName(self.what, tag, known, path=path)
        return known[tag]

    def _ship(self) -> None:
        for module in self.shipped:
            import_module(module)


REWARDS = Tags(
    "reward",
    "rewardwrap.rewards",
    (
        "rewardwrap.rewards",
        "rewardwrap.scores",
        "rewardwrap.loops.rates",
        "rewardwrap.loops.self_designed",
        "rewardwrap.design.redesigned",
    ),
)


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
        dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)
        return REWARDS.add(tag, cls)

    return decorate


def registered() -> dict[str, type[Any]]:
    """Every reward that configurations can name, plugins included, by tag."""
    return REWARDS.known()


def reward_type(tag: str, *, path: tuple[str | int, ...] = ()) -> type[Any]:
    """The class behind a tag.

    Raises:
        UnknownName: Nobody registered it.
    """
    return REWARDS.find(tag, path=path)


def make(tag: str, **fields: Any) -> Any:
    """Build a registered reward by tag: how `core` reaches the methods that stand on it."""
    return reward_type(tag)(**fields)
