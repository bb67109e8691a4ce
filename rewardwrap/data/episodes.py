"""Logged episodes as columns."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.episode import Episode
from rewardwrap.core.info import NO_INFO, ColumnInfo
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.data import assembly, saved
from rewardwrap.data.columns import Columns
from rewardwrap.data.ragged import ranges
from rewardwrap.data.splits import split_episodes

if TYPE_CHECKING:
    import gymnasium as gym


@dataclass(frozen=True, eq=False)
class EpisodeStore(Columns):
    """E episodes of N steps in all, as columns that lie episode by episode.

    Nothing is shifted across a border: an episode of T steps has T + 1 observations, and the last
    is the true terminal one. An episode may be cut: its last step then carries neither flag.

    Args:
        obs: Array, or nested dict or tuple of arrays, with ``N + E`` rows.
        action: Array or nested arrays with N rows.
        reward: ``(N,)`` float64, the environment's own; NaN where it is missing.
        terminated: ``(N,)`` bool, only on last steps.
        truncated: ``(N,)`` bool, only on last steps.
        lengths: ``(E,)`` steps of each episode, at least 1.
        ids: ``(E,)`` names.
        source: ``(E,)`` file, machine or environment that an episode came from.
        info: Name -> ``(N,)`` float64, what came with ``next_obs``; NaN where it is missing.
        observation_space: What ``obs`` is drawn from, if known.
        action_space: What ``action`` is drawn from, if known.

    Raises:
        DataError: Columns that do not fit each other, object arrays, or a flag inside an episode.
    """

    @classmethod
    def from_episodes(
        cls,
        episodes: Iterable[Mapping[str, Any] | Episode],
        *,
        observation_space: gym.Space[Any] | None = None,
        action_space: gym.Space[Any] | None = None,
        source: str = "memory",
    ) -> EpisodeStore:
        """Put single episodes end to end.

        Args:
            episodes: `Episode` objects, or mappings as `rewardwrap.relabel` reads them: ``obs`` with
                T + 1 rows, ``action, reward, terminated, truncated`` with T, and optionally ``info``
                (columns), ``id`` and ``source``.
            observation_space: Kept with the store.
            action_space: Kept with the store.
            source: For episodes that do not say it.
        """
        plain = [
            e.columns() | {"id": e.id, "source": e.source} if isinstance(e, Episode) else e
            for e in episodes
        ]
        return cls(
            **assembly.of_episodes(plain, source=source),
            observation_space=observation_space,
            action_space=action_space,
        )

    def __repr__(self) -> str:
        return f"EpisodeStore({len(self)} episodes, {self.steps} steps)"

    def episode(self, index: int) -> Episode:
        """Episode ``index`` as views; negative numbers count from the end."""
        i = range(len(self))[index]
        rows = slice(self.first_step[i], self.first_step[i] + self.lengths[i])
        seen = slice(self.first_obs[i], self.first_obs[i] + self.lengths[i] + 1)
        return Episode(
            obs=tree.take(self.obs, seen),
            action=tree.take(self.action, rows),
            reward=self.reward[rows],
            terminated=self.terminated[rows],
            truncated=self.truncated[rows],
            info={name: column[rows] for name, column in self.info.items()},
            id=str(self.ids[i]),
            source=str(self.source[i]),
        )

    @overload
    def __getitem__(self, index: int) -> Episode: ...
    @overload
    def __getitem__(self, index: slice) -> EpisodeStore: ...
    def __getitem__(self, index: int | slice) -> Episode | EpisodeStore:
        return self.select(index) if isinstance(index, slice) else self.episode(index)

    def __iter__(self) -> Iterator[Episode]:
        return (self.episode(i) for i in range(len(self)))

    def transitions(self) -> Transitions:
        """All N steps in order; ``first`` marks where an episode starts. Missing rewards are NaN."""
        first = np.zeros(self.steps, bool)
        first[self.first_step] = True
        return Transitions(
            obs=tree.take(self.obs, self.obs_row_of_step),
            action=self.action,
            next_obs=tree.take(self.obs, self.obs_row_of_step + 1),
            reward=self.reward,
            terminated=self.terminated,
            truncated=self.truncated & ~self.terminated,
            first=first,
            info=ColumnInfo(self.info) if self.info else NO_INFO,
            training=False,
        )

    def returns(self, gamma: float = 1.0, *, skip_missing: bool = False) -> FloatArray:
        """``(E,)`` sums of ``gamma^t r_t``; NaN where a reward is missing, unless those are skipped."""
        reward = np.nan_to_num(self.reward, nan=0.0) if skip_missing else self.reward
        within = np.arange(self.steps) - np.repeat(self.first_step, self.lengths)
        paid = reward if gamma == 1.0 else reward * np.power(gamma, within)
        return np.add.reduceat(paid, self.first_step) if len(self) else np.zeros(0)

    def select(self, indices: Any) -> EpisodeStore:
        """These episodes, in this order (numbers, a mask, or a slice)."""
        chosen = np.arange(len(self))[indices]
        rows = ranges(self.first_step[chosen], self.lengths[chosen])
        seen = ranges(self.first_obs[chosen], self.lengths[chosen] + 1)
        return replace(
            self,
            obs=tree.take(self.obs, seen),
            action=tree.take(self.action, rows),
            reward=self.reward[rows],
            terminated=self.terminated[rows],
            truncated=self.truncated[rows],
            lengths=self.lengths[chosen],
            ids=self.ids[chosen],
            source=self.source[chosen],
            info={name: column[rows] for name, column in self.info.items()},
        )

    @classmethod
    def concat(cls, stores: Sequence[EpisodeStore]) -> EpisodeStore:
        """Stores one after the other; ids that would clash gain the number of their store.

        Raises:
            DataError: No store, or columns or spaces that differ.
        """
        return cls(**assembly.of_stores(stores))

    def split(
        self, fraction: float, *, seed: int, by: str | Sequence[Any] | None = None
    ) -> tuple[EpisodeStore, EpisodeStore]:
        """``(train, held-out)``, whole episodes in their old order.

        Rows of one episode resemble each other: with a slow fingerprint of the episode in ``obs``, a
        split of transitions has shown R2 = 0.99 where a split of episodes showed -0.55.

        Args:
            fraction: Share of the groups held out, in (0, 1), rounded up as scikit-learn's
                GroupShuffleSplit does; at least one group stays on each side.
            seed: Of the shuffle.
            by: What keeps together: None for each episode on its own, ``"source"``, or one label per
                episode such as a day or a machine.

        Raises:
            DataError: Fewer than two groups, or a fraction outside (0, 1).
        """
        train, heldout = split_episodes(self, fraction, seed=seed, by=by)
        return self.select(train), self.select(heldout)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write a folder, whole or not at all; see `rewardwrap.data.saved`."""
        return saved.save(self, folder)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> EpisodeStore:
        """Read what `save` wrote; nothing in it is executed.

        Raises:
            DataError: No store, another format, or a file cut short.
        """
        return saved.load(folder, cls)
