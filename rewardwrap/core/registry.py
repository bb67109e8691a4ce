"""Which class stands behind a tag: the shipped methods, the user's own and those of plugins."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, TypeVar, dataclass_transform

from rewardwrap.core.errors import ConfigError, UnknownName

ENTRY_POINTS = "rewardwrap.rewards"

_registry: dict[str, type[Any]] = {}

R = TypeVar("R", bound=type)


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
        cls.tag = tag  # type: ignore[attr-defined]
        _registry[tag] = cls
        return cls

    return decorate


def registered() -> dict[str, type[Any]]:
    """Every reward that configurations can name, plugins included, by tag."""
    for point in entry_points(group=ENTRY_POINTS):
        if point.name not in _registry:
            point.load()
    return dict(sorted(_registry.items()))


def reward_type(tag: str, *, path: tuple[str | int, ...] = ()) -> type[Any]:
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


def make(tag: str, **fields: Any) -> Any:
    """Build a registered reward by tag: how `core` reaches the methods that stand on it."""
    return reward_type(tag)(**fields)
