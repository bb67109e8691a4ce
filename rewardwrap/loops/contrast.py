"""Certain successes above certain failures: pairs, their loss, and bounded steps on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rewardwrap.core.errors import ConfigError
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.tables import Table

CERTAIN_YES, CERTAIN_NO = 1.0, 0.0


@dataclass(frozen=True)
class Contrast:
    """``-log sigmoid(R_positive - R_negative)``: clip 0 is the negative, clip 1 the positive."""

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``steps``."""
        return BradleyTerry().losses(net, self.labelled(table))

    @staticmethod
    def labelled(table: Table) -> Table:
        """The pairs as answers: clip 1 is better."""
        return table.having(preferred=torch.ones_like(table["weight"]))


def certain_pairs(verdict: Sequence[float], start: Sequence[Any]) -> list[tuple[int, int]]:
    """``(negative, positive)`` among episodes: positives only where the rule said yes for certain.

    Args:
        verdict: Of each episode: 1 certainly succeeded, 0 certainly not, NaN abstained. The rule has
            to be precise; how many it finds matters less.
        start: What two episodes must share to be compared, e.g. the seed or task they began from.
    """
    pairs = []
    for i, said in enumerate(verdict):
        if said != CERTAIN_YES:
            continue
        pairs += [
            (j, i)
            for j, other in enumerate(verdict)
            if other == CERTAIN_NO and start[j] == start[i]
        ]
    return pairs


class Cooper:
    """The reward model's half of the co-optimisation: a few bounded steps after every rollout.

    The policy's half is any learner on the model's reward. Without a certain pair the model is
    frozen. Old pairs are replayed beside new ones, and weights may move by ``trust`` (as a share of
    their norm) in one update at most.

    On a bandit whose seed data hold a spurious feature a fixed model led to a true success of .50,
    the co-trained one to .77 (40 seeds, ``make evidence ONLY=cooper``).

    Args:
        net: The reward model.
        lr: Learning rate.
        steps: Gradient steps for each rollout.
        replay: Share of old pairs in a step, in [0, 1).
        trust: Largest relative change of the weights in one update.
        keep: Old pairs to keep.
        seed: Of the replay.

    Source: Hong et al., Cooper: co-optimizing policy and reward models in RL for LLMs, 2025,
        arXiv:2508.05613. Deviation: the trust region is ours; negatives are what the rule calls
        wrong among rollouts of the same start, or perturbed ones that the caller adds.
    """

    def __init__(
        self,
        net: nn.Module,
        *,
        lr: float = 1e-3,
        steps: int = 4,
        replay: float = 0.5,
        trust: float = 0.1,
        keep: int = 4096,
        seed: int = 0,
    ) -> None:
        if not 0 <= replay < 1 or trust <= 0 or steps < 1:
            raise ConfigError(
                "Cooper: replay must lie in [0, 1), trust be above 0 and steps at least 1, got "
                f"{replay}, {trust}, {steps}. Use the defaults."
            )
        self.net, self.steps, self.replay, self.trust, self.keep = net, steps, replay, trust, keep
        self._optimizer = torch.optim.Adam(net.parameters(), lr=lr)
        self._draws = torch.Generator().manual_seed(seed)
        self._old: list[Table] = []

    def update(self, fresh: Table | None) -> Mapping[str, float]:
        """Learn from the certain pairs of one rollout; None or an empty table changes nothing."""
        if fresh is None or not len(fresh):
            return {"pairs": 0.0, "loss": 0.0, "moved": 0.0}
        before = [p.detach().clone() for p in self.net.parameters()]
        loss = torch.zeros(())
        for _ in range(self.steps):
            loss = self._mean(fresh)
            if self._old and self.replay:
                index = int(torch.randint(len(self._old), (1,), generator=self._draws))
                loss = (1 - self.replay) * loss + self.replay * self._mean(self._old[index])
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
        moved = self._stay_near(before)
        self._old.append(fresh)
        while sum(map(len, self._old)) > self.keep and len(self._old) > 1:
            self._old.pop(0)
        return {"pairs": float(len(fresh)), "loss": float(loss.detach()), "moved": moved}

    def _mean(self, table: Table) -> Tensor:
        return Contrast().losses(self.net, table).mean(1).sum()

    @torch.no_grad()
    def _stay_near(self, before: list[Tensor]) -> float:
        """Pull the weights back onto the trust region; returns the relative change that is left."""
        pairs = list(zip(self.net.parameters(), before, strict=True))
        size = torch.sqrt(sum((b.square().sum() for _, b in pairs), torch.zeros(())))
        far = torch.sqrt(sum(((p - b).square().sum() for p, b in pairs), torch.zeros(())))
        ratio = float(far / size)
        if ratio > self.trust:
            for now, old in pairs:
                now.copy_(old + (now - old) * (self.trust / ratio))
        return min(ratio, self.trust)
