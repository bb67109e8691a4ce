"""How likely a learner's policy is to act as somebody did."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy

from rewardwrap.core.errors import StackError
from rewardwrap.core.transitions import Transitions


def require_chances(model: BaseAlgorithm, seen: Any) -> None:
    """Refuse a learner whose policy cannot be asked about rows of the reward.

    Args:
        model: The learner.
        seen: Observation space of the rows.

    Raises:
        StackError: It is none of A2C and PPO, or it sees other observations than the reward.
    """
    if not isinstance(model.policy, ActorCriticPolicy):
        raise StackError(
            'form="airl" must ask a policy how likely an action is, got '
            f'{type(model).__name__}. Use PPO or A2C, or form="logit".'
        )
    if model.observation_space != seen:
        raise StackError(
            f'form="airl" must show the policy what the reward sees, {seen}, got a policy of '
            f'{model.observation_space}. Leave the frame stack out, or use form="logit".'
        )


@torch.no_grad()
def log_pi(model: BaseAlgorithm, batch: Transitions) -> torch.Tensor:
    """``log pi(a|s)`` of every row under the policy as it is now, ``(B,)`` on the processor."""
    policy: Any = model.policy
    normalizer = model.get_vec_normalize_env()
    obs: Any = batch.obs if normalizer is None else normalizer.normalize_obs(batch.obs)
    policy.set_training_mode(False)
    shown, _ = policy.obs_to_tensor(obs)
    action = torch.as_tensor(np.asarray(batch.action), device=model.device)
    found: torch.Tensor = policy.evaluate_actions(shown, action)[1]
    return found.cpu()
