"""Logged lanes: what the contract replays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rewardwrap.adapters.offline import Columns, transitions
from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.info import ColumnInfo, Info
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import BoolArray, FloatArray, Transitions

LENGTHS = (3, 1, 4, 2, 5, 2, 1, 6, 3, 4, 2, 5)


@dataclass(frozen=True)
class Tape:
    """Lanes side by side, episodes one after the other: every leaf is ``(steps, lanes, ...)``."""

    obs: Any
    action: Any
    next_obs: Any
    reward: FloatArray
    terminated: BoolArray
    truncated: BoolArray
    first: BoolArray
    info: Mapping[str, Any]
    info_before: Mapping[str, Any]
    task: Task

    @property
    def steps(self) -> int:
        """How long every lane is."""
        return len(self.reward)

    @property
    def lanes(self) -> int:
        """How many there are."""
        return int(self.reward.shape[1])

    def batch(self, rows: Any, *, training: bool = False) -> Transitions:
        """Rows by index: ``t`` is a step of all lanes, ``(slice(None), i)`` all of lane ``i``."""
        return Transitions(
            obs=tree.copy(tree.take(self.obs, rows)),
            action=tree.copy(tree.take(self.action, rows)),
            next_obs=tree.copy(tree.take(self.next_obs, rows)),
            reward=self.reward[rows].copy(),
            terminated=self.terminated[rows].copy(),
            truncated=self.truncated[rows] & ~self.terminated[rows],
            first=self.first[rows].copy(),
            info=ColumnInfo(tree.copy(tree.take(dict(self.info), rows))),
            info_before=ColumnInfo(tree.copy(tree.take(dict(self.info_before), rows))),
            training=training,
            task=self.task,
        )

    def closed(self) -> Tape:
        """The same with cut episodes truncated: online, only an end lets another one follow."""
        cut = np.zeros_like(self.first)
        cut[:-1] = self.first[1:] & ~self.terminated[:-1]
        return replace(self, truncated=self.truncated | cut)

    def take(self, rows: Any) -> Tape:
        """Some steps (a slice), or some lanes (``(slice(None), lanes)``)."""
        return replace(
            self,
            **{
                name: tree.take(getattr(self, name), rows)
                for name in self.__dataclass_fields__
                if name != "task"
            },
        )


def tape_of(episodes: Sequence[Columns], lanes: int, task: Task) -> Tape:
    """Episodes dealt out to lanes in turn, cut to the shortest lane."""
    rows = [transitions(episode, task=task) for episode in episodes]
    dealt = [_joined(rows[i::lanes]) for i in range(lanes)]
    steps = min(len(lane["reward"]) for lane in dealt)
    cut = [tree.take(lane, slice(0, steps)) for lane in dealt]
    return Tape(**tree.map_leaves(lambda *nodes: np.stack(nodes, axis=1), *cut), task=task)


def _joined(rows: list[Transitions]) -> dict[str, Any]:
    columns = [
        {
            "obs": each.obs,
            "action": each.action,
            "next_obs": each.next_obs,
            "reward": each.reward,
            "terminated": each.terminated,
            "truncated": each.truncated,
            "first": each.first,
            "info": columns_of(each.info),
            "info_before": columns_of(each.info_before),
        }
        for each in rows
    ]
    joined: dict[str, Any] = tree.map_leaves(lambda *nodes: np.concatenate(nodes), *columns)
    return joined


def columns_of(info: Info) -> dict[str, Any]:
    """Every column that can be read."""
    return {key: info[key] for key in tuple(info.keys())}


def random_episodes(
    rng: np.random.Generator, *, task: Task, width: int, info: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Episodes of 1 to 6 steps that end in turn terminated, truncated, both ways, and not at all.

    Observations fit the task: digits of its radix, or a Box of its width. Actions lie in [-1, 1]^2.

    Raises:
        ConfigError: A field lies under a key of a dict observation.
    """
    keyed = [name for name, place in task.fields.items() if place.key is not None]
    if keyed:
        raise ConfigError(
            "check_reward must be given episodes where observations are dicts, "
            f"got fields {', '.join(keyed)}. "
            "Pass episodes=[...], each a mapping as rw.relabel takes."
        )
    sizes = dict.fromkeys(info, 0)
    for place in task.fields.values():
        if place.info is not None:
            sizes[place.info] = max(sizes.get(place.info, 0), (place.index or -1) + 1)
    made = []
    for number, steps in enumerate(LENGTHS):
        ends = np.arange(steps) == steps - 1
        shape = (steps + 1,) if task.radix else (steps + 1, task.width or width)
        made.append(
            {
                "obs": rng.integers(int(np.prod(task.radix)), size=shape)
                if task.radix
                else rng.normal(size=shape).astype(np.float32),
                "action": rng.uniform(-1, 1, (steps, 2)).astype(np.float32),
                "reward": rng.normal(size=steps),
                "terminated": ends & (number % 4 in (0, 2)),
                "truncated": ends & (number % 4 in (1, 2)),
                "info": {
                    key: rng.normal(size=(steps + 1, size) if size else steps + 1)
                    for key, size in sizes.items()
                },
            }
        )
    return made
