"""Somebody who plays in one lane, step by step, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from rewardwrap.adapters.layers import OuterAdapter, find_adapter
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.core import tree
from rewardwrap.core.transitions import Transitions

NESTED, FLAGS = ("obs", "action", "next_obs"), ("terminated", "truncated")

Act = Callable[[Any], Any]
"""The observations of one lane, ``(1, ...)``, to its action, ``(1, ...)``."""


@dataclass(frozen=True)
class Player:
    """Somebody in an environment of one lane.

    Args:
        name: Kept with the episodes.
        venv: With rewardwrap's adapter in it, whose rows are recorded.
        act: What is done there.
        again: Called where an episode begins, for players with a memory.
    """

    name: str
    venv: VecEnv
    act: Act
    again: Callable[[], None] = lambda: None

    @property
    def spaces(self) -> tuple[Any, Any]:
        """Of what is recorded: below a frame stack, which the rows never saw."""
        below = self._adapter
        return below.observation_space, below.action_space

    @property
    def _adapter(self) -> RewardVecEnv:
        found = find_adapter(self.venv)
        assert isinstance(found, OuterAdapter)
        return found.adapter

    def close(self) -> None:
        """Close the environment."""
        self.venv.close()

    def play(self, episodes: int, *, seed: int = 0) -> Iterator[dict[str, Any]]:
        """Whole episodes, as `EpisodeStore.from_episodes` takes them; the i-th is reset with ``seed + i``.

        Rows are the adapter's own: observations before any frame stack or normaliser, the true
        successor of every step, and the environment's reward.
        """
        for number in range(seed, seed + episodes):
            obs = self.begin(number)
            rows: list[dict[str, Any]] = []
            done = False
            while not done:
                obs, row, done = self.step(self.act(obs))
                rows.append(row)
            yield {**episode_of(rows), "id": f"{self.name}-{number}", "source": self.name}

    def begin(self, seed: int) -> Any:
        """The first observations of an episode, which are those of its seed."""
        self.venv.seed(seed)
        obs = self.venv.reset()
        self.again()
        return obs

    def step(self, action: Any) -> tuple[Any, dict[str, Any], bool]:
        """What is seen next, the row to keep, and whether the episode is over."""
        obs, _, dones, _ = self.venv.step(action)
        return obs, _row(self._adapter.last_step), bool(dones[0])


def _row(step: Transitions) -> dict[str, Any]:
    """A copy of a step of one lane: the adapter writes its next step over this one."""
    found = {name: tree.copy(tree.take(getattr(step, name), 0)) for name in NESTED}
    return {**found, **{name: bool(getattr(step, name)[0]) for name in FLAGS},
            "reward": float(step.reward[0])}  # fmt: skip


def episode_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows of `Player.step` as an episode of `EpisodeStore.from_episodes`."""
    return {
        "obs": tree.stack([row["obs"] for row in rows] + [rows[-1]["next_obs"]]),
        "action": tree.stack([row["action"] for row in rows]),
        **{name: np.array([row[name] for row in rows]) for name in ("reward", *FLAGS)},
    }
