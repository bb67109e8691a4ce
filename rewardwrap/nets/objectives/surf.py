"""SURF: pairs that nobody labelled, and clips cut at random."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rewardwrap.annotate.teachers import random_pairs
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import Preferences
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.contract import objective
from rewardwrap.nets.tables import Table, clips_table, pairs_table, returns_of


@objective("surf", labels="pairs")
@dataclass
class Surf:
    """``L_pref(crop) + lam * 1[max(P, 1 - P) >= tau] BCE(P', argmax P)`` on unlabelled pairs.

    ``P`` is what the network says of an unlabelled pair, taken as a constant, and ``P'`` what it says
    of the same pair cropped anew. Use it with a bounded network: an unbounded one soon is sure of
    everything, and the mask is then always on.

    Measured on Pendulum with 30 labels it helped nothing (.846 without, .832 with): what is tested is
    that it does what it says and does no harm, not that it helps.

    Args:
        unlabelled: Pairs; `clips_table` makes them, and `table` draws some where there are none.
        crop: Steps to cut off at most on either end together; both clips keep one length.
        tau: How sure the network must be, in [1/2, 1].
        lam: Weight of the unlabelled pairs.
        ratio: Unlabelled pairs for each labelled one.
        base: The preference loss.
        seed: Of crops and draws.

    Source: Park et al., SURF, 2022, arXiv:2203.10050. Deviation: clips are cut from what they are
        instead of from ones stored longer, so lengths lie in ``[L - crop, L]`` there ``L +- 5``.
    """

    unlabelled: Table | None = None
    crop: int = 10
    tau: float = 0.95
    lam: float = 1.0
    ratio: int = 10
    base: BradleyTerry = field(default_factory=BradleyTerry)
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.5 <= self.tau <= 1.0 or self.lam < 0 or self.crop < 0 or self.ratio < 1:
            raise ConfigError(
                "Surf: tau must lie in [0.5, 1], lam and crop be at least 0, ratio at least 1, got "
                f"{self.tau}, {self.lam}, {self.crop}, {self.ratio}. Use the defaults."
            )
        self._draws = torch.Generator().manual_seed(self.seed)

    def table(self, net: Any, preferences: Preferences) -> Table:
        """The answered pairs; as many others times ``ratio`` are drawn from the same episodes."""
        answered = preferences.without_skipped()
        if self.unlabelled is None:
            used = np.unique(np.concatenate([answered.a.episode, answered.b.episode]))
            draw = random_pairs(answered.store.select(used), int(answered.a.longest))
            a, b = draw(self.ratio * len(answered), np.random.default_rng(self.seed))
            self.unlabelled = clips_table(net, a.store, (a, b))
        return pairs_table(net, answered)

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``steps`` and ``preferred``."""
        if self.unlabelled is None or not torch.is_grad_enabled():
            return self.base.losses(net, table)
        loss = self.base.losses(net, cropped(table, self.crop, self._draws))
        count = len(table) * self.ratio
        drawn = torch.randint(len(self.unlabelled), (count,), generator=self._draws)
        return loss + self.lam * self.pseudo(net, self.unlabelled.take(drawn)).mean(1, keepdim=True)

    def pseudo(self, net: Any, table: Table) -> Tensor:
        """The unlabelled part, ``(M, n)``: 0 where the network is not sure."""
        with torch.no_grad():
            paid = returns_of(net, table)
            chance = torch.sigmoid(paid[..., 1] - paid[..., 0])
        sure = torch.maximum(chance, 1 - chance) >= self.tau
        target = (chance > 0.5).to(chance.dtype)
        again = returns_of(net, cropped(table, self.crop, self._draws))
        gap = again[..., 1] - again[..., 0]
        return (functional.softplus(gap) - target * gap) * sure


def cropped(table: Table, most: int, draws: torch.Generator) -> Table:
    """Each pair cut to one random length, from a random start in either clip.

    Padded clips are left whole, since their length already differs.
    """
    steps = table["steps"]
    length = steps.shape[-1]
    most = min(most, length - 1)
    if not most or "coefficient" in table.items:
        return table
    count, sides, _ = steps.shape
    kept = length - torch.randint(most + 1, (count, 1, 1), generator=draws)
    room = (length - kept + 1).expand(count, sides, 1)
    start = (torch.rand(room.shape, generator=draws) * room).long()
    place = torch.arange(length)
    inside = (place >= start) & (place < start + kept)
    dtype = table["weight"].dtype
    return table.having(coefficient=inside.to(dtype))
