"""Yes, no or no answer to each of several principles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rewardwrap.nets.objectives.contract import objective
from rewardwrap.nets.objectives.outcome import binary
from rewardwrap.nets.tables import Table


@objective("abstaining", labels="principles")
@dataclass(frozen=True)
class Abstaining:
    """``sum_j BCE(sigmoid(mean_t z_j(row_t)), said_j) / #{j: said}`` of a clip; no answer costs nothing.

    Source: Wang et al., RLBFF: binary flexible feedback, 2025, arXiv:2509.21319. Deviation: the logit of a
        clip is the mean over its steps, so that long clips are not surer.
    """

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``steps (n, 1, L)``, ``coefficient`` and ``said (n, k)``, NaN for no answer."""
        logit, said = clip_logits(net, table), table["said"]
        known = ~torch.isnan(said)
        each = binary(logit, torch.nan_to_num(said)) * known
        return each.sum(-1) / known.sum(-1).clamp(min=1)


def clip_logits(net: Any, table: Table) -> Tensor:
    """The logit of each clip and principle: ``(M, n, k)``."""
    steps = net.logits(table.seen("steps"))[:, :, 0]
    inside = table.items.get("coefficient")
    if inside is None:
        return torch.as_tensor(steps.mean(-2))
    here = (inside[:, 0] > 0).to(steps.dtype)
    return torch.as_tensor((steps * here[..., None]).sum(-2) / here.sum(-1)[:, None])
