"""What a reward sees: one step of B lanes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core import tree
from rewardwrap.core.info import NO_INFO, Info
from rewardwrap.core.task import NO_TASK, Task

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
Carry: TypeAlias = Any


@dataclass(slots=True)
class Transitions:
    """One step of ``B`` lanes; row ``i`` continues row ``i`` of the step before unless ``first[i]``.

    Read-only for rewards, and the adapter uses one object for every step: copy what you keep.

    Args:
        obs: Observations before the action, leading size B; nested dicts and tuples allowed.
        action: Actions, leading size B.
        next_obs: The true successors; on an episode's last step the terminal observation, never the
            first one of the next episode.
        reward: ``(B,)`` float64, the environment's own.
        terminated: ``(B,)`` bool, the task ended: nothing follows.
        truncated: ``(B,)`` bool, the clock ended it: the learner bootstraps. With both flags, terminated.
        first: ``(B,)`` bool, this is the first step of an episode.
        info: Reader of the info that came with ``next_obs``: ``info["x"]`` is ``(B,)``.
        info_before: Reader of the info that came with ``obs``.
        training: False: use what was learned, learn nothing.
        task: Named observation fields and the discount of the run.
        terms: Filled by ``.named(...)``; adapters publish it.
        starts: False promises that no row is ``first``.
        ends: False promises that no row is ``terminated`` or ``truncated``.
    """

    obs: Any
    action: Any
    next_obs: Any
    reward: FloatArray
    terminated: BoolArray
    truncated: BoolArray
    first: BoolArray
    info: Info = NO_INFO
    info_before: Info = NO_INFO
    training: bool = True
    task: Task = NO_TASK
    terms: dict[str, FloatArray] = field(default_factory=dict)
    starts: bool = True
    ends: bool = True

    @property
    def lanes(self) -> int:
        """The number of rows, B."""
        return len(self.reward)

    @property
    def on_device(self) -> bool:
        """Whether its columns are tensors of another device: to read a number of them would wait for it."""
        return self.reward.__class__ is not np.ndarray


def take(batch: Transitions, rows: Any) -> Transitions:
    """Some rows of a batch, with terms of their own."""
    return Transitions(
        obs=tree.take(batch.obs, rows),
        action=tree.take(batch.action, rows),
        next_obs=tree.take(batch.next_obs, rows),
        reward=batch.reward[rows],
        terminated=batch.terminated[rows],
        truncated=batch.truncated[rows],
        first=batch.first[rows],
        info=batch.info.take(rows),
        info_before=batch.info_before.take(rows),
        training=batch.training,
        task=batch.task,
        starts=batch.starts,
        ends=batch.ends,
    )
