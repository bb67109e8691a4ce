"""Text and lists in observations as arrays, so that agents and reward models can read them."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

from rewardwrap.core.transitions import FloatArray

INFO = "text"
"""Key of ``info`` with the sentence of an observation; of a part named k it is ``text/k``."""
Array = np.ndarray[Any, np.dtype[np.float32]]


class ReadText(gym.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Sentences become the numbers of a frozen body, lists their count, mean, least and largest.

    A `Text` space becomes a `Box` of the body's width; a `Sequence` of n rows ``x_i`` (arrays, numbers or
    sentences) the ``1 + 3 d`` numbers ``n, mean x, min x, max x``, zeros where it is empty, so the order of
    the rows is lost. Other parts of `Dict` and `Tuple` stay. The sentences themselves stand in
    ``info["text"]`` (``info["text/KEY"]`` of a part), where `rw.TextReward` reads them.

    Args:
        env: Any environment.
        body: ``"hashed"`` words, ``"minilm"``, or the folder of a model (`rewardwrap.rewards.text_body`).

    Source: pooling after Zaheer et al., Deep Sets, 2017, arXiv:1703.06114, without learned parts.

    Example:
        >>> import gymnasium as gym, rewardwrap as rw
        >>> class Talk(gym.Env):
        ...     observation_space, action_space = gym.spaces.Text(40), gym.spaces.Discrete(2)
        ...     def reset(self, **options): return "hello", {}
        ...     def step(self, action): return "well done", 1.0, True, False, {}
        >>> env = rw.ReadText(Talk())
        >>> env.observation_space.shape, env.step(0)[4]
        ((1024,), {'text': 'well done'})
    """

    def __init__(self, env: gym.Env[Any, Any], body: str = "hashed") -> None:
        from rewardwrap.rewards.text_body import body_of

        RecordConstructorArgs.__init__(self, body=body)
        gym.ObservationWrapper.__init__(self, env)
        self._read = body_of(body)
        self._width = int(self._read(["a"]).shape[1])
        self.observation_space = self._space(env.observation_space)

    def observation(self, observation: Any) -> Any:
        """The observation as arrays."""
        return self._numbers(self.env.observation_space, observation)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Reset; the sentences stand in ``info``."""
        obs, info = self.env.reset(seed=seed, options=options)
        return self.observation(obs), {**info, **self._told(obs)}

    def step(self, action: Any) -> Any:
        """Step; the sentences stand in ``info``."""
        obs, reward, terminated, truncated, info = self.env.step(action)
        told = {**info, **self._told(obs)}
        return self.observation(obs), reward, terminated, truncated, told

    def _told(self, obs: Any) -> dict[str, str]:
        space = self.env.observation_space
        if isinstance(space, spaces.Text):
            return {INFO: str(obs)}
        if isinstance(space, spaces.Dict):
            return {
                f"{INFO}/{k}": str(obs[k]) for k, v in space.items() if isinstance(v, spaces.Text)
            }
        return {}

    def _space(self, space: gym.Space[Any]) -> gym.Space[Any]:
        if isinstance(space, spaces.Dict):
            return spaces.Dict({key: self._space(part) for key, part in space.items()})
        if isinstance(space, spaces.Tuple):
            return spaces.Tuple([self._space(part) for part in space])
        if isinstance(space, spaces.Text):
            return spaces.Box(-1.0, 1.0, (self._width,), np.float32)
        if isinstance(space, spaces.Sequence):
            rows = 1 + 3 * self._of_row(space.feature_space)
            return spaces.Box(-np.inf, np.inf, (rows,), np.float32)
        return space

    def _of_row(self, space: gym.Space[Any]) -> int:
        return self._width if isinstance(space, spaces.Text) else spaces.flatdim(space)

    def _numbers(self, space: gym.Space[Any], obs: Any) -> Any:
        if isinstance(space, spaces.Dict):
            return {key: self._numbers(part, obs[key]) for key, part in space.items()}
        if isinstance(space, spaces.Tuple):
            return tuple(self._numbers(part, row) for part, row in zip(space, obs, strict=True))
        if isinstance(space, spaces.Text):
            return self._read([str(obs)])[0].astype(np.float32)
        return self._pooled(space, obs) if isinstance(space, spaces.Sequence) else obs

    def _pooled(self, space: spaces.Sequence, obs: Any) -> Array:
        feature = space.feature_space
        width = self._of_row(feature)
        rows: FloatArray = np.zeros((1, width))
        if len(obs):
            rows = (
                self._read([str(row) for row in obs])
                if isinstance(feature, spaces.Text)
                else np.array([spaces.flatten(feature, row) for row in obs], np.float64)
            )
        parts = ([len(obs)], rows.mean(axis=0), rows.min(axis=0), rows.max(axis=0))
        return np.concatenate(parts).astype(np.float32)
