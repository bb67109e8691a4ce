"""What an Atari console holds in its 128 bytes of memory, as info and as observation."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.utils import RecordConstructorArgs


class RamInfo(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Put the console's memory into ``info["ram"]``: (128,) uint8, a copy, at reset and step.

    Works around pixel and RAM observations alike, so that a named byte (a field with
    ``info: ram``) is read in one way. The score and positions in it are the game's own, before
    any clipping or stacking of wrappers.

    Args:
        env: an ``ALE/...`` environment, wrapped or not.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.Wrapper.__init__(self, env)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset and add the memory."""
        obs, info = self.env.reset(seed=seed, options=options)
        return obs, {**info, "ram": self._ram()}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step and add the memory."""
        obs, reward, terminated, truncated, info = self.env.step(action)
        return obs, reward, terminated, truncated, {**info, "ram": self._ram()}

    def _ram(self) -> npt.NDArray[np.uint8]:
        ale: Any = self.env.unwrapped
        return np.array(ale.ale.getRAM(), dtype=np.uint8)


class RamScale(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Show memory bytes as numbers in [0, 1]: ``float32(ram) / 255``.

    Args:
        env: an environment with ``obs_type: ram``.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.ObservationWrapper.__init__(self, env)
        shape = env.observation_space.shape
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, shape, np.float32)

    def observation(self, observation: Any) -> npt.NDArray[np.float32]:
        """Scale one observation."""
        return np.asarray(observation, dtype=np.float32) / np.float32(255.0)
