"""Steps whose successor is not recorded: what reads it must not learn from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.transitions import BoolArray
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.rows import UNKNOWN_SUCCESSOR


def unknown_rows(reads: Sequence[str], batch: Any) -> BoolArray:
    """``(B,)``: rows that show a network a successor that was not recorded.

    Args:
        reads: Columns that it reads.
        batch: The rows, with ``info``.
    """
    if "next_obs" not in reads or UNKNOWN_SUCCESSOR not in batch.info.keys():  # noqa: SIM118
        return np.zeros(len(batch.reward), bool)
    found: BoolArray = np.nan_to_num(batch.info[UNKNOWN_SUCCESSOR]) > 0
    return found


def with_successors(store: EpisodeStore, reads: Sequence[str]) -> EpisodeStore:
    """The store without steps that a network with these inputs cannot be shown.

    Raises:
        DataError: No step would be left.
    """
    unknown = unknown_rows(reads, store.transitions())
    if not unknown.any():
        return store
    kept = store.lengths - np.add.reduceat(unknown, store.first_step).astype(np.int64)
    whole = np.flatnonzero(kept > 0)
    if not whole.size:
        raise DataError(
            "data must record a successor to be fitted with next_obs, got none in any step. "
            "Read obs,action alone, or record next_obs."
        )
    if len(whole) < len(store):
        return with_successors(store.select(whole), reads)
    seen = np.ones(store.steps + len(store), bool)
    seen[store.obs_row_of_step[unknown] + 1] = False
    return replace(
        store,
        obs=tree.take(store.obs, seen),
        action=tree.take(store.action, ~unknown),
        reward=store.reward[~unknown],
        terminated=store.terminated[~unknown],
        truncated=store.truncated[~unknown],
        lengths=kept,
        info={name: column[~unknown] for name, column in store.info.items()},
    )
