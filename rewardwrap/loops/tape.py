"""The last steps of a training run, as episodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.transitions import Transitions
from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.data.ragged import IntArray
from rewardwrap.rewards.inputs import read_field

FLAGS = ("terminated", "truncated", "first")


class Tape:
    """A ring of steps in all lanes, written while training goes on and read as episodes.

    An episode whose beginning was overwritten starts where the ring does; one that still runs is cut.
    Both are parts of episodes, with true successors, so clips of them are true clips. Every episode
    keeps its number for as long as it runs, also across `clear`.

    Args:
        steps: Steps to keep, of all lanes together.
        spaces: Observation and action space, kept with the episodes.
        fields: Named fields of the recipe or of ``info``, kept as ``info`` of the episodes.
    """

    def __init__(
        self, steps: int, spaces: tuple[Any, Any] = (None, None), fields: Sequence[str] = ()
    ) -> None:
        self.steps, self.spaces, self.fields = steps, spaces, tuple(fields)
        self._columns: dict[str, Any] = {}
        self._running: IntArray = np.empty(0, np.int64)
        self._place = self._held = self._episodes = 0

    def __len__(self) -> int:
        """Steps held, of all lanes together."""
        return self._held * len(self._running)

    def add(self, batch: Transitions) -> None:
        """Copy one step of all lanes."""
        if not self._columns:
            self._make(batch)
        else:
            self._number(np.flatnonzero(batch.first))
        at = self._place
        for name in ("obs", "action", "next_obs"):
            _write(self._columns[name], at, getattr(batch, name))
        for name in ("reward", *FLAGS):
            self._columns[name][at] = getattr(batch, name)
        for name in self.fields:
            self._columns["info"][name][at] = read_field(batch, name)
        self._columns["episode"][at] = self._running
        self._place = (at + 1) % self._size
        self._held = min(self._held + 1, self._size)

    def clear(self) -> None:
        """Forget all steps; episodes that run keep their numbers."""
        self._place = self._held = 0

    def last(self, steps: int) -> Transitions:
        """The newest ``steps`` of all lanes: all lanes of one step, then of the next.

        Raises:
            DataError: Not so many are held.
        """
        if not 0 < steps <= self._held:
            raise DataError(f"tape must hold {steps} steps a lane, got {self._held}. Keep more.")
        order = (self._place - steps + np.arange(steps)) % self._size
        flat = {
            name: tree.map_leaves(lambda c: c[order].reshape(-1, *c.shape[2:]), self._columns[name])
            for name in ("obs", "action", "next_obs", "reward", *FLAGS)
        }
        return Transitions(**flat, training=False)

    def store(self) -> EpisodeStore:
        """Everything held, lane by lane; the number of an episode is its id.

        Raises:
            DataError: Nothing was recorded.
        """
        if not self._held:
            raise DataError("tape must hold a step to be read, got none. Train a little first.")
        order = (self._place - self._held + np.arange(self._held)) % self._size
        episodes = []
        for lane in range(len(self._running)):
            column = tree.map_leaves(lambda c, lane=lane: c[order, lane], self._columns)
            begins = np.flatnonzero(np.diff(column["episode"], prepend=-1))
            for start, stop in zip(begins, [*begins[1:], self._held], strict=True):
                episodes.append(_episode(tree.take(column, slice(start, stop))))
        return EpisodeStore.from_episodes(
            episodes,
            observation_space=self.spaces[0],
            action_space=self.spaces[1],
            source="training",
        )

    def _make(self, batch: Transitions) -> None:
        lanes = batch.lanes
        self._size = max(2, self.steps // lanes)

        def column(leaf: Any) -> Any:
            leaf = np.asarray(leaf)
            return np.empty((self._size, *leaf.shape), leaf.dtype)

        for name in ("obs", "action", "next_obs", "reward", *FLAGS):
            self._columns[name] = tree.map_leaves(column, getattr(batch, name))
        self._columns["info"] = {name: np.empty((self._size, lanes)) for name in self.fields}
        self._columns["episode"] = np.empty((self._size, lanes), np.int64)
        self._running = np.empty(lanes, np.int64)
        # lanes that are in the middle of an episode get a number too
        self._number(np.arange(lanes))

    def _number(self, lanes: IntArray) -> None:
        """A new episode begins in these lanes."""
        self._running[lanes] = self._episodes + np.arange(len(lanes))
        self._episodes += len(lanes)


def _write(columns: Any, at: int, values: Any) -> None:
    for column, value in zip(tree.leaves(columns), tree.leaves(values), strict=True):
        column[at] = value


def _episode(rows: dict[str, Any]) -> dict[str, Any]:
    return {
        "obs": tree.map_leaves(
            lambda seen, after: np.concatenate([seen, after[-1:]]), rows["obs"], rows["next_obs"]
        ),
        **{name: rows[name] for name in ("action", "reward", "terminated", "truncated", "info")},
        "id": str(rows["episode"][0]),
    }
