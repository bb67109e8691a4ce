"""Shows a designer what an agent does in each state, every so many steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.dqn import DQN

from rewardwrap.core.errors import StackError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.design.adaptive import Adaptive


class Redesigning(BaseCallback):
    """Redesigns a `rw.Redesigned` for the learner's policy.

    Args:
        reward: A `rw.Redesigned`.

    Raises:
        StackError: A learner whose chances are not known, or observations that are no numbers of states.
    """

    def __init__(self, reward: Any) -> None:
        super().__init__()
        self.reward = reward
        self._next = 0
        self._adaptive: Adaptive | None = None

    def _on_training_start(self) -> None:
        reward = self.reward
        self._adaptive = Adaptive(
            reward.env, states=reward.states, gamma=reward.gamma, env_kwargs=reward.env_kwargs
        )
        self._next = self.num_timesteps + reward.every

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        if self.num_timesteps < self._next:
            return
        assert self._adaptive is not None
        self._next = self.num_timesteps + self.reward.every
        regret = self._adaptive.redesign(chances_of(self.model))
        self.reward.take(self._adaptive.reward.values)
        self.logger.record("design/regret", float(regret))
        self.logger.record("design/states", len(self.reward.values))


@torch.no_grad()
def chances_of(model: Any) -> FloatArray:
    """``pi(a|s)`` of an agent in every state of a Discrete observation, ``(S, A)``.

    Raises:
        StackError: Other observations or actions, or another learner than PPO, A2C or DQN.
    """
    seen, acts = model.observation_space, model.action_space
    if not isinstance(seen, spaces.Discrete) or not isinstance(acts, spaces.Discrete):
        raise StackError(
            f"a redesign must know the policy in every state, got {seen} and {acts}. Use an environment "
            "whose observations and actions are Discrete."
        )
    obs, _ = model.policy.obs_to_tensor(np.arange(seen.start, seen.start + seen.n))
    if isinstance(model, OnPolicyAlgorithm):
        acting: Any = model.policy.get_distribution(obs).distribution
        logits = acting.logits
        return np.asarray(torch.softmax(logits.double(), dim=1).cpu().numpy())
    if isinstance(model, DQN):
        values = model.q_net(obs).cpu().numpy()
        top = values >= values.max(axis=1, keepdims=True)
        rate = float(model.exploration_rate)
        return np.asarray((1 - rate) * top / top.sum(axis=1, keepdims=True) + rate / acts.n)
    raise StackError(
        f"a redesign must know the learner's chances, got {type(model).__name__}. Use ppo, a2c or dqn."
    )
