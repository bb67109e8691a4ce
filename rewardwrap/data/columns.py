"""Columns that lie episode by episode, what they must satisfy together, and the hash that names them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core import tree
from rewardwrap.core.transitions import BoolArray, FloatArray
from rewardwrap.data import checks
from rewardwrap.data.checks import named_leaves
from rewardwrap.data.errors import DataError
from rewardwrap.data.ragged import IntArray, starts
from rewardwrap.data.spaces import to_json

if TYPE_CHECKING:
    import gymnasium as gym

StrArray = NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Columns:
    """What `EpisodeStore` is made of; files, splits and assembly need no more of it.

    Raises:
        DataError: Columns that do not fit each other, object arrays, or a flag inside an episode.
    """

    obs: Any
    action: Any
    reward: FloatArray
    terminated: BoolArray
    truncated: BoolArray
    lengths: IntArray
    ids: StrArray
    source: StrArray
    info: dict[str, FloatArray] = field(default_factory=dict)
    observation_space: gym.Space[Any] | None = None
    action_space: gym.Space[Any] | None = None

    def __post_init__(self) -> None:
        for name, dtype in (
            *(("reward", np.float64), ("terminated", np.bool_), ("truncated", np.bool_)),
            *(("lengths", np.int64), ("ids", np.str_), ("source", np.str_)),
        ):
            object.__setattr__(self, name, checks.column(name, getattr(self, name), dtype))
        info = {k: checks.column(f'info["{k}"]', v, np.float64) for k, v in self.info.items()}
        object.__setattr__(self, "info", info)
        _columns_fit(self)
        _borders_fit(self)

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def steps(self) -> int:
        """The number of steps, N."""
        return len(self.reward)

    @cached_property
    def first_step(self) -> IntArray:
        """``(E,)`` row of each episode's first step."""
        return starts(self.lengths)

    @cached_property
    def first_obs(self) -> IntArray:
        """``(E,)`` row of each episode's first observation."""
        return starts(self.lengths + 1)

    @cached_property
    def episode_of_step(self) -> IntArray:
        """``(N,)`` number of the episode a step belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @cached_property
    def obs_row_of_step(self) -> IntArray:
        """``(N,)`` row of ``obs`` before a step; the row after it is the successor."""
        return np.arange(self.steps) + self.episode_of_step

    @cached_property
    def _fingerprint(self) -> str:
        return _fingerprint(self)

    def fingerprint(self) -> str:
        """sha256 of every column, its dtype, its shape and the spaces."""
        return self._fingerprint


def _columns_fit(store: Columns) -> None:
    """Every column has the rows that the lengths promise.

    Raises:
        DataError: Names the column.
    """
    steps, episodes = len(store.reward), len(store.lengths)
    if (store.lengths < 1).any() or store.lengths.sum() != steps:
        raise DataError(
            f"lengths must be at least 1 and add up to the {steps} rewards, got "
            f"{episodes} of sum {store.lengths.sum()}. Drop episodes without a step."
        )
    for name, columns, rows in (
        ("terminated", store.terminated, steps),
        ("truncated", store.truncated, steps),
        ("ids", store.ids, episodes),
        ("source", store.source, episodes),
        *((f'info["{key}"]', each, steps) for key, each in store.info.items()),
        ("action", store.action, steps),
        ("obs", store.obs, steps + episodes),
    ):
        for leaf in tree.leaves(columns):
            array = np.asarray(leaf)
            if name in ("action", "obs"):
                checks.plain(name, array)
            if array.ndim == 0 or len(array) != rows:
                raise DataError(
                    f"{name} must have {rows} rows for {steps} steps in {episodes} episodes, got "
                    f"shape {array.shape}. obs holds one more than the steps of each episode: "
                    "the terminal observation comes last."
                )


def _borders_fit(store: Columns) -> None:
    """Flags stand on last steps only.

    Raises:
        DataError: A step inside an episode is flagged.
    """
    last = np.zeros(len(store.reward), bool)
    last[np.cumsum(store.lengths) - 1] = True
    inside = np.flatnonzero((store.terminated | store.truncated) & ~last)
    if inside.size:
        raise DataError(
            "terminated and truncated must be set on the last step of an episode only, got "
            f"{inside.size} steps inside one, the first in row {inside[0]}. "
            "Split the rows where a flag is set."
        )


def _fingerprint(store: Columns) -> str:
    """sha256 over names, dtypes, shapes and bytes of all columns."""
    hashed = hashlib.sha256()
    leaves = named_leaves(store.obs, "obs") + named_leaves(store.action, "action")
    names = ("reward", "terminated", "truncated", "lengths")
    leaves += [(name, getattr(store, name)) for name in names]
    leaves += [(f"info/{name}", store.info[name]) for name in sorted(store.info)]
    for name, array in leaves:
        hashed.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        hashed.update(np.ascontiguousarray(array).data)
    spaces = store.observation_space, store.action_space
    hashed.update(hashed_words(store.ids.tolist(), store.source.tolist(), *spaces))
    return hashed.hexdigest()


def hashed_words(ids: list[str], source: list[str], observation: Any, action: Any) -> bytes:
    """What of a store is text, as its fingerprint reads it."""
    words = {
        "ids": ids,
        "source": source,
        "observation_space": to_json(observation),
        "action_space": to_json(action),
    }
    return json.dumps(words, sort_keys=True).encode()
