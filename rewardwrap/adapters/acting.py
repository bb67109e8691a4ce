"""Actions of any learner: with the memory of recurrent policies and the masks of maskable ones."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from rewardwrap.core.errors import ConfigError

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
