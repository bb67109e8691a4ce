"""Somebody at the keyboard, in the window that `gymnasium.utils.play` opens."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from rewardwrap.adapters.build import builder_of
from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError, extra


class Keyboard:
    """A person; the keys are those that the environment names.

    Args:
        env: Name of the environment.
        catalog: Folders with recipes of one's own.
        env_kwargs: Arguments of the environment.

    Raises:
        ConfigError: No screen, or an environment without keys.
        MissingExtra: pygame is not installed.
    """

    name = "keyboard"

    def __init__(
        self, env: str, *, catalog: Sequence[str] = (), env_kwargs: Mapping[str, Any] | None = None
    ) -> None:
        extra("pygame", needs="the keyboard", install="mujoco")
        screens = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
        if sys.platform == "linux" and not any(map(os.environ.get, screens)):
            raise ConfigError(
                "the keyboard must have a screen, got none (DISPLAY is not set). Record where there is "
                "one, or let --policy scripted, a function or a trained run play."
            )
        made = builder_of(env, tuple(catalog))(
            "eval", {"render_mode": "rgb_array", **(env_kwargs or {})}
        )
        self._env = _Kept(made)
        if not made.has_wrapper_attr("get_keys_to_action"):
            made.close()
            raise ConfigError(
                f"the keyboard must find keys, got {env} without get_keys_to_action(). Add that method to "
                "the environment (a dict of keys to actions), or let --policy module:function play."
            )

    @property
    def spaces(self) -> tuple[Any, Any]:
        """Of what is recorded."""
        return self._env.observation_space, self._env.action_space

    def play(self, episodes: int, *, seed: int = 0) -> Iterator[dict[str, Any]]:
        """Whole episodes; the window closed in the midst of one ends them."""
        from gymnasium.utils.play import play

        for number in range(seed, seed + episodes):
            self._env.number = number
            try:
                play(self._env)
            except _Over:
                yield {**self._env.episode(), "id": f"keyboard-{number}", "source": self.name}
            else:
                return

    def close(self) -> None:
        """Close the environment."""
        self._env.close()


class _Over(Exception):
    """An episode is over: the one way out of `gymnasium.utils.play` that closes no window by hand."""


class _Kept(gym.Wrapper[Any, Any, Any, Any]):
    """Keeps the steps of one episode."""

    number = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        obs, info = self.env.reset(seed=self.number, options=options)
        self._seen: list[Any] = [tree.copy(obs)]
        self._rows: list[tuple[Any, float, bool, bool]] = []
        return obs, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        obs, reward, terminated, truncated, info = self.env.step(action)
        self._seen.append(tree.copy(obs))
        self._rows.append((np.array(action), float(reward), terminated, truncated))
        if terminated or truncated:
            raise _Over
        return obs, reward, terminated, truncated, info

    def episode(self) -> dict[str, Any]:
        """As `EpisodeStore.from_episodes` takes it."""
        columns = map(np.stack, zip(*self._rows, strict=True))
        names = ("action", "reward", "terminated", "truncated")
        return {"obs": tree.stack(self._seen), **dict(zip(names, columns, strict=True))}
