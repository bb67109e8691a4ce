"""Shows a self-designed reward the finished episodes of an agent, with the agent's chances."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from rewardwrap.core.errors import StackError
from rewardwrap.core.reward import TRUE
from rewardwrap.loops.callback import adapter_of
from rewardwrap.rewards.visits import names_of_observations as keys_of
from rewardwrap.scores.returns import discounted


class SelfDesigning(BaseCallback):
    """Collects the steps of each lane and hands them over when their episode is finished.

    Args:
        reward: What learns: a `rw.SelfDesigned`.
        digits: Decimals by which observations are told apart.

    Raises:
        StackError: A learner with a replay buffer, or actions that are not Discrete.
    """

    def __init__(self, reward: Any, digits: int) -> None:
        super().__init__()
        self.reward, self.digits = reward, digits
        self._lanes: list[list[tuple[bytes, int, float, Any]]] = []

    def _on_training_start(self) -> None:
        if not isinstance(self.model, OnPolicyAlgorithm) or not isinstance(
            self.model.action_space, spaces.Discrete
        ):
            raise StackError(
                f"SelfDesigned: must be shown an on-policy agent's chances of Discrete actions, got "
                f"{type(self.model).__name__} with {self.model.action_space}. Use ppo or a2c."
            )
        own = "SelfDesigned.update"
        self._adapter = adapter_of(self.training_env, self.reward, own, "the reward that holds it")
        self._true = self._adapter.term_names.index(TRUE)
        self._lanes = [[] for _ in range(self.training_env.num_envs)]

    def _on_step(self) -> bool:
        found, terms = self.locals, self._adapter.reward_terms
        obs: Any = self.model._last_obs
        keys = keys_of(obs, self.digits)
        with torch.no_grad():
            policy: Any = self.model.policy
            told, _ = policy.obs_to_tensor(obs)
            chances = torch.softmax(
                policy.get_distribution(told).distribution.logits.double(), dim=1
            ).cpu().numpy()  # fmt: skip
        for lane, (key, action) in enumerate(zip(keys, found["actions"], strict=True)):
            true = float(terms[lane, self._true])
            self._lanes[lane].append((key, int(np.ravel(action)[0]), true, chances[lane]))
            if found["dones"][lane]:
                self._hand_over(lane)
        return True

    def _hand_over(self, lane: int) -> None:
        keys, actions, rewards, chances = zip(*self._lanes[lane], strict=True)
        self._lanes[lane] = []
        returns = discounted(np.array(rewards), self.reward.gamma)
        self.logger.record("self_design/gain", self.reward.adapt(keys, actions, returns, chances))
