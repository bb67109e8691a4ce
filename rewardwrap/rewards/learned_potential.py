"""A learned number of how far along a state is, paid as a potential: what such models have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.errors import NotWritten
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import BoolArray, Carry, FloatArray, Transitions
from rewardwrap.rewards.learned import Learned
from rewardwrap.rewards.limits import require_number
from rewardwrap.rewards.truncation import OnTruncation, ended, require_on_truncation


@dataclass(frozen=True, eq=False, repr=False)
class LearnedPotential(Learned):
    """``F = gamma Phi' - Phi`` of a model's ``Phi`` in [0, 1], which may depend on the episode so far.

    A subclass says `begin` and `follow`. As with `rw.Potential`, ``Phi' = 0`` where the task terminated, so
    that no policy becomes better or worse than it was; ``raw=True`` pays Phi itself, which pays for staying
    where it is high.

    Args:
        path: The model's folder.
        gamma: Discount of the *agent*, in [0, 1]; None takes the run's.
        raw: Pay Phi after each step instead.
        on_truncation: ``"bootstrap"`` keeps Phi at a time limit, ``"terminal"`` makes it 0.
    """

    shaping: ClassVar[bool] = True

    gamma: float | None = None
    raw: bool = False
    on_truncation: OnTruncation = "bootstrap"

    def __post_init__(self) -> None:
        if self.gamma is not None:
            cure = "Use the discount of the agent, e.g. PPO(gamma=0.99)."
            require_number(self, "gamma", cure, low=0.0, high=1.0)
        require_on_truncation(self)
        object.__setattr__(self, "pays_at_end", self.on_truncation == "terminal" and not self.raw)
        super().__post_init__()

    def begin(self, batch: Transitions) -> tuple[FloatArray, ...]:
        """Phi ``(B,)`` of states that begin episodes, and what else is to be remembered of them."""
        raise NotWritten(f"{type(self).__name__} must say where an episode begins. Write begin.")

    def follow(self, before: tuple[FloatArray, ...], batch: Transitions) -> tuple[FloatArray, ...]:
        """The same after a step, from the same before it."""
        raise NotWritten(f"{type(self).__name__} must say what follows. Write follow.")

    def blank(self, lanes: int) -> tuple[FloatArray, ...]:
        """What is remembered of lanes that have not begun."""
        return (np.zeros(lanes),)

    def over(self, batch: Transitions) -> BoolArray:
        """Rows after which Phi is 0, ``(B,)``."""
        return ended(self, batch)

    def validate(self, task: Task) -> None:
        super().validate(task)
        if not self.raw:
            task.discount(self.gamma, type(self).__name__)

    def init(self, lanes: int) -> Carry:
        return self.blank(lanes)

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        before = carry
        if batch.starts and batch.first.any():
            fresh = self.begin(at(batch, batch.obs, batch.info_before))
            before = tuple(
                np.where(_beside(batch.first, new), new, old)
                for new, old in zip(fresh, carry, strict=True)
            )
        after = self.follow(before, at(batch, batch.next_obs, batch.info))
        if self.raw:
            return after, after[0].copy()
        phi = np.where(self.over(batch), 0.0, after[0])
        gamma = batch.task.discount(self.gamma, type(self).__name__)
        return after, gamma * phi - before[0]

    def __call__(self, batch: Transitions) -> FloatArray:
        return super(Learned, self).__call__(batch)

    def over_time(self, batch: Transitions) -> FloatArray:
        return super(Learned, self).over_time(batch)


def at(batch: Transitions, obs: Any, info: Any) -> Transitions:
    """Rows that stand in a state: whatever a model reads of observations and info is that state's."""
    return replace(batch, obs=obs, next_obs=obs, info=info)


def _beside(rows: Any, values: FloatArray) -> Any:
    return rows.reshape(len(rows), *[1] * (values.ndim - 1))
