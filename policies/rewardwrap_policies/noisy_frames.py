"""Environments whose observations are noisy, for training a policy with the noise it will have.

Rewards, true returns and the environment itself see the clean observation if these layers lie above
them; frame stacks and normalisers must lie above these layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.utils import RecordConstructorArgs
from gymnasium.wrappers import FrameStackObservation, NormalizeObservation
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecFrameStack, VecNormalize

from rewardwrap_policies.errors import NoiseError
from rewardwrap_policies.frame_noise import FrameNoise, require_box, widened


class NoisyFrames(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Put Gaussian noise on each frame, once; lies below ``FrameStackObservation``.

    Args:
        env: Its observations are single frames.
        sigma: Standard deviation, > 0.
        scale: Factor of sigma for each number of an observation.
        seed: Of the noise; ``reset(seed=...)`` seeds it anew.

    Raises:
        NoiseError: Observations that are no Box, already stacked or already normalised.

    Example:
        >>> env = NoisyFrames(gymnasium.make("CartPole-v1"), 0.2)
        >>> env.reset(seed=0)[0].shape
        (4,)
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        sigma: float,
        *,
        scale: npt.ArrayLike | None = None,
        seed: int = 0,
    ) -> None:
        RecordConstructorArgs.__init__(self, sigma=sigma, scale=scale, seed=seed)
        gymnasium.Wrapper.__init__(self, env)
        layer: Any = env
        while isinstance(layer, gymnasium.Wrapper):
            _refuse_below(layer, (FrameStackObservation, NormalizeObservation))
            layer = layer.env
        space = require_box(env.observation_space)
        self._noise = FrameNoise(space, sigma, _generator(seed), scale=scale)
        self.observation_space = widened(space)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset; a seed also seeds the noise."""
        obs, info = self.env.reset(seed=seed, options=options)
        if seed is not None:
            self._noise.rng = _generator(seed)
        self._noise.start(np.ones(1, dtype=bool))
        return self._noise.on(np.asarray(obs), 0), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step; the new frame gets its draw."""
        obs, reward, terminated, truncated, info = self.env.step(action)
        self._noise.move()
        return self._noise.on(np.asarray(obs), 0), reward, terminated, truncated, info


class VecNoisyFrames(VecEnvWrapper):
    """Put Gaussian noise on each frame of a vector environment, once.

    Lies below ``VecFrameStack`` and ``VecNormalize``. Where the environments stack frames themselves,
    by ``FrameStackObservation``, it finds out and keeps each frame's draw while it is in the stack.

    Args:
        venv: Any SB3 vector environment.
        sigma: Standard deviation, > 0.
        scale: Factor of sigma for each number of a frame.
        seed: Of the noise; ``seed(...)`` seeds it anew, together with the environments.

    Raises:
        NoiseError: Observations that are no Box, or stacked or normalised by a vector layer.
    """

    def __init__(
        self, venv: VecEnv, sigma: float, *, scale: npt.ArrayLike | None = None, seed: int = 0
    ) -> None:
        layer: Any = venv
        while isinstance(layer, VecEnvWrapper):
            _refuse_below(layer, (VecFrameStack, VecNormalize))
            layer = layer.venv
        space = require_box(venv.observation_space)
        super().__init__(venv, observation_space=widened(space))
        self._noise = FrameNoise(
            space, sigma, _generator(seed), lanes=venv.num_envs, scale=scale, **_stack(venv)
        )

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seed the environments and the noise."""
        if seed is not None:
            self._noise.rng = _generator(seed)
        return self.venv.seed(seed)

    def reset(self) -> Any:
        """Reset all lanes."""
        obs: Any = self.venv.reset()
        self._noise.start(np.ones(self.num_envs, dtype=bool))
        return self._noise.on(obs)

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        """Noise on the new frames; at an episode's end on its last and on the next one's first."""
        obs, rewards, dones, infos = self.venv.step_wait()
        self._noise.move()
        if dones.any():
            infos = [
                {**info, "terminal_observation": self._noise.on(info["terminal_observation"], lane)}
                if dones[lane]
                else info
                for lane, info in enumerate(infos)
            ]
            self._noise.start(dones)
        return self._noise.on(obs), rewards, dones, infos  # type: ignore[arg-type]


def _stack(venv: VecEnv) -> dict[str, Any]:
    """How the lanes stack frames themselves, as FrameNoise takes it."""
    if not venv.has_attr("stack_size") or not venv.has_attr("padding_type"):
        return {}
    size, padding = venv.get_attr("stack_size")[0], venv.get_attr("padding_type")[0]
    shape = venv.observation_space.shape or ()
    if padding not in ("reset", "zero") or shape[:1] != (size,):
        raise NoiseError(
            f"frames must lie along the first axis and be padded by reset or zero, got observations "
            f"{shape}, {size} frames, padding {padding!r}. Put NoisyFrames below the stack."
        )
    return {"stack": int(size), "axis": 0, "padding": padding}


def _refuse_below(layer: Any, above_only: tuple[type, ...]) -> None:
    if isinstance(layer, above_only):
        raise NoiseError(
            f"noise must lie below {type(layer).__name__}, got it above: a frame would be noised more "
            "than once, or in another unit. Wrap the environment with the noise first."
        )


def _generator(seed: int) -> np.random.Generator:
    # a stream of its own: environments draw from default_rng(seed)
    return np.random.default_rng([seed, 0x5EED])
