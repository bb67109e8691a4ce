"""Columns out of single episodes and out of other stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.data.checks import named_leaves
from rewardwrap.data.columns import Columns
from rewardwrap.data.errors import DataError

NEEDED = ("obs", "action", "reward", "terminated", "truncated")


def of_episodes(episodes: Sequence[Mapping[str, Any]], *, source: str) -> dict[str, Any]:
    """The columns of `EpisodeStore.from_episodes`, but for the spaces.

    Raises:
        DataError: No episode, a missing column, or episodes whose columns differ in width.
    """
    if not episodes:
        raise DataError(
            "data must hold at least one episode with a step, got none. Check the boundary rule "
            "and that the recording ran."
        )
    for i, episode in enumerate(episodes):
        lacking = [name for name in NEEDED if name not in episode]
        if lacking:
            raise DataError(
                f"episode {i} must have {', '.join(NEEDED)}, got {', '.join(map(str, episode))}. "
                f"Add {', '.join(lacking)}."
            )
        _whole(i, episode)
    return {
        "obs": _joined("obs", [_arrays(e["obs"]) for e in episodes]),
        "action": _joined("action", [_arrays(e["action"]) for e in episodes]),
        "reward": _joined("reward", [np.asarray(e["reward"]) for e in episodes]),
        "terminated": _joined("terminated", [np.asarray(e["terminated"]) for e in episodes]),
        "truncated": _joined("truncated", [np.asarray(e["truncated"]) for e in episodes]),
        "lengths": np.array([len(e["reward"]) for e in episodes]),
        "ids": np.array([str(e.get("id", i)) for i, e in enumerate(episodes)]),
        "source": np.array([str(e.get("source", source)) for e in episodes]),
        "info": _info(
            [e.get("info") or {} for e in episodes], [len(e["reward"]) for e in episodes]
        ),
    }


def _whole(number: int, episode: Mapping[str, Any]) -> None:
    """Rows of one episode agree: sums over all episodes may agree where single ones do not."""
    steps = len(episode["reward"])
    for column in ("obs", "action", "terminated", "truncated"):
        rows = steps + 1 if column == "obs" else steps
        for name, array in named_leaves(_arrays(episode[column]), column):
            if array.shape[:1] != (rows,):
                raise DataError(
                    f"episode {number}: {name} must have {rows} rows for {steps} rewards, got "
                    f"shape {array.shape}. obs holds one more than the rest: the terminal "
                    "observation comes last."
                )


def of_stores(stores: Sequence[Columns]) -> dict[str, Any]:
    """The columns of `EpisodeStore.concat`.

    Raises:
        DataError: No store, or columns or spaces that differ.
    """
    if not stores:
        raise DataError("concat must get at least one store, got none. Pass a list of stores.")
    for name in ("observation_space", "action_space"):
        spaces = [getattr(s, name) for s in stores if getattr(s, name) is not None]
        if any(space != spaces[0] for space in spaces):
            other = next(space for space in spaces if space != spaces[0])
            raise DataError(
                f"concat: {name} must be the same in all stores, got {spaces[0]} and {other}. "
                "Join only episodes of one environment."
            )
    ids = [store.ids for store in stores]
    if len(np.unique(np.concatenate(ids))) < sum(map(len, ids)):
        ids = [np.array([f"{i}:{name}" for name in own], np.str_) for i, own in enumerate(ids)]
    return {
        "obs": _joined("obs", [s.obs for s in stores]),
        "action": _joined("action", [s.action for s in stores]),
        "reward": np.concatenate([s.reward for s in stores]),
        "terminated": np.concatenate([s.terminated for s in stores]),
        "truncated": np.concatenate([s.truncated for s in stores]),
        "lengths": np.concatenate([s.lengths for s in stores]),
        "ids": np.concatenate(ids),
        "source": np.concatenate([s.source for s in stores]),
        "info": _info([s.info for s in stores], [s.steps for s in stores]),
        "observation_space": next(
            (s.observation_space for s in stores if s.observation_space), None
        ),
        "action_space": next((s.action_space for s in stores if s.action_space), None),
    }


def _arrays(value: Any) -> Any:
    if isinstance(value, dict | tuple):
        return tree.map_leaves(_array, value)
    return _array(value)


def _array(value: Any) -> np.ndarray[Any, Any]:
    try:
        return np.asarray(value)
    except ValueError as error:  # numpy's word for ragged rows
        raise DataError(
            f"rows of one column must have one width, got ragged ones ({error}). "
            "Pad them, or give a dict of columns."
        ) from error


def _joined(name: str, parts: Sequence[Any]) -> Any:
    reference = named_leaves(parts[0], name)
    shapes = [(leaf, a.shape[1:]) for leaf, a in reference]
    for i, part in enumerate(parts):
        found = [(leaf, a.shape[1:]) for leaf, a in named_leaves(part, name)]
        if found != shapes:
            raise DataError(
                f"{name} must have one shape in all episodes, got {_said(shapes)} in the first "
                f"and {_said(found)} in number {i}. Keep episodes of one environment together."
            )
    return tree.map_leaves(lambda *leaves: np.concatenate(leaves), *parts)


def _said(shapes: list[tuple[str, tuple[int, ...]]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes)


def _info(parts: Sequence[Mapping[str, Any]], steps: Sequence[int]) -> dict[str, Any]:
    """Columns of every part; NaN where a part does not report one. Reset's row is dropped."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {
        name: np.concatenate(
            [
                np.asarray(part[name], np.float64)[-n:] if name in part else np.full(n, np.nan)
                for part, n in zip(parts, steps, strict=True)
            ]
        )
        for name in names
    }
