"""Rewards on a single gymnasium environment."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
from gymnasium.utils import RecordConstructorArgs

from rewardwrap.adapters.tasks import shared_discount, task_of, weighted
from rewardwrap.core import tree
from rewardwrap.core.config import from_config
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.knowledge import require_unused, take_on
from rewardwrap.core.reward import Reward
from rewardwrap.core.scalar import OneLane
from rewardwrap.core.task import Task


class RewardWrapper(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Pays a composed reward, and reports the true one and every term beside it.

    ``info`` holds, in ``reset`` and in every ``step``, ``reward_terms`` (``env`` = the true reward, each
    term, ``shaped`` = what the learner gets) and ``episode_terms`` (their sums over the episode so far).

    Args:
        env: Any gymnasium environment.
        reward: A reward or its configuration.
        gamma: Discount of the agent, for potentials that have none of their own.
        training: Whether the reward may learn from what it sees; False for evaluation.
        task: Named fields; by default those of the environment's recipe.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        reward: Reward | Mapping[str, Any] | list[Any] | str,
        *,
        gamma: float | None = None,
        training: bool = True,
        task: Task | None = None,
    ) -> None:
        built = from_config(reward)
        RecordConstructorArgs.__init__(
            self,
            _disable_deepcopy=True,
            reward=_writable(built),
            gamma=gamma,
            training=training,
        )
        gym.Wrapper.__init__(self, env)
        gamma = shared_discount(built, gamma)
        self._lane = OneLane(built, task=task or task_of(env, gamma), training=training)
        if training:
            take_on(built)
        self._begun = False
        self._reward = built
        self._last_obs: Any = None
        # until two steps in a row say otherwise, observations may share one buffer
        self._looked, self._reuses = False, True
        self._step = self._lane.stepper(env.step, copies=True)

    @property
    def reward(self) -> Reward:
        """What is paid."""
        return self._reward

    @property
    def source(self) -> str:
        """The step as it runs: plain Python, every term and number in sight."""
        return str(self._step.source)  # type: ignore[attr-defined]

    @property
    def reward_version(self) -> str:
        """A short hash of what is paid: equal in all workers that hold the same reward."""
        return version(self._reward)

    @property
    def term_names(self) -> tuple[str, ...]:
        """Names of everything recorded: ``("env", <terms>, "shaped")``."""
        return self._lane.names

    @property
    def training(self) -> bool:
        """Whether the reward may learn from what it sees."""
        return self._lane.lane.training

    @training.setter
    def training(self, value: bool) -> None:
        self._lane.lane.training = value

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        if not self._begun:
            self._begun = True
            if self.training:
                require_unused(self._reward)
        obs, info = self.env.reset(seed=seed, options=options)
        self._lane.begin(obs, info)
        self._last_obs = None
        return obs, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        if self._looked:
            return self._step(action)  # type: ignore[no-any-return]
        return self._look(action)

    def _look(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Two steps in a row show whether the env writes into one buffer all the time."""
        result = self._step(action)
        last, self._last_obs = self._last_obs, result[0]
        if last is not None:
            self._looked, self._last_obs = True, None
            self._reuses = tree.shares_memory(result[0], last)
            self._step = self._lane.stepper(self.env.step, copies=self._reuses)
        return result  # type: ignore[no-any-return]

    def set_reward(self, reward: Reward | Mapping[str, Any]) -> dict[str, Any] | None:
        """Pay another reward from the next step on; returns its configuration, for a read-back."""
        built = from_config(reward)
        self._lane.replace_reward(built)
        self._reward = built
        self._step = self._lane.stepper(self.env.step, copies=self._reuses)
        return _config_or_none(built)

    def set_weight(self, name: str, weight: float) -> dict[str, Any] | None:
        """Give a named term another weight from the next step on."""
        return self.set_reward(weighted(self._reward, name, weight))

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_step"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._step = self._lane.stepper(self.env.step, copies=self._reuses)


def version(reward: Reward) -> str:
    """A short hash of a reward's configuration and knowledge."""
    digest = hashlib.sha256(repr(_config_or_none(reward) or reward).encode())
    for name, array in reward.state_dict().items():
        digest.update(name.encode() + array.tobytes())
    return digest.hexdigest()[:12]


def _writable(reward: Reward) -> Any:
    """The configuration, or the reward itself where it holds a function without a name."""
    config = _config_or_none(reward)
    return reward if config is None else config


def _config_or_none(reward: Reward) -> dict[str, Any] | None:
    try:
        return reward.to_config()
    except ConfigError:
        return None
