"""Observations that are no arrays: how a batch of texts, graphs or sequences is held.

Gymnasium's vector environments hand such parts out as tuples, one entry for each lane. A reward sees a
column of them, an object array of length B, so that rows can be taken and put as in any other column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import gymnasium as gym
import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError

Env = TypeVar("Env", bound=Any)

ARRAYS = gym.spaces.Box | gym.spaces.Discrete | gym.spaces.MultiBinary | gym.spaces.MultiDiscrete
"""Spaces whose samples are arrays of one shape: SB3 knows no others, besides Dict."""


def all_arrays(space: gym.Space[Any]) -> bool:
    """Whether every part of a space is an array of one shape."""
    return all(isinstance(part, ARRAYS) for _, part in parts(space))


def parts(space: gym.Space[Any]) -> list[tuple[str, gym.Space[Any]]]:
    """The innermost parts of a space, and how to reach each: ``"['mission']"``."""
    found: list[tuple[str, gym.Space[Any]]] = []
    queue = [("", space)]
    for name, part in queue:
        if isinstance(part, gym.spaces.Dict | gym.spaces.Tuple):
            keys = part.items() if isinstance(part, gym.spaces.Dict) else enumerate(part)
            queue += [(f"{name}[{key!r}]", inner) for key, inner in keys]
        else:
            found.append((name, part))
    return found


def require_arrays(env: Env) -> Env:
    """The environment, or lanes of it, if SB3's vector environments can hold its observations.

    Raises:
        ConfigError: A part of them is no array: Text, Graph, Sequence, OneOf.
    """
    for name, part in parts(env.observation_space):
        if not isinstance(part, ARRAYS):
            raise ConfigError(
                f"observations must be arrays for stable-baselines3, got a {type(part).__name__} space "
                f"at obs{name}. Leave it out with a wrapper, e.g. gymnasium.wrappers.FilterObservation, or "
                "read it with rewardwrap.adapters.reading.ReadText: as env_wrapper of the hyperparameters, "
                "or in a recipe."
            )
    return env


def batched(space: gym.Space[Any], obs: Any) -> Any:
    """A batch of observations as gymnasium hands it out, as columns.

    Args:
        space: Of one observation.
        obs: Of all lanes.
    """
    if isinstance(space, gym.spaces.Dict):
        return {key: batched(part, obs[key]) for key, part in space.items()}
    if isinstance(space, gym.spaces.Tuple):
        return tuple(batched(part, column) for part, column in zip(space, obs, strict=True))
    return obs if isinstance(space, ARRAYS) else _column(obs)


def stacked(space: gym.Space[Any], rows: Sequence[Any]) -> Any:
    """Observations of single lanes, side by side as columns."""
    if isinstance(space, gym.spaces.Dict):
        return {key: stacked(part, [row[key] for row in rows]) for key, part in space.items()}
    if isinstance(space, gym.spaces.Tuple):
        return tuple(stacked(part, [row[i] for row in rows]) for i, part in enumerate(space))
    return tree.stack(list(rows)) if isinstance(space, ARRAYS) else _column(rows)


def _column(values: Iterable[Any]) -> np.ndarray[Any, Any]:
    listed = list(values)
    column = np.empty(len(listed), object)
    for i, value in enumerate(listed):
        column[i] = value
    return column
