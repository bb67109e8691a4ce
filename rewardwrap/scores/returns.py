"""The return of an episode: the score that every learner is judged by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.contract import register_score


@register_score("return")
class Return:
    """``sum_t gamma^t r_t`` of the environment's own rewards.

    Args:
        gamma: Discount, in [0, 1].

    Raises:
        ConfigError: gamma outside [0, 1].
    """

    gamma: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.gamma <= 1.0:
            raise ConfigError(f"Return: gamma must lie in [0, 1], got {self.gamma}. Use 1 or 0.99.")

    def __call__(self, episodes: Sequence[Episode]) -> FloatArray:
        return np.array([discounted(e.reward, self.gamma)[0] for e in episodes])


def discounted(reward: FloatArray, gamma: float, behind: float = 0.0) -> FloatArray:
    """``G_t = r_t + gamma G_{t+1}`` of one episode, ``G_T = behind``."""
    found = np.empty(len(reward))
    for t in range(len(reward) - 1, -1, -1):
        behind = reward[t] + gamma * behind
        found[t] = behind
    return found
