"""What a score is, and the tags by which scores are named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar, dataclass_transform

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import RewardValueError
from rewardwrap.core.plain import plain
from rewardwrap.core.registry import Tags
from rewardwrap.core.transitions import FloatArray

SCORES = Tags("score", "rewardwrap.scores")
"""Every score by its tag; other packages add theirs by the entry point ``rewardwrap.scores``."""

R = TypeVar("R", bound=type)


class Score(Protocol):
    """Any callable that gives each of n finished episodes a number."""

    def __call__(self, episodes: Sequence[Episode], /) -> Any:
        """``(n,)``, in the order of the episodes."""
        ...


@dataclass_transform(frozen_default=True, eq_default=False)
def register_score(tag: str) -> Callable[[R], R]:
    """Make a class a score that commands can name; its fields are its configuration.

    Args:
        tag: Lower case, snake_case.

    Raises:
        ConfigError: Another class has that tag.
    """

    def decorate(cls: R) -> R:
        dataclasses.dataclass(frozen=True, eq=False)(cls)
        cls.to_config = _to_config  # type: ignore[attr-defined]
        return SCORES.add(tag, cls)

    return decorate


def _to_config(self: Any) -> dict[str, Any]:
    """The score as plain data, ``{tag: fields}``; `rewardwrap.scores.chosen_score` reads it back."""
    fields = {
        f.name: plain(value, f"{type(self).__name__}: {f.name}")
        for f in dataclasses.fields(self)
        if f.init and (value := getattr(self, f.name)) is not f.default
    }
    return {self.tag: fields}


def peeked(score: Score, episodes: Sequence[Episode]) -> FloatArray:
    """`scored`, from which the score learns nothing: a score with a memory has ``peek`` for it."""
    return scored(getattr(score, "peek", score), episodes)


def scored(score: Score, episodes: Sequence[Episode]) -> FloatArray:
    """Ask a score, and take nothing but one finite number for each episode, ``(n,)`` float64.

    Raises:
        RewardValueError: Another shape, NaN or infinity.
    """
    found = np.asarray(score(episodes), np.float64)
    name = getattr(score, "__name__", type(score).__name__)
    if found.shape != (len(episodes),):
        raise RewardValueError(
            f"score {name} must give one number for each of {len(episodes)} episodes, got shape "
            f"{found.shape}. Return an array (n,) in the order of the episodes."
        )
    if not np.isfinite(found).all():
        row = int(np.argmin(np.isfinite(found)))
        raise RewardValueError(
            f"score {name} must be finite, got {found[row]} for episode {row} of {len(episodes)} "
            f"({len(episodes[row])} steps). Look for a mean of nothing or a logarithm of 0."
        )
    return found
