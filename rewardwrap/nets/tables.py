"""What is fitted, as tensors: rows of a network, and items that point at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rewardwrap.core.transitions import Transitions, take
from rewardwrap.data import EpisodeStore, Fragments, Preferences
from rewardwrap.data.successors import unknown_rows
from rewardwrap.nets.distinct import paid_steps
from rewardwrap.nets.paid import Encoded, NetError, PaidNet

DRAWN = "drawn"
"""Column ``(n, M)``: items that a member learns from; the trainer sets it where members resample."""


@dataclass(frozen=True)
class Table:
    """n items that share rows: steps, pairs of clips, rankings or episodes.

    Args:
        rows: Prepared rows, each encoded once however many items show it.
        items: Columns with leading size n. ``weight`` is always there; those that hold whole numbers
            point into ``rows``.
    """

    rows: Encoded
    items: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(self.items["weight"])

    def __getitem__(self, name: str) -> Tensor:
        return self.items[name]

    def take(self, index: Tensor) -> Table:
        """Some items; rows stay shared."""
        return Table(self.rows, {name: column[index] for name, column in self.items.items()})

    def having(self, **columns: Tensor) -> Table:
        """The same items with more columns."""
        return Table(self.rows, {**self.items, **columns})

    def seen(self, column: str) -> Encoded:
        """The rows a column points at, ``(n, ...)``."""
        return self.rows.take(self.items[column])


def rows_table(
    net: PaidNet,
    batch: Transitions,
    target: Any,
    weight: Any = None,
) -> Table:
    """One item for each row with a target; rows without one are left out.

    So are rows whose successor was not recorded, where the network reads it.

    Args:
        net: Whose inputs to encode; its normalisation is used as it is.
        batch: N rows.
        target: ``(N,)``, NaN where it is missing.
        weight: ``(N,)``, at least 0; 1 where left out.

    Raises:
        NetError: Every target is missing, or infinite.
    """
    values = np.asarray(target, np.float64)
    values = np.where(unknown_rows(net.inputs.reads, batch), np.nan, values)
    there = np.flatnonzero(~np.isnan(values))
    if not there.size:
        raise NetError(
            f"targets must hold at least one number, got {len(values)} missing ones. "
            "Ingest data with rewards, or fit on preferences."
        )
    if not np.isfinite(values[there]).all():
        raise NetError("targets must be finite or missing, got infinity. Drop those rows.")
    rows = net.prepare(net.encode(take(batch, there) if there.size < len(values) else batch))
    weights = np.ones(len(there)) if weight is None else np.asarray(weight, np.float64)[there]
    items = {
        "row": torch.arange(len(there)),
        "target": torch.as_tensor(values[there]).to(net.expects),
        "weight": torch.as_tensor(weights).to(net.expects),
    }
    return Table(rows, items)


def clips_table(
    net: PaidNet,
    store: EpisodeStore,
    clips: Sequence[Fragments],
    *,
    gamma: float = 1.0,
    weight: Any = None,
) -> Table:
    """One item for each k-tuple of clips: ``clips[0][i], ..., clips[k - 1][i]``.

    Columns: ``steps`` ``(n, k, L)`` rows and, unless every step counts 1, ``coefficient``
    ``(n, k, L)``: ``gamma^t`` inside a clip, 0 on padding.

    Raises:
        NetError: A step whose successor the network reads and nobody recorded.
    """
    longest = max(c.longest for c in clips)
    count = len(clips[0])
    steps = np.empty((count, len(clips), longest), np.int64)
    inside = np.zeros((count, len(clips), longest), bool)
    for i, clip in enumerate(clips):
        width = clip.longest
        steps[:, i, :width], inside[:, i, :width] = clip.rows, clip.mask
        # padding repeats the last row, so that it is encoded once at most
        steps[:, i, width:] = clip.rows[:, -1:]
    used, place = np.unique(steps, return_inverse=True)
    batch = take(store.transitions(), used)
    unknown = int(unknown_rows(net.inputs.reads, batch).sum())
    if unknown:
        raise NetError(
            f"clips must record the successor of every step for a network that reads next_obs, got "
            f"{unknown} steps without. Read obs,action alone, or ingest the data with --drop-last."
        )
    rows = net.prepare(net.encode(batch))
    weights = np.ones(count) if weight is None else np.asarray(weight, np.float64)
    items = {
        "steps": torch.as_tensor(place.reshape(steps.shape)),
        "weight": torch.as_tensor(weights).to(net.expects),
    }
    if gamma != 1.0 or not inside.all():
        paid = np.where(inside, np.power(gamma, np.arange(longest)), 0.0)
        items["coefficient"] = torch.as_tensor(paid).to(net.expects)
    return Table(rows, items)


def pairs_table(net: PaidNet, preferences: Preferences, *, gamma: float = 1.0) -> Table:
    """One item for each answered pair; column ``preferred`` is P(b better), clip 0 is a.

    Raises:
        NetError: No pair was answered.
    """
    answered = preferences.without_skipped()
    if not len(answered):
        raise NetError(
            f"preferences must hold at least one answer, got {len(preferences)} skipped questions. "
            "Label some pairs, or ask an easier teacher."
        )
    table = clips_table(
        net, answered.store, (answered.a, answered.b), gamma=gamma, weight=answered.weight
    )
    return table.having(preferred=torch.as_tensor(answered.preferred).to(net.expects))


def steps_of(net: Any, table: Table) -> Tensor:
    """What each member pays for every step: ``(M, n, k, L)``."""
    return paid_steps(net, table.rows, table["steps"], table.items.get(DRAWN))


def returns_of(net: Any, table: Table) -> Tensor:
    """What each member pays for every clip: ``(M, n, k)``, the sum over its steps."""
    paid = steps_of(net, table)
    coefficient = table.items.get("coefficient")
    return paid.sum(-1) if coefficient is None else (paid * coefficient).sum(-1)
