"""Clips of episodes: views that gather into padded arrays when they are read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.episode import Episode
from rewardwrap.core.info import NO_INFO, ColumnInfo
from rewardwrap.core.transitions import BoolArray, FloatArray, Transitions
from rewardwrap.data import checks
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.ragged import IntArray


@dataclass(frozen=True, eq=False)
class Fragments:
    """n clips of a store. Nothing is copied until a method gathers rows.

    Args:
        store: Where the clips lie.
        episode: ``(n,)`` numbers of episodes.
        start: ``(n,)`` first step within the episode.
        length: ``(n,)`` steps, at least 1.

    Raises:
        DataError: A clip that leaves its episode.
    """

    store: EpisodeStore
    episode: IntArray
    start: IntArray
    length: IntArray

    def __post_init__(self) -> None:
        for name in ("episode", "start", "length"):
            object.__setattr__(self, name, checks.column(name, getattr(self, name), np.int64))
        if not len(self.episode) == len(self.start) == len(self.length):
            raise DataError(
                "fragments must have one episode, start and length each, got "
                f"{len(self.episode)}, {len(self.start)} and {len(self.length)}."
            )
        self._stay_inside()

    def _stay_inside(self) -> None:
        known = (self.episode >= 0) & (self.episode < len(self.store))
        steps = np.where(known, self.store.lengths[np.where(known, self.episode, 0)], 0) \
            if len(self.store) else np.zeros(len(self.episode), np.int64)  # fmt: skip
        inside = known & (self.start >= 0) & (self.length >= 1)
        wrong = np.flatnonzero(~(inside & (self.start + self.length <= steps)))
        if wrong.size:
            i = wrong[0]
            raise DataError(
                f"fragment {i} must lie inside one episode, got steps {self.start[i]} to "
                f"{self.start[i] + self.length[i]} of episode {self.episode[i]}, which has "
                f"{steps[i]}. Cut it at the episode's end."
            )

    def __len__(self) -> int:
        return len(self.episode)

    def select(self, indices: Any) -> Fragments:
        """These clips, in this order."""
        return Fragments(
            self.store, self.episode[indices], self.start[indices], self.length[indices]
        )

    @property
    def longest(self) -> int:
        """L, the padded width of everything that is gathered."""
        return int(self.length.max(initial=0))

    @cached_property
    def mask(self) -> BoolArray:
        """``(n, L)`` bool, False where a cell is padding."""
        return np.arange(self.longest) < self.length[:, None]

    @cached_property
    def rows(self) -> IntArray:
        """``(n, L)`` rows of ``store.transitions()``; padding repeats a clip's last row.

        Gather the steps of a whole store once, then index them with this: the quickest way to
        train on many clips.
        """
        within = np.minimum(np.arange(self.longest), self.length[:, None] - 1)
        rows: IntArray = (self.store.first_step[self.episode] + self.start)[:, None] + within
        return rows

    def obs(self) -> tuple[Any, BoolArray]:
        """Observations before each step, ``(n, L, ...)`` leaves, and the mask."""
        return tree.take(self.store.obs, self.store.obs_row_of_step[self.rows]), self.mask

    def transitions(self) -> tuple[Transitions, BoolArray]:
        """The steps with ``(n, L, ...)`` leaves, and the mask. ``first`` marks episode starts."""
        store, rows = self.store, self.rows
        seen = store.obs_row_of_step[rows]
        terminated = store.terminated[rows]
        gathered = Transitions(
            obs=tree.take(store.obs, seen),
            action=tree.take(store.action, rows),
            next_obs=tree.take(store.obs, seen + 1),
            reward=store.reward[rows],
            terminated=terminated,
            truncated=store.truncated[rows] & ~terminated,
            first=rows == store.first_step[store.episode_of_step[rows]],
            info=ColumnInfo({k: v[rows] for k, v in store.info.items()}) if store.info else NO_INFO,
            training=False,
        )
        return gathered, self.mask

    def episodes(self) -> list[Episode]:
        """Each clip as an episode of its own, views; what is no end of its episode ends nothing."""
        wholes = {i: self.store.episode(i) for i in set(self.episode.tolist())}
        places = zip(self.episode.tolist(), self.start.tolist(), self.length.tolist(), strict=True)
        return [_part(wholes[i], start, start + length) for i, start, length in places]

    def returns(self, gamma: float = 1.0) -> FloatArray:
        """``(n,)`` sums of ``gamma^t r_t`` from each clip's start; NaN where a reward is missing."""
        paid = np.where(self.mask, self.store.reward[self.rows], 0.0)
        total: FloatArray = paid @ np.power(gamma, np.arange(self.longest))
        return total


def _part(whole: Episode, start: int, stop: int) -> Episode:
    rows = slice(start, stop)
    return Episode(
        obs=tree.take(whole.obs, slice(start, stop + 1)),
        action=tree.take(whole.action, rows),
        reward=whole.reward[rows],
        terminated=whole.terminated[rows],
        truncated=whole.truncated[rows],
        info={name: column[rows] for name, column in whole.info.items()},
        id=whole.id,
        source=whole.source,
    )


def sample_fragments(
    store: EpisodeStore,
    n: int,
    length: int,
    *,
    seed: int | np.random.Generator,
    shorter: bool = False,
) -> Fragments:
    """Draw ``n`` clips, every window of the store with the same chance, last steps included.

    Args:
        store: Where to cut.
        n: How many, with replacement.
        length: Steps of a clip.
        seed: Of the draw, or a generator.
        shorter: Whether an episode with fewer steps counts as one window, whole. Sums over clips of
            unequal length favour the longer ones; keep it off unless that is what you compare.

    Raises:
        DataError: No episode is long enough.

    Source:
        Deviation from B-Pref's sampler (arXiv:2111.03026), which draws the start below T - L and so
        never shows the last step.
    """
    if n < 1 or length < 1:
        raise DataError(
            f"sample_fragments: n and length must be at least 1, got {n} and {length}. "
            "Ask for some clips of some steps."
        )
    windows = np.maximum(store.lengths - length + 1, int(shorter))
    if not windows.sum():
        raise DataError(
            f"sample_fragments: length must fit into an episode, got {length} and a longest of "
            f"{store.lengths.max(initial=0)} steps. Use a smaller length, or shorter=True."
        )
    drawn = np.random.default_rng(seed).integers(windows.sum(), size=n)
    ends = np.cumsum(windows)
    episode = np.searchsorted(ends, drawn, side="right")
    start = drawn - (ends - windows)[episode]
    return Fragments(store, episode, start, np.minimum(length, store.lengths[episode]))
