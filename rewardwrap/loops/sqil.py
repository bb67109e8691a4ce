"""Soft Q imitation: 1 for every demonstrated step, 0 for every step of the agent's own."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize

from rewardwrap.core.errors import ConfigError, StackError
from rewardwrap.data import Demonstrations, EpisodeStore
from rewardwrap.data.exemplars import exemplars
from rewardwrap.rewards.env import Constant


class SQIL(BaseCallback):
    """Half of every batch is demonstrations, paid 1; the other half the agent's steps, paid 0.

    Nothing is fitted: a soft Q-learner that is paid so is a regularised form of behavioural cloning which
    also looks at where its actions lead. The baseline that a learned reward has to beat. For DQN, SAC, TD3
    and their kind, with one or many environments.

    Args:
        demos: A folder of episodes (`rewardwrap record`, `rewardwrap ingest`), a store or `Demonstrations`.

    Attributes:
        reward: 0 at every step, to make the environment with.

    Raises:
        ConfigError: Demonstrations of other spaces.
        StackError: An on-policy learner, or a replay buffer of another class than SB3's plain one.

    Source: Reddy et al., "SQIL", 2020, arXiv 1905.11108. Deviation: the learner's own Q-update is used as
        it is, so targets of DQN and TD3 are not soft.

    Example:
        ``sqil = SQIL(demos="demos/")``, then ``env = rw.make("Pendulum-v1", sqil.reward)`` and
        ``SAC("MlpPolicy", env).learn(n, callback=sqil)``.
    """

    def __init__(self, *, demos: str | os.PathLike[str] | EpisodeStore | Demonstrations) -> None:
        super().__init__()
        self.demos = exemplars(demos)
        self.reward = Constant(0.0)

    def _on_training_start(self) -> None:
        model: Any = self.model
        own = getattr(model, "replay_buffer", None)
        if not isinstance(model, OffPolicyAlgorithm) or type(own) not in (
            ReplayBuffer,
            HalfDemonstrated,
        ):
            raise StackError(
                f"SQIL must find an off-policy learner with a plain ReplayBuffer, got "
                f"{type(model).__name__} with "
                f"{type(own).__name__}. Use DQN, SAC or TD3 on an environment without a Dict of "
                "observations, or "
                "rw.DemonstrationLoop."
            )
        # one object that is saved and loaded with the agent
        own.__class__ = HalfDemonstrated
        mixed: Any = own
        mixed.demonstrated = _stored(model, self.demos.store)

    def _on_step(self) -> bool:
        return True


class HalfDemonstrated(ReplayBuffer):
    """A replay buffer whose batches are half demonstrations."""

    demonstrated: ReplayBuffer

    def sample(self, batch_size: int, env: VecNormalize | None = None) -> ReplayBufferSamples:
        """``batch_size`` steps: the agent's paid 0, then the demonstrated ones paid 1."""
        own = super().sample(batch_size - batch_size // 2, env)
        shown = self.demonstrated.sample(batch_size // 2, env)
        mixed = {
            name: torch.cat([getattr(own, name), getattr(shown, name)])
            for name in ("observations", "actions", "next_observations", "dones")
        }
        pays = torch.cat([torch.zeros_like(own.rewards), torch.ones_like(shown.rewards)])
        return own._replace(**mixed, rewards=pays)


def _stored(model: OffPolicyAlgorithm, store: EpisodeStore) -> ReplayBuffer:
    """Demonstrations as the learner would have stored them: actions of a Box scaled to [-1, 1]."""
    for name in ("observation_space", "action_space"):
        shown, now = getattr(store, name), getattr(model, name)
        if shown is not None and shown != now:
            raise ConfigError(
                f"demonstrations must be of the environment's {name}, got {shown} where it has {now}. "
                "Record some "
                "in this environment."
            )
    made = ReplayBuffer(
        store.steps, model.observation_space, model.action_space, device=model.device
    )
    batch = store.transitions()
    action = np.asarray(batch.action)
    if hasattr(model.action_space, "low"):
        action = model.policy.scale_action(action)
    for i in range(batch.lanes):
        ended = bool(batch.terminated[i] or batch.truncated[i])
        one = slice(i, i + 1)
        # a time limit is no end: the learner bootstraps there, as in its own steps
        limit = bool(batch.truncated[i] and not batch.terminated[i])
        made.add(
            np.asarray(batch.obs[one]), np.asarray(batch.next_obs[one]), action[one], np.ones(1),
            np.array([ended]), [{"TimeLimit.truncated": limit}],
        )  # fmt: skip
    return made
