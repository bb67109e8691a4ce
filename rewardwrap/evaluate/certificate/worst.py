"""Returns that no episode can be below, where the recipe of an environment says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rewardwrap_envs


def least_return(
    env: str, env_kwargs: Mapping[str, Any] | None = None, catalog: tuple[str, ...] = ()
) -> float | None:
    """The least return of an episode by the rules; None where no recipe says.

    Args:
        env: Name of a recipe or gymnasium id.
        env_kwargs: Arguments for the environment beside the recipe's.
        catalog: Folders with recipes of one's own, which say it under ``bounds``.

    Example:
        >>> least_return("MountainCar-v0"), least_return("CartPole-v1"), least_return("Ant-v5")
        (-200.0, 0.0, None)
    """
    recipe = rewardwrap_envs.find(env, catalog)
    return None if recipe is None else recipe.return_bounds(env_kwargs)[0]
