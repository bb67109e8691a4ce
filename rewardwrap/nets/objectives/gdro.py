"""GDRO: groups of what was already made, ordered by their rewards, move a policy without new episodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import Fragments, Preferences
from rewardwrap.nets.objectives.contract import objective
from rewardwrap.nets.paid import NetError
from rewardwrap.nets.tables import Table, clips_table, returns_of


@objective("gdro", labels="pairs")
@dataclass(frozen=True)
class GDRO:
    """``sum_{i<k} [log sum_{m>=i} e^{s_m} - sum_{j>=i} q_i(j) s_j] - top s_1 / beta``, best item first.

    ``s`` is what the network pays for an item, ``q_i = softmax(r_j / tau)`` over the items from the i-th
    on. On an `ImplicitReward`, ``s = beta log pi / pi_ref``, so a policy (a generator) is trained on groups
    that lie in a log, and no sampler runs beside it. Two items and ``tau -> 0`` are DPO; ``tau -> inf`` asks
    for equal chances. ``top`` keeps the best item likely, where the ratios alone could fall together. It
    explores nothing that is not in the log, so it cannot find the holes of a reward either.

    A group holds clips that began alike, up to ``size``; a pair of clips that did not is a group of two.
    The rewards are the logged returns.

    Args:
        tau: Temperature of the targets, above 0, in units of the returns; small ones, 0.025, are unstable
            in the paper.
        top: Weight of the likelihood of the best item, at least 0.
        size: Items of a group, k, at least 2.

    Source: Wang et al., GDRO: group-level reward post-training suitable for diffusion models, 2026,
        arXiv:2601.02036: k 6, tau 0.05, top 0.5 or 1, beta 6 or 12. Deviation: items are clips of
        episodes, and ``log pi`` of the best one is counted from the reference's.
    """

    tau: float = 0.05
    top: float = 0.5
    size: int = 6

    def __post_init__(self) -> None:
        if not self.tau > 0 or not self.top >= 0 or type(self.size) is not int or self.size < 2:
            raise ConfigError(
                "GDRO: tau must be above 0, top at least 0 and size a whole number of at least 2, got "
                f"{self.tau}, {self.top} and {self.size}. Use 0.05, 0.5 and 6."
            )

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``steps (n, K, L)`` and ``reward (n, K)``, NaN on places of smaller groups."""
        beta = float(getattr(net, "beta", 1.0))
        return self.of_scores(returns_of(net, table), table["reward"], beta=beta)

    def of_scores(self, s: Tensor, reward: Tensor, *, beta: float = 1.0) -> Tensor:
        """``(..., n, K)`` scores and ``(n, K)`` rewards: ``(..., n)``."""
        there = ~torch.isnan(reward)
        order = torch.where(there, reward, -torch.inf).argsort(dim=-1, descending=True, stable=True)
        there, reward = there.gather(-1, order), reward.nan_to_num().gather(-1, order)
        s = s.gather(-1, order.expand(s.shape))
        nowhere = ~there
        loss = -self.top * s[..., 0] / beta
        for i in range(s.shape[-1] - 1):
            left, gone = s[..., i:], nowhere[..., i:]
            target = (reward[..., i:] / self.tau).masked_fill(gone, -torch.inf)
            # of no item at all, which pads a group, every share is 0
            share = target.softmax(dim=-1).nan_to_num()
            total = left.masked_fill(gone, -torch.inf).logsumexp(dim=-1)
            loss = loss + torch.where(gone[..., 0], 0.0, total - (share * left).sum(dim=-1))
        return loss

    def table(self, net: Any, preferences: Preferences) -> Table:
        """Groups of the clips that were asked about, each with its logged return.

        Raises:
            NetError: Clips without logged rewards.
        """
        answered = preferences.without_skipped()
        a, b = answered.a, answered.b
        both = [np.concatenate([getattr(a, n), getattr(b, n)]) for n in _PLACE]
        known, number = np.unique(np.stack(both, axis=1), axis=0, return_inverse=True)
        clips = Fragments(answered.store, *known.T)
        told = clips.returns()
        if np.isnan(told).any():
            raise NetError(
                f"GDRO: clips must have logged rewards, got {int(np.isnan(told).sum())} without. "
                "Use dpo or bradley_terry, which need only who is better."
            )
        groups = self._groups(clips, number.reshape(2, -1))
        width = max(map(len, groups))
        chosen = np.stack([np.resize(group, width) for group in groups])
        reward = np.stack(
            [np.pad(told[g], (0, width - len(g)), constant_values=np.nan) for g in groups]
        )
        columns = [clips.select(chosen[:, k]) for k in range(width)]
        table = clips_table(net, answered.store, columns)
        return table.having(reward=torch.as_tensor(reward).to(net.expects))

    def _groups(self, clips: Fragments, pairs: Any) -> list[Any]:
        """Numbers of clips that began alike, ``size`` at a time; then the pairs that did not."""
        obs = tree.leaves(clips.store.transitions().obs)
        rows = [np.reshape(leaf[clips.rows[:, 0]], (len(clips), -1)) for leaf in obs]
        start = np.unique(np.concatenate(rows, axis=1), axis=0, return_inverse=True)[1].ravel()
        found = []
        for key in np.unique(start):
            own = np.flatnonzero(start == key)
            found += [own[i : i + self.size] for i in range(0, len(own), self.size)]
        apart = pairs[:, start[pairs[0]] != start[pairs[1]]]
        return [group for group in found if len(group) > 1] + list(apart.T)


_PLACE = ("episode", "start", "length")
