"""What a network pays for the steps of clips, each row evaluated once for each member that needs it.

Clips overlap: the 50,000 steps of 500 pairs may come from a few thousand rows. And a bootstrap draws
only 63 % of the items for a member, so that the rest of them cannot change it. Both are left out
here, before the network; what comes back is the same up to the order of sums in the gradient.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rewardwrap.nets.paid import Encoded

SPARSE = 4
"""With so many rows for each one that is shown, few are shown twice and finding them costs more."""


def paid_steps(net: Any, rows: Encoded, steps: Tensor, drawn: Tensor | None = None) -> Tensor:
    """``(M, *steps.shape)``: the reward of every step.

    Args:
        net: A network of M members.
        rows: Prepared rows.
        steps: ``(n, ...)`` indices of rows.
        drawn: ``(n, M)`` bool: items that a member learns from; for the others it pays 0.
    """
    if drawn is None or not hasattr(net, "one") or rows.images:
        shown, place = _distinct(steps.reshape(-1), len(rows))
        paid: Tensor = net(rows.take(shown))
        whole = paid if place is None else paid.index_select(1, place)
        return whole.reshape(-1, *steps.shape)
    return torch.stack([_of_member(net, m, rows, steps, drawn[:, m]) for m in range(net.members)])


def _of_member(net: Any, member: int, rows: Encoded, steps: Tensor, drawn: Tensor) -> Tensor:
    items = drawn.nonzero().squeeze(1)
    mine = steps.index_select(0, items)
    shown, place = _distinct(mine.reshape(-1), len(rows))
    paid = net.one(member, rows.take(shown))
    whole = paid if place is None else paid.index_select(0, place)
    left = torch.zeros(steps.shape, dtype=whole.dtype)
    return left.index_copy(0, items, whole.reshape(mine.shape))


def _distinct(shown: Tensor, rows: int) -> tuple[Tensor, Tensor | None]:
    """Each row of ``shown`` once, and where each of them is found; None where nothing was merged."""
    if rows > SPARSE * len(shown):
        return shown, None
    there = torch.zeros(rows, dtype=torch.bool)
    there[shown] = True
    used = there.nonzero().squeeze(1)
    place = there.cumsum(0, dtype=torch.int32).sub_(1)
    return used, place.index_select(0, shown)
