"""Numbers that somebody gave to steps, clips or episodes, and episodes worth imitating."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.transitions import BoolArray, FloatArray
from rewardwrap.data import checks
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.fragments import Fragments
from rewardwrap.data.ragged import IntArray

Target = Literal["step", "fragment", "episode"]


@dataclass(frozen=True, eq=False)
class Labels:
    """One value, or k of them, for each of n things.

    Args:
        on: What is labelled: every step of a store, every clip, or every episode of a store.
        target: ``"step"`` and ``"episode"`` for a store, ``"fragment"`` for clips.
        value: ``(n,)`` or ``(n, k)`` float64; NaN where there is no label.
        weight: ``(n,)``, at least 0; 1 where left out.
        annotator: ``(n,)`` who gave them; "" where left out.

    Raises:
        DataError: As many values as there are things to label must be given.
    """

    on: EpisodeStore | Fragments
    target: Target
    value: FloatArray
    weight: FloatArray = None  # type: ignore[assignment]
    annotator: NDArray[np.str_] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        fits = {"step": EpisodeStore, "episode": EpisodeStore, "fragment": Fragments}
        if self.target not in fits or not isinstance(self.on, fits[self.target]):
            raise DataError(
                'labels: target must be "step" or "episode" of an EpisodeStore, or "fragment" of '
                f'Fragments, got "{self.target}" of {type(self.on).__name__}.'
            )
        value = np.asarray(self.value)
        checks.plain("value", value)
        n = self.on.steps if self.target == "step" else len(self.on)  # type: ignore[union-attr]
        object.__setattr__(self, "value", value.astype(np.float64, copy=False))
        for name, dtype, left_out in (
            ("weight", np.float64, np.ones(n)),
            ("annotator", np.str_, np.full(n, "")),
        ):
            given = getattr(self, name)
            column = checks.column(name, left_out if given is None else given, dtype)
            object.__setattr__(self, name, column)
        if value.ndim not in (1, 2) or {len(value), len(self.weight), len(self.annotator)} != {n}:
            raise DataError(
                f"labels: value, weight and annotator must have {n} rows, one for each "
                f"{self.target}, got {value.shape}, {self.weight.shape}, {self.annotator.shape}."
            )

    def __len__(self) -> int:
        return len(self.value)

    @property
    def store(self) -> EpisodeStore:
        """Where the labelled things lie."""
        return self.on.store if isinstance(self.on, Fragments) else self.on

    @property
    def mask(self) -> BoolArray:
        """``(n,)``, whether every value of a row is there."""
        there: BoolArray = np.all(np.isfinite(self.value).reshape(len(self), -1), axis=1)
        return there

    @property
    def episode(self) -> IntArray:
        """``(n,)`` number of the episode that a label belongs to: what a split goes by."""
        if isinstance(self.on, Fragments):
            return self.on.episode
        return self.on.episode_of_step if self.target == "step" else np.arange(len(self.on))


def logged_rewards(store: EpisodeStore) -> Labels:
    """The store's own rewards as labels of steps, missing ones masked."""
    return Labels(store, "step", store.reward)


@dataclass(frozen=True, eq=False)
class Demonstrations:
    """Episodes worth imitating.

    Args:
        store: The episodes.
        rank: ``(E,)`` place, 1 is best, NaN unknown; None where nobody ranked them.
        weight: ``(E,)``, at least 0; None where all count alike.

    Raises:
        DataError: Another length, or a negative weight.
    """

    store: EpisodeStore
    rank: FloatArray | None = None
    weight: FloatArray | None = None

    def __post_init__(self) -> None:
        for name in ("rank", "weight"):
            given: Any = getattr(self, name)
            if given is None:
                continue
            column = checks.column(name, given, np.float64)
            if len(column) != len(self.store) or (name == "weight" and not (column >= 0).all()):
                raise DataError(
                    f"demonstrations: {name} must hold one number for each of {len(self.store)} "
                    f"episodes, weights at least 0, got {len(column)} of them."
                )
            object.__setattr__(self, name, column)
