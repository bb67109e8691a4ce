"""K-wise rankings, as annotators give them: all pairs of one ranking together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rewardwrap.data import Fragments, Preferences
from rewardwrap.nets.objectives.contract import objective
from rewardwrap.nets.paid import NetError, PaidNet
from rewardwrap.nets.tables import Table, clips_table, returns_of


@objective("rankings", labels="pairs")
@dataclass(frozen=True)
class ListWise:
    """``-1 / C(K, 2) * sum over pairs of log sigmoid(R_better - R_worse)``.

    One item is one ranking, so its pairs, which are far from independent, never part: neither
    between minibatches nor between training and held-out items. K = 2 is Bradley and Terry's loss.

    Source: Ouyang et al., Training language models to follow instructions with human feedback, 2022,
        arXiv:2203.02155, eq. 1. Deviation: clips in one place count as a pair with label 1/2.
    """

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``steps (n, K, L)`` and ``place (n, K)``, NaN for what was not ranked."""
        return self.of_returns(returns_of(net, table), table["place"])

    def table(self, net: PaidNet, preferences: Preferences) -> Table:
        """Rankings again from their pairs: the place of a clip is how many of its group beat it.

        Questions that stand alone are rankings of two.
        """
        answered = preferences.without_skipped()
        _, group = np.unique(answered.group, return_inverse=True)
        a, b = (
            np.stack([group, clip.episode, clip.start, clip.length], axis=1)
            for clip in (answered.a, answered.b)
        )
        known, number = np.unique(np.concatenate([a, b]), axis=0, return_inverse=True)
        one, other = number.reshape(2, -1)
        lost = np.bincount(one, answered.preferred, len(known))
        lost += np.bincount(other, 1.0 - answered.preferred, len(known))
        store, columns = answered.store, known[:, 1:].T
        return rankings_table(net, Fragments(store, *columns), 1.0 + lost, known[:, 0])

    def of_returns(self, paid: Tensor, place: Tensor) -> Tensor:
        """``(..., n, K)`` returns and ``(n, K)`` places, 1 is best: ``(..., n)``."""
        one, other = torch.triu_indices(place.shape[-1], place.shape[-1], 1)
        gap = paid[..., one] - paid[..., other]
        order = place[..., other] - place[..., one]
        ranked = ~torch.isnan(order)
        label = 0.5 + 0.5 * torch.sign(torch.nan_to_num(order))
        each = (functional.softplus(gap) - label * gap) * ranked
        return each.sum(-1) / ranked.sum(-1).clamp(min=1)


def rankings_table(
    net: PaidNet, clips: Fragments, place: Any, ranking: Any, *, gamma: float = 1.0
) -> Table:
    """One item for each ranking of two clips or more; shorter ones are padded.

    Args:
        net: Whose inputs to encode.
        clips: m clips.
        place: ``(m,)``, 1 is best, equal places are a tie, NaN is left out.
        ranking: ``(m,)`` number of the ranking a clip stands in.
        gamma: Discount within a clip.

    Raises:
        NetError: No ranking holds two clips.
    """
    where, of = np.asarray(place, np.float64), np.asarray(ranking)
    groups = [np.flatnonzero((of == g) & ~np.isnan(where)) for g in np.unique(of)]
    groups = [g for g in groups if len(g) > 1]
    if not groups:
        raise NetError("rankings must place at least two clips, got none that does. Rank more.")
    width = max(map(len, groups))
    chosen = np.stack([np.resize(g, width) for g in groups])
    places = np.stack(
        [np.pad(where[g], (0, width - len(g)), constant_values=np.nan) for g in groups]
    )
    columns = [clips.select(chosen[:, k]) for k in range(width)]
    table = clips_table(net, clips.store, columns, gamma=gamma)
    return table.having(place=torch.as_tensor(places).to(net.expects))
