"""Outcome and process rewards: did the episode succeed, and was this step on the way to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional

from rewardwrap.core.errors import UnknownName
from rewardwrap.core.transitions import FloatArray
from rewardwrap.nets.objectives.contract import objective
from rewardwrap.nets.tables import Table, steps_of

Aggregate = Literal["min", "product", "mean"]


@objective("outcome", labels="outcomes")
@dataclass(frozen=True)
class Outcome:
    """ORM: ``BCE(sigmoid(mean_t f(row_t)), success)`` of whole episodes.

    Source: outcome supervision in Lightman et al., Let's verify step by step, 2023,
        arXiv:2305.20050. Deviation: the mean over steps, so that long episodes are not surer.
    """

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``steps (n, 1, L)``, ``coefficient`` and ``success (n,)`` in [0, 1]."""
        paid = steps_of(net, table)[..., 0, :]
        inside = table.items.get("coefficient")
        if inside is None:
            logit = paid.mean(-1)
        else:
            here = (inside[:, 0] > 0).to(paid.dtype)
            logit = (paid * here).sum(-1) / here.sum(-1)
        return binary(logit, table["success"])


@objective("process", labels="marks")
@dataclass(frozen=True)
class Process:
    """PRM: ``BCE(sigmoid(f(row)), label)`` of single steps.

    A label is a mark of a person or rule, or the share of continuations from there that succeeded.

    Source: process supervision in Lightman et al., arXiv:2305.20050; soft labels: Wang et al.,
        Math-Shepherd, 2023, arXiv:2312.08935.
    """

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``row`` and ``target (n,)`` in [0, 1]."""
        return binary(net(table.seen("row")), table["target"])


def binary(logit: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy in logits, finite at any size."""
    return functional.softplus(logit) - label * logit


def aggregate(steps: ArrayLike, how: Aggregate = "min") -> float:
    """The chance that an episode succeeds, from that of its steps.

    Args:
        steps: Chances, ``(T,)``, in [0, 1].
        how: The weakest step, the product, or the mean. Measured on a task where every step must be
            good: AUC .999, .996, .991.
    """
    chance = np.asarray(steps, np.float64)
    rules: dict[str, Any] = {"min": np.min, "product": np.prod, "mean": np.mean}
    if how not in rules:
        raise UnknownName("aggregate", how, rules)
    return float(rules[how](chance))


def renorm(process: ArrayLike, outcome: ArrayLike) -> FloatArray:
    """``r_t = (p_t - 1/2) + (o - 1/2) = p_t + o - 1``: no step pays against the outcome.

    Failure makes every step at most 0, success at least 0. A constant p says the outcome alone. A sum
    over episodes of different lengths still favours the shorter failure and the longer success.

    Args:
        process: p in [0, 1], ``(T,)``.
        outcome: o in {0, 1}, one number or ``(T,)``.

    Source: PPR: principle process reward, 2025, arXiv:2509.25598.

    Example:
        >>> renorm([0.0, 0.25, 1.0], 0).tolist(), renorm([0.0, 0.25, 1.0], 1).tolist()
        ([-1.0, -0.75, 0.0], [0.0, 0.25, 1.0])
    """
    return np.asarray(process, np.float64) + np.asarray(outcome, np.float64) - 1.0
