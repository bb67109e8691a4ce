"""Actions of any learner: with the memory of recurrent policies and the masks of maskable ones."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np

from rewardwrap.core.errors import ConfigError, StackError

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv

MASKS = "action_masks"


class Acting:
    """Plays a model in an environment: call it with observations, tell it which episodes ended.

    Args:
        model: Whose policy plays; its normaliser, if any, is applied and not updated.
        venv: Where; it is asked for ``action_masks`` if the model takes them.
        deterministic: Whether the policy plays its mode instead of a sample.
    """

    def __init__(self, model: BaseAlgorithm, venv: VecEnv, *, deterministic: bool) -> None:
        self._model, self._venv, self._deterministic = model, venv, deterministic
        self._normalizer = model.get_vec_normalize_env()
        self._masked = takes_masks(type(model)) and venv.has_attr(MASKS)
        self._memory: Any = None
        self._starts = np.ones(venv.num_envs, bool)

    def __call__(self, obs: Any) -> Any:
        """Actions for the observations of all lanes."""
        if self._normalizer is not None:
            obs = self._normalizer.normalize_obs(obs)
        masks = {MASKS: np.stack(self._venv.env_method(MASKS))} if self._masked else {}
        actions, self._memory = self._model.predict(
            obs,
            state=self._memory,
            episode_start=self._starts,
            deterministic=self._deterministic,
            **masks,
        )
        return actions

    def ended(self, dones: Any) -> None:
        """Which lanes begin an episode with the next observation."""
        self._starts = np.array(dones, bool)


class ActingAlone:
    """Plays a model in a single gymnasium environment: call it with one observation after the other.

    Args:
        model: Anything with SB3's ``predict``; its normaliser, if any, is applied and not updated.
        env: Where; it is asked for ``action_masks`` if the model takes them.
        deterministic: Whether the policy plays its mode instead of a sample.
    """

    def __init__(self, model: Any, env: gym.Env[Any, Any], *, deterministic: bool) -> None:
        self._predict, self._env, self._deterministic = model.predict, env, deterministic
        self._remembers = "state" in inspect.signature(type(model).predict).parameters
        self._masked = takes_masks(type(model)) and env.has_wrapper_attr(MASKS)
        find = getattr(model, "get_vec_normalize_env", None)
        self._normalizer = None if find is None else find()
        self.begin()

    def begin(self) -> None:
        """An episode starts with the next observation: forget the one before."""
        self._memory: Any = None
        self._first = True

    def __call__(self, obs: Any) -> Any:
        """The action for one observation."""
        if self._normalizer is not None:
            obs = self._normalizer.normalize_obs(obs)
        more: dict[str, Any] = {}
        if self._remembers:
            more = {"state": self._memory, "episode_start": np.array([self._first])}
        if self._masked:
            more[MASKS] = self._env.get_wrapper_attr(MASKS)()
        action, self._memory = self._predict(obs, deterministic=self._deterministic, **more)
        self._first = False
        return action


def require_steps(model: BaseAlgorithm, subject: str) -> None:
    """Refuse a learner that shows its callbacks no steps.

    Raises:
        StackError: It plays by ``evaluate_policy``, as ARS does.
    """
    if not hasattr(model, "collect_rollouts"):
        raise StackError(
            f"{subject} must see every step of the training, got {type(model).__name__}, which shows its "
            f"callbacks none. Train with another algorithm, e.g. ppo, or without {subject}."
        )


def takes_masks(cls: type[BaseAlgorithm]) -> bool:
    """Whether a learner is told which actions are allowed."""
    return MASKS in inspect.signature(cls.predict).parameters


def require_masks(cls: type[BaseAlgorithm], venv: VecEnv, env: str) -> None:
    """Refuse a learner that must know which actions are allowed, where nobody says.

    Raises:
        ConfigError: The environment has no ``action_masks``.
    """
    if takes_masks(cls) and not venv.has_attr(MASKS):
        raise ConfigError(
            f"{cls.__name__} must be told which actions are allowed, got {env} without action_masks(). "
            "Add that method to the environment, or train with ppo."
        )
