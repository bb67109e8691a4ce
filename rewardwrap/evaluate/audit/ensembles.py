"""How much the members of a learned reward disagree over an episode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Transitions
from rewardwrap.evaluate.audit.tape import Episode

FloatArray = NDArray[np.float64]

TERM = "disagreement"
"""A recorded term of this name is the disagreement."""


@runtime_checkable
class Disagrees(Protocol):
    """A reward that can say how much its members disagree: ``(B,)``, at least 0."""

    def disagreement(self, batch: Transitions) -> FloatArray: ...


class Ensembles:
    """The ensembles inside a reward.

    Args:
        reward: What is paid; None knows none.
        names: Of the recorded terms.
        task: Named fields.
    """

    def __init__(self, reward: Reward | None, names: Sequence[str], task: Task) -> None:
        nodes = [] if reward is None else list(reward.walk())
        self._members = [node for node in nodes if isinstance(node, Disagrees)]
        self._column = names.index(TERM) if TERM in names else None
        self._task = task

    def over(self, episode: Episode) -> float:
        """Mean disagreement over an episode; NaN where there is none to ask."""
        if self._column is not None:
            return float(episode.terms[:, self._column].mean())
        if not self._members or episode.states is None:
            return float("nan")
        n = episode.length
        nobody = np.zeros(n, bool)
        batch = Transitions(
            obs=episode.states[:-1], action=None, next_obs=episode.states[1:],
            reward=episode.terms[:, 0], terminated=nobody, truncated=nobody,
            first=np.arange(n) == 0, training=False, task=self._task,
        )  # fmt: skip
        return float(np.mean([node.disagreement(batch).mean() for node in self._members]))
