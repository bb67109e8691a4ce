"""What a competent user writes without this package: one potential, one wrapper, nothing recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

GAMMA = 0.99
Phi = Callable[[Any], float]
BatchPhi = Callable[[Any], NDArray[Any]]


class ShapedEnv(gym.Wrapper[Any, Any, Any, Any]):
    """``r + gamma * phi(s') - phi(s)``, with ``phi(s') = 0`` where the task terminated."""

    def phi(self, obs: Any) -> float:
        """The potential of an observation."""
        raise NotImplementedError

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        obs, info = self.env.reset(seed=seed, options=options)
        self.last_phi = self.phi(obs)
        return obs, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        obs, reward, terminated, truncated, info = self.env.step(action)
        phi = 0.0 if terminated else self.phi(obs)
        shaped = reward + GAMMA * phi - self.last_phi  # type: ignore[operator]
        self.last_phi = phi
        return obs, shaped, terminated, truncated, info


class UprightCartPole(ShapedEnv):
    """Pays for leaning one way; a linear form, so that every variant can say the same."""

    def phi(self, obs: Any) -> float:
        return 2.0 + obs[2] / 0.2095  # type: ignore[no-any-return]


class UprightCartPoleTuned(ShapedEnv):
    """The same in Python floats."""

    def phi(self, obs: Any) -> float:
        return 2.0 + obs.item(2) / 0.2095  # type: ignore[no-any-return]


class HighTorso(ShapedEnv):
    """Pays for height on HalfCheetah and Hopper."""

    def phi(self, obs: Any) -> float:
        return obs[0]  # type: ignore[no-any-return]


class HighTorsoTuned(ShapedEnv):
    """The same in Python floats."""

    def phi(self, obs: Any) -> float:
        return obs.item(0)  # type: ignore[no-any-return]


class BrightPixel(ShapedEnv):
    """Pays for one bright pixel in the middle of an Atari picture."""

    def phi(self, obs: Any) -> float:
        return obs[40, 42] / 255.0  # type: ignore[no-any-return]


class ShapedVecEnv(VecEnvWrapper):
    """The same for all lanes at once, with SB3's autoreset taken care of."""

    def __init__(self, venv: VecEnv, phi: BatchPhi) -> None:
        super().__init__(venv)
        self.phi = phi

    def reset(self) -> Any:
        obs = self.venv.reset()
        self.last_phi = self.phi(obs)
        return obs

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        obs, rewards, dones, infos = self.venv.step_wait()
        phi = next_phi = self.phi(obs)
        if dones.any():
            next_phi = phi.copy()
            for i in np.flatnonzero(dones):
                if infos[i]["TimeLimit.truncated"]:
                    next_phi[i] = self.phi(infos[i]["terminal_observation"][None])[0]
                else:
                    next_phi[i] = 0.0
        rewards = rewards + GAMMA * next_phi - self.last_phi
        self.last_phi = phi
        return obs, rewards, dones, infos
