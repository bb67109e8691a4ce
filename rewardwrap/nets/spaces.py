"""Spaces of a store of episodes, read off its columns where it does not know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.rewards.parts import plain_space


def spaces_of(store: Any) -> dict[str, Any]:
    """``{"obs": ..., "action": ...}`` of a store as plain data, read off the columns where unknown."""
    known = {"obs": store.observation_space, "action": store.action_space}
    return {
        name: _seen(getattr(store, name)) if space is None else plain_space(space)
        for name, space in known.items()
    }


def _seen(column: Any) -> dict[str, Any]:
    if isinstance(column, Mapping):
        return {"sort": "dict", "spaces": {key: _seen(leaf) for key, leaf in column.items()}}
    if isinstance(column, tuple | list):
        return {"sort": "tuple", "spaces": [_seen(leaf) for leaf in column]}
    values = np.asarray(column)
    shape = list(values.shape[1:])
    if values.dtype.kind in "iu" and values.ndim == 1:
        if values.size and values.min() < 0:
            raise ConfigError(
                f"a column of whole numbers must start at 0 to be one-hot, got {values.min()}. "
                "Store its space with the episodes."
            )
        size = int(values.max(initial=0)) + 1
        return {"sort": "digits", "shape": shape, "sizes": [size], "start": [0]}
    return {"sort": "box", "shape": shape, "dtype": str(values.dtype)}
