"""What trains a judge that chooses what to read: traces first, then verdicts that can be verified.

**Distil.** A check of a trace quotes line ``l`` and says side ``s``; which statistic and relation were meant
is not said, so they are summed over: maximise ``log p(l) + log sum_{t,r} p(t) p(r) q(s | l, t, r)``, where
``q`` is 1 - e if the program says ``s``, else e / 2. Weights of a rubric by cross-entropy.

**Reinforce.** For a question whose verdict is known, G traces are drawn; each earns +1 where its verdict is
right, else -1, and its advantage is what it earns above its group's mean; REINFORCE on the log-chance of all
its choices, its rubric's weights among them, less ``k KL(p || distilled)``.

Source: Chen et al., RM-R1: Reward modeling as reasoning, 2025, arXiv:2505.02387 (distillation of traces, then
RL by verdicts of +-1); Zhou et al., Libra, 2025, arXiv:2507.21645 (verdicts a rule verified). Deviations:
a trace is a program over figures instead of sentences of a language model, so format cannot be broken and
earns nothing (.15 there); groups instead of GRPO's clipped ratios, since every draw is of today's policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rewardwrap.annotate.trained import SHAPES, WEIGHTS, Choice, beside, phi, sides
from rewardwrap.core.transitions import FloatArray

DOUBT = 0.1
"""e: how often a check of a trace is expected to be wrong."""
DECAY = 1e-3


@dataclass(frozen=True)
class Check:
    """One check of one trace.

    Args:
        criterion: Its text.
        names: Lines of the reports.
        quoted: Index of the line that was quoted.
        side: -1, 0 or 1.
        says: `rewardwrap.annotate.trained.sides` of the reports.
    """

    criterion: str
    names: tuple[str, ...]
    quoted: int
    side: int
    says: NDArray[np.int8]


@dataclass(frozen=True)
class Verified:
    """A question with a known verdict.

    Args:
        parts: Of the principle.
        names: Lines of the reports.
        says: Of each part, `rewardwrap.annotate.trained.sides` of the reports.
        side: -1 or 1.
    """

    parts: tuple[str, ...]
    names: tuple[str, ...]
    says: tuple[NDArray[np.int8], ...]
    side: int

    @staticmethod
    def of(parts: Sequence[str], first: object, second: object, side: int) -> Verified:
        """From the figures of two reports."""
        from rewardwrap.annotate.trained import shared

        names = tuple(shared(first, second))  # type: ignore[arg-type]
        told = tuple(sides(part, first, second, names) for part in parts)  # type: ignore[arg-type]
        return Verified(tuple(parts), names, told, side)


class JudgeNet(nn.Module):
    """Log-linear choices of line, statistic, relation and weight."""

    def __init__(self) -> None:
        super().__init__()
        for name, shape in SHAPES.items():
            start = torch.zeros(shape, dtype=torch.float64)
            if name == "line":
                start[-1] = 3.0  # a line whose name is said is a good first guess
            self.register_parameter(name, nn.Parameter(start))

    def frozen(self) -> Choice:
        """The same as arrays."""
        return Choice({n: p.detach().numpy().copy() for n, p in self.named_parameters()})

    def load(self, choice: Choice) -> None:
        """Take over arrays."""
        with torch.no_grad():
            for name, own in self.named_parameters():
                own.copy_(torch.as_tensor(choice.arrays[name]))

    def logs(self, criterion: str, names: tuple[str, ...]) -> list[Tensor]:
        """Log-chances of lines, statistics, relations and weights."""
        crossed = torch.as_tensor(np.array([beside(criterion, name) for name in names]))
        said = torch.as_tensor(phi(criterion))
        own = self.get_parameter
        logits = [
            crossed @ own("line"),
            *(said @ own(n) for n in ("statistic", "relation", "weight")),
        ]
        return [each.log_softmax(-1) for each in logits]


def distil(
    net: JudgeNet, checks: Sequence[Check], weights: Sequence[tuple[str, float]], *,
    epochs: int = 150, lr: float = 0.1,
) -> list[float]:  # fmt: skip
    """Fit the traces; the loss of each epoch."""
    groups: dict[tuple[str, tuple[str, ...]], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.criterion, check.names), []).append(check)
    packed = [
        (*key, torch.as_tensor([c.quoted for c in each]), torch.as_tensor(np.array([*map(_meant, each)])))
        for key, each in groups.items()
    ]  # fmt: skip
    place = {float(w): i for i, w in enumerate(WEIGHTS)}
    rows = [
        (text, place.get(float(np.clip(round(w), WEIGHTS[0], WEIGHTS[-1])), 0))
        for text, w in weights
    ]
    optimiser = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=DECAY)
    history = []
    for _ in range(epochs):
        lost = torch.zeros((), dtype=torch.float64)
        for criterion, names, quoted, chance in packed:
            line, statistic, relation, _ = net.logs(criterion, names)
            meant = (statistic[:, None] + relation[None, :])[None] + chance.log()
            lost = lost - line[quoted].sum() - meant.flatten(1).logsumexp(1).sum()
        lost = lost / max(1, len(checks))
        if rows:
            said = torch.as_tensor(np.array([phi(text) for text, _ in rows]))
            lost = lost + nn.functional.cross_entropy(
                said @ net.get_parameter("weight"), torch.as_tensor([i for _, i in rows])
            )
        optimiser.zero_grad()
        lost.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        history.append(float(lost.detach()))
    return history


def _meant(check: Check) -> FloatArray:
    """``(statistics, relations)``: q of the programs on the quoted line."""
    return np.where(check.says[check.quoted] == check.side, 1 - DOUBT, DOUBT / 2)


def reinforce(
    net: JudgeNet, asked: Sequence[Verified], *, rounds: int = 150, group: int = 16, batch: int = 64,
    lr: float = 0.1, pull: float = 0.02, generator: torch.Generator,
) -> list[float]:  # fmt: skip
    """Raise the chance of traces whose verdict is right; the share of right ones in each round.

    The step, three times what was tried first, was chosen on seeds that the evidence does not use.
    """
    first = JudgeNet()
    first.load(net.frozen())
    optimiser = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=0.0)
    history = []
    for _ in range(rounds):
        chosen = torch.randperm(len(asked), generator=generator)[:batch].tolist()
        with torch.no_grad():
            old = _tables(first, [asked[i] for i in chosen])
        now = _tables(net, [asked[i] for i in chosen])
        total = torch.zeros((), dtype=torch.float64)
        right = 0.0
        for i in chosen:
            logs, earned = _drawn(now, asked[i], group, generator)
            right += float((earned > 0).double().mean()) / len(chosen)
            total = total - ((earned - earned.mean()) * logs).mean() / len(chosen)
        for key, own in now.items():
            total = total + pull * sum(
                (p.exp() * (p - q)).sum() for p, q in zip(own, old[key], strict=True)
            ) / len(now)  # fmt: skip
        optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        history.append(right)
    return history


Tables = dict[tuple[str, tuple[str, ...]], list[Tensor]]


def _tables(net: JudgeNet, asked: Sequence[Verified]) -> Tables:
    """Log-chances of every part that is asked about, once each."""
    keys = dict.fromkeys((part, q.names) for q in asked for part in q.parts)
    return {key: net.logs(*key) for key in keys}


def _drawn(
    tables: Tables, asked: Verified, group: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Log-chances ``(G,)`` of drawn traces, and what they earn."""
    logs, total = torch.zeros(group, dtype=torch.float64), torch.zeros(group, dtype=torch.float64)
    for part, says in zip(asked.parts, asked.says, strict=True):
        drawn = []
        for log in tables[part, asked.names]:
            picked = torch.multinomial(
                log.detach().exp(), group, replacement=True, generator=generator
            )
            logs = logs + log[picked]
            drawn.append(picked)
        side = torch.as_tensor(says.astype(np.float64))[drawn[0], drawn[1], drawn[2]]
        total = total + side * torch.as_tensor(WEIGHTS, dtype=torch.float64)[drawn[3]]
    return logs, torch.where(total.sign() == asked.side, 1.0, -1.0).double()
