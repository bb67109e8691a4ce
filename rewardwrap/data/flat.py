"""Flat rows, as logs have them: one row per step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rewardwrap.data import checks
from rewardwrap.data.errors import DataError


@dataclass(frozen=True)
class Rows:
    """N steps as flat columns.

    Args:
        obs: ``(N, ...)`` leaves, before the action.
        action: ``(N, ...)`` leaves.
        reward: ``(N,)``, NaN where missing.
        terminated: ``(N,)`` bool.
        truncated: ``(N,)`` bool.
        next_obs: ``(N, ...)`` leaves, the true successors; None where they are not recorded.
        unknown: ``(N,)`` bool: rows whose ``next_obs`` is none; None where all are known.
        episode: ``(N,)`` name of the episode or machine of a row; None where there is none.
        begins: ``(N,)`` further borders: this row begins an episode.
        info: Name -> ``(N,)``.
        source: Where the rows came from.
        final: For rows without ``next_obs``: the observation after the very last row, if known.
    """

    obs: Any
    action: Any
    reward: Any
    terminated: Any
    truncated: Any
    next_obs: Any = None
    unknown: Any = None
    episode: Any = None
    begins: Any = None
    info: dict[str, Any] = field(default_factory=dict)
    source: str = "memory"
    final: Any = None


def checked(rows: Rows) -> Rows:
    """Rows whose columns are numbers and equally long.

    Raises:
        DataError: Names the column that is not.
    """
    reward = checks.column("reward", rows.reward, np.float64)
    if not len(reward):
        raise DataError(
            "data must hold at least one step, got none. Check that the recording ran and that the "
            "file is the right one."
        )
    for name, columns in (("obs", rows.obs), ("action", rows.action), ("next_obs", rows.next_obs)):
        for leaf, array in checks.named_leaves(columns, name) if columns is not None else ():
            checks.plain(leaf, array)
            if array.ndim == 0 or len(array) != len(reward):
                raise DataError(
                    f"{leaf} must have one row for each of {len(reward)} rewards, got shape "
                    f"{array.shape}. Columns of one file must be equally long."
                )
    _alike(rows)
    rows = replace(rows, episode=_names(rows.episode))
    flags = {
        name: checks.column(name, checks.flags(name, getattr(rows, name)), np.bool_)
        for name in ("terminated", "truncated")
    }
    for name, each in (
        *flags.items(),
        ("episode", rows.episode),
        ("unknown", rows.unknown),
        *rows.info.items(),
    ):
        if each is not None and len(each) != len(reward):
            raise DataError(
                f"{name} must have one row for each of {len(reward)} rewards, got {len(each)}. "
                "Columns of one file must be equally long."
            )
    return replace(
        rows, reward=reward, terminated=flags["terminated"], truncated=flags["truncated"]
    )


def _alike(rows: Rows) -> None:
    if rows.next_obs is None:
        return
    before, after = (
        {leaf.removeprefix(name): array.shape for leaf, array in checks.named_leaves(c, name)}
        for name, c in (("obs", rows.obs), ("next_obs", rows.next_obs))
    )
    if before != after:
        raise DataError(
            f"next_obs must have the shape of obs, got {list(after.values())} and "
            f"{list(before.values())}. Record both alike."
        )


def _names(episode: Any) -> Any:
    """Names of episodes: whole numbers without a point; an empty one is refused."""
    if episode is None:
        return None
    names = np.asarray(episode)
    if names.ndim != 1:
        raise DataError(f"episode must have one name per row, got shape {names.shape}.")
    if names.dtype.kind != "f":
        return names
    if np.isnan(names).any():
        raise DataError(
            f"episode must name the episode of every row, got {np.isnan(names).sum()} empty rows. "
            "Fill them: a row without a name belongs to no episode."
        )
    return names.astype(np.int64) if (names == np.round(names)).all() else names
