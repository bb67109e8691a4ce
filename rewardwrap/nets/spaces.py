"""What a network reads of a store of episodes: its spaces, and how its gaps were filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.rewards.gaps import MISSING
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.parts import Part, plain_space


def inputs_of(store: Any, reads: Sequence[str], *, known: Any = None) -> Inputs:
    """Inputs that read whole columns, filled where ``ingest --fill`` filled the store.

    Args:
        store: An `EpisodeStore`; spaces it does not know are read off its columns.
        reads: Any of ``obs``, ``action``, ``next_obs``, ``terminated``.
        known: Episodes whose medians fill the gaps; the store where left out.
    """
    made = Inputs.of(spaces_of(store), reads)
    if not any(name.endswith(MISSING) for name in store.info):
        return made
    batch = (known or store).transitions()
    return Inputs([_with_fill(part, made.leaf, batch) for part in made.parts])


def _with_fill(part: Part, leaf: Any, batch: Any) -> Part:
    flags = [name + MISSING for name in part.cells] if part.sort == "real" else []
    said = set(batch.info.keys())
    if not said & set(flags):
        return part
    columns = leaf(batch, part).reshape(batch.lanes, -1).T
    fill = []
    for name, column in zip(flags, columns, strict=True):
        there = column[~(batch.info[name] > 0)] if name in said else column
        fill.append(float(np.median(there if there.size else column)) if name in said else None)
    return replace(part, fill=tuple(fill))


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
