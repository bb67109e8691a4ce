"""Environments that do nothing, so that what is measured is the layer above them."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

OBSERVATIONS = Box(-1.0, 1.0, (4,), np.float32)
ACTIONS: Discrete[Any] = Discrete(2)


class NullEnv(gym.Env[Any, Any]):
    """One lane; an endless episode of reward 1."""

    observation_space = OBSERVATIONS
    action_space = ACTIONS

    def __init__(self) -> None:
        self.obs = np.full(4, 0.5, np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self.obs.copy(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self.obs, 1.0, False, False, {}


class TermsInInfoEnv(NullEnv):
    """The usual way to report terms: a dict in every info."""

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        terms = {"alive": 0.1, "height": 0.2, "effort": 0.3}
        return self.obs, 1.0, False, False, {"reward_terms": terms}


class NullVecEnv(VecEnv):
    """Many lanes in SB3's interface."""

    def __init__(self, num_envs: int) -> None:
        self.obs = np.full((num_envs, 4), 0.5, np.float32)
        self.rewards = np.ones(num_envs, np.float32)
        self.dones = np.zeros(num_envs, bool)
        self.infos: list[dict[str, Any]] = [{} for _ in range(num_envs)]
        super().__init__(num_envs, OBSERVATIONS, ACTIONS)

    def reset(self) -> Any:
        return self.obs.copy()

    def step_async(self, actions: Any) -> None:
        pass

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        return self.obs, self.rewards, self.dones, self.infos

    def close(self) -> None:
        pass

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise AttributeError(attr_name)

    def env_method(
        self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any
    ) -> list[Any]:
        raise AttributeError(method_name)

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


class OneTermVecEnv(VecEnvWrapper):
    """A VecEnv wrapper with one numpy operation on the rewards: the unit of G2 and G5.

    Args:
        venv: What is wrapped.
        transform: The operation.
    """

    def __init__(self, venv: VecEnv, transform: Any) -> None:
        super().__init__(venv)
        self.transform = transform

    def reset(self) -> Any:
        return self.venv.reset()

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        obs, rewards, dones, infos = self.venv.step_wait()
        return obs, self.transform(rewards), dones, infos


class NullVectorEnv(VectorEnv[Any, Any, Any]):
    """Many lanes in gymnasium's interface; observations alternate between two buffers."""

    def __init__(self, num_envs: int) -> None:
        self.num_envs = num_envs
        self.single_observation_space, self.single_action_space = OBSERVATIONS, ACTIONS
        self.observation_space = batch_space(OBSERVATIONS, num_envs)
        self.action_space = batch_space(ACTIONS, num_envs)
        self.metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}
        self.obs = np.full((num_envs, 4), 0.5, np.float32)
        self.next_obs = self.obs.copy()
        self.rewards = np.ones(num_envs)
        self.nobody = np.zeros(num_envs, bool)

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        return self.obs.copy(), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        self.obs, self.next_obs = self.next_obs, self.obs
        return self.obs, self.rewards, self.nobody, self.nobody, {}
