"""Self-evolved rewards: a model labels what it is sure of, and learns from that, under guard."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rewardwrap.core.errors import ConfigError
from rewardwrap.nets.tables import Table, returns_of

Retrain = Callable[[nn.Module, Table], None]


@dataclass(frozen=True)
class Round:
    """One round of self-labelling.

    Args:
        kept: Share of the unlabelled pairs that were kept.
        accuracy: On the human-labelled held-out pairs, after retraining.
        rolled_back: Whether the weights of the round before were put back.
    """

    kept: float
    accuracy: float
    rolled_back: bool


@dataclass(frozen=True)
class SelfEvolved:
    """Label, filter, retrain, check; put the old weights back where held-out accuracy falls.

    A pair is kept where one clip is good and the other bad (``s > high``, ``s < low``) or their scores
    are far apart (``|ds| > gap``), ``s`` the sigmoid of a clip's return in deviations from the mean;
    the one with the higher score is then called better. Human labels are never overwritten:
    self-labelled pairs are other items, with column ``iteration`` telling the round.

    With a model that is as good as its labels allow this gains nothing (30 labels: .64 before, .63 to
    .65 after): the guard is what can be relied on.

    Args:
        high: Score of a good clip.
        low: Score of a bad clip.
        gap: Distance of scores that is enough by itself.
        rounds: At most so many.
        least: Stop where a smaller share of pairs is kept.
        tolerance: How far accuracy may fall before the round is taken back.

    Source: Huang et al., Self-evolved reward learning for LLMs, 2024, arXiv:2411.00418. Deviation:
        both filters apply in every round (there by learning status), and rollback is ours.
    """

    high: float = 0.55
    low: float = 0.45
    gap: float = 0.3
    rounds: int = 3
    least: float = 0.05
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 1 or self.gap < 0 or self.rounds < 1:
            raise ConfigError(
                "SelfEvolved: thresholds must be 0 <= low <= high <= 1, gap at least 0 and rounds at "
                f"least 1, got {self.low}, {self.high}, {self.gap}, {self.rounds}. Use the defaults."
            )

    def sure(self, a: Tensor, b: Tensor) -> Tensor:
        """Which pairs of scores are kept; ``a`` and ``b`` in [0, 1]."""
        apart = (torch.maximum(a, b) > self.high) & (torch.minimum(a, b) < self.low)
        return apart | ((a - b).abs() > self.gap)

    @torch.no_grad()
    def label(self, net: Any, unlabelled: Table, *, iteration: int) -> Table:
        """The pairs that are kept, oriented by their scores."""
        score = scores(net, unlabelled)
        kept = torch.nonzero(self.sure(score[:, 0], score[:, 1]))[:, 0]
        chosen, gap = unlabelled.take(kept), score[kept, 1] - score[kept, 0]
        dtype = unlabelled["weight"].dtype
        return chosen.having(
            preferred=(gap > 0).to(dtype), iteration=torch.full((len(kept),), iteration)
        )

    def run(self, net: nn.Module, unlabelled: Table, val: Table, retrain: Retrain) -> list[Round]:
        """Self-label and retrain until nothing more is kept or a round had to be taken back.

        Args:
            net: Trained on human labels already.
            unlabelled: Pairs without an answer.
            val: Human-labelled held-out pairs, the judge of every round.
            retrain: Called with the network and the self-labelled pairs; it adds the human ones.
        """
        done: list[Round] = []
        accuracy = accuracy_of(net, val)
        for iteration in range(1, self.rounds + 1):
            own = self.label(net, unlabelled, iteration=iteration)
            kept = len(own) / max(len(unlabelled), 1)
            if kept < self.least:
                break
            before = copy.deepcopy(net.state_dict())
            retrain(net, own)
            now = accuracy_of(net, val)
            worse = now < accuracy - self.tolerance
            done.append(Round(kept, now, worse))
            if worse:
                net.load_state_dict(before)
                break
            accuracy = now
        return done


@torch.no_grad()
def scores(net: Any, table: Table) -> Tensor:
    """How good each clip is beside all clips of the table, in [0, 1]: ``(n, k)``."""
    returns = returns_of(net, table).mean(0)
    sd = returns.std(correction=0)
    return torch.sigmoid((returns - returns.mean()) / torch.where(sd > 0, sd, 1.0))


@torch.no_grad()
def accuracy_of(net: Any, table: Table) -> float:
    """Share of pairs in the labelled order; a tie of the network counts 1/2."""
    paid = returns_of(net, table).mean(0)
    gap, label = paid[:, 1] - paid[:, 0], table["preferred"]
    half = torch.full_like(gap, 0.5)
    return float(torch.where(gap > 0, label, torch.where(gap < 0, 1 - label, half)).mean())
