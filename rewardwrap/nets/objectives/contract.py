"""What an objective is, and the tags by which fits name it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Literal, TypeVar

from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.registry import Tags

OBJECTIVES = Tags("objective", "rewardwrap.objectives")
"""Every objective by its tag; other packages add theirs by the entry point ``rewardwrap.objectives``."""

Labels = Literal["rewards", "pairs", "outcomes", "marks", "principles"]
"""What there is to learn from: a number a step, answers, one bit an episode, one chance a step, several bits
a clip."""

R = TypeVar("R", bound=type)


def objective(tag: str, *, labels: Labels) -> Callable[[R], R]:
    """Make a dataclass an objective that `rewardwrap fit --objective TAG` finds.

    It has ``losses(net, table) -> (M, n)``; the weights, the bootstrap and the stopping are the
    trainer's. One of pairs may also have ``table(net, preferences) -> Table``, where its loss reads more
    than the labels; ``network(store, reads, **options)``, where it fits another network; and
    ``train(net, preferences, *, ask, seed, **settings) -> (Fit, record)``, where it fits more than once.

    Args:
        tag: Lower case, snake_case.
        labels: What it learns from.

    Raises:
        ConfigError: Another class has that tag.
    """

    def decorate(cls: R) -> R:
        cls.labels = labels  # type: ignore[attr-defined]
        return OBJECTIVES.add(tag, cls)

    return decorate


def objective_of(tag: str, labels: Labels, settings: Mapping[str, Any]) -> Any:
    """The objective behind a tag, with its settings.

    Raises:
        UnknownName: No such objective for these labels, or no such setting.
        ConfigError: A value that it refuses.
    """
    cls = OBJECTIVES.find(tag)
    if cls.labels != labels:
        fitting = ", ".join(t for t, c in OBJECTIVES.known().items() if c.labels == labels)
        raise ConfigError(
            f'objective must learn from {labels}, got "{tag}", which learns from {cls.labels}. '
            f"Known for {labels}: {fitting}."
        )
    known = [field.name for field in fields(cls) if field.init]
    for name in settings:
        if name not in known:
            raise UnknownName(f"setting of {tag}", name, known)
    return cls(**settings)
