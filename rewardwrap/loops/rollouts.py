"""A callback for rewards that change between rollouts by what they counted themselves."""

from __future__ import annotations

from typing import Protocol

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from rewardwrap.core.errors import StackError


class Adapting(Protocol):
    """What is asked of such a reward."""

    @property
    def counted(self) -> int:
        """Steps that it saw in training since it last changed."""

    def adapt(self) -> dict[str, float]:
        """Change; returns what is logged, by tag."""


class AfterRollouts(BaseCallback):
    """Lets a reward change after each rollout, or after so many steps of shorter ones.

    Args:
        reward: What changes.
        every: Steps between two changes for a learner with a replay buffer.

    Raises:
        StackError: The learner's environment is not paid by this reward, or another process pays it.
    """

    def __init__(self, reward: Adapting, every: int) -> None:
        super().__init__()
        self._reward, self._every = reward, every

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        counted = self._reward.counted
        if not counted:
            name = type(self._reward).__name__
            raise StackError(
                f"{name}: its callback must follow steps that this reward paid, got none in a whole "
                "rollout. Make the env with rw.make(env_id, reward), which pays in this process, and "
                "give its callback once."
            )
        assert self.model is not None
        if isinstance(self.model, OnPolicyAlgorithm) or counted >= self._every:
            for tag, value in self._reward.adapt().items():
                self.logger.record(tag, value)
