"""Returns that no episode can be below, where the rules of an environment say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap_envs

PER_STEP = {
    "CartPole": 0.0,
    "MountainCar": -1.0,
    "Acrobot": -1.0,
    # angle^2 + 0.1 speed^2 + 0.001 torque^2 at their bounds
    "Pendulum": -(np.pi**2 + 0.1 * 8.0**2 + 0.001 * 2.0**2),
    "FrozenLake": 0.0,
    "FrozenLake8x8": 0.0,
    "Taxi": -10.0,
    "CliffWalking": -100.0,
}
"""Family of ids -> least reward of a step."""
PER_GAME = {"ALE/Freeway": 0.0, "ALE/Freeway-ram": 0.0, "ALE/Pong": -21.0, "ALE/Pong-ram": -21.0}
"""Family of ids -> least score of a game."""
HARMLESS = "max_episode_steps"
"""Any other argument may change what a step pays."""


def least_return(
    env: str, env_kwargs: Mapping[str, Any] | None = None, catalog: tuple[str, ...] = ()
) -> float | None:
    """The least return of an episode by the rules; None where they are not known here.

    Args:
        env: Name of a recipe or gymnasium id.
        env_kwargs: Arguments for the environment beside the recipe's.
        catalog: Folders with recipes of one's own.

    Example:
        >>> least_return("MountainCar-v0"), least_return("CartPole-v1"), least_return("Ant-v5")
        (-200.0, 0.0, None)
    """
    given = dict(env_kwargs or {})
    recipe = rewardwrap_envs.find(env, catalog)
    name = env if recipe is None else recipe.id
    family, _, _ = name.rpartition("-v")
    if set(given) - {HARMLESS}:
        return None
    if family in PER_GAME:
        return PER_GAME[family]
    if family not in PER_STEP:
        return None
    least = PER_STEP[family]
    if least == 0:
        return 0.0
    made = {} if recipe is None else dict(recipe.make)
    steps = given.get(HARMLESS, made.get(HARMLESS, gym.spec(name).max_episode_steps))
    return None if steps is None else least * float(steps)
