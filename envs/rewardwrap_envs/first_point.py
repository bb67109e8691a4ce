"""One rally of a game with points, as an episode of its own."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs


class FirstPoint(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """End the episode, ``terminated``, with the first reward that is not 0.

    For Pong this is the single round on which policy smoothing was certified: the return is 1 for a
    point won, -1 for one lost, 0 only where a limit cuts the rally.

    Args:
        env: Any environment that pays for points alone, e.g. ``ALE/Pong-v5``.

    Source: Kumar, Levine and Feizi, Policy smoothing for provably robust reinforcement learning,
    2022, arXiv:2106.11420, the single-round Pong game.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.Wrapper.__init__(self, env)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step; a point ends the episode."""
        obs, reward, terminated, truncated, info = self.env.step(action)
        return obs, reward, terminated or float(reward) != 0, truncated, info
