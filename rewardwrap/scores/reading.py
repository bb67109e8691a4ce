"""Finished episodes from what a user has: `Episode` objects, or mappings of columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError

COLUMNS = ("obs", "action", "reward", "terminated", "truncated")


def finished(given: Any) -> Episode:
    """One episode.

    Raises:
        ConfigError: It is none.
    """
    if not isinstance(given, Mapping):
        if all(hasattr(given, name) for name in COLUMNS):
            return given  # type: ignore[no-any-return]
        raise ConfigError(
            f"an episode must have {', '.join(COLUMNS)}, got {type(given).__name__}. "
            "Give rw.EpisodeStore, or mappings as rw.relabel reads them."
        )
    if missing := [name for name in COLUMNS if name not in given]:
        raise ConfigError(
            f"an episode must have {', '.join(COLUMNS)}, got {', '.join(map(str, given))}. "
            f"Add {missing[0]}."
        )
    obs, action = (
        value if isinstance(value, dict | tuple) else np.asarray(value)
        for value in (given["obs"], given["action"])
    )
    return Episode(
        obs,
        action,
        np.asarray(given["reward"], np.float64),
        np.asarray(given["terminated"], bool),
        np.asarray(given["truncated"], bool),
        {name: np.asarray(column) for name, column in (given.get("info") or {}).items()},
    )
