"""A discriminator of demonstrations and an agent's own steps, whose logit is a reward."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.nets.paid import Encoded
from rewardwrap.nets.tables import Table

FORMS: Mapping[str, str | None] = MappingProxyType(
    {"logit": None, "gail": "softplus", "airl": None, "fairl": "fairl"}
)
"""Form of the reward -> what the network's logit becomes (`rewardwrap.rewards.outputs`)."""


SIDES = ("demo", "agent")


def require_form(form: str) -> str:
    """A form of `FORMS`.

    Raises:
        UnknownName: It is none.
    """
    if form not in FORMS:
        raise UnknownName("form", form, FORMS)
    return form


@dataclass(frozen=True)
class Adversarial:
    """``-(1 - e) log D - e log(1 - D)`` of a demonstration's row, mirrored for the agent's, and a slope.

    ``D = sigmoid(l)``; the loss of a pair is the mean of both. At the optimum ``l = log(rho_E / rho_pi)``,
    cut by the smoothing e at ``log(1/e - 1)`` (2.2 for .1), so that no logit runs away where the two are
    told apart for certain. The slope is held near 1 on points between the two rows:
    ``penalty (|grad l| - 1)^2``, in normalised inputs.

    With the columns ``demo_log_pi`` and ``agent_log_pi`` it is AIRL: ``l = f - log pi(a|s)``, so that the
    network f settles at ``log pi_E`` up to a state's constant, and stays a reward when the policy is done.

    Args:
        smoothing: e, in [0, .5).
        penalty: Weight of the slope's term, at least 0.

    Source: Ho and Ermon, GAIL, 2016, arXiv:1606.03476, eq. 15 without its entropy term, which is the
        learner's; one-sided names of the labels as in Fu et al., AIRL, 2017, arXiv:1710.11248; penalty:
        Kostrikov et al., DAC, 2018, arXiv:1809.02925. Deviation: labels are smoothed on both sides.
    """

    smoothing: float = 0.1
    penalty: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 0.5 or self.penalty < 0:
            raise ConfigError(
                "adversarial: smoothing must lie in [0, .5) and penalty be at least 0, got "
                f"{self.smoothing} and {self.penalty}. Use the defaults."
            )

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``demo``, ``agent`` and ``mix``, the place between them."""
        wrong = self.smoothing
        shown, own = (logits(net, table, side) for side in SIDES)
        loss = (_cross(shown, 1 - wrong) + _cross(own, wrong)) / 2
        demo, agent = (table.seen(side) for side in SIDES)
        if self.penalty and torch.is_grad_enabled():
            at = table["mix"][:, None]
            loss = loss + self.penalty * (slope(net, at * demo.x + (1 - at) * agent.x) - 1).square()
        return loss


def logits(net: Any, table: Table, side: str) -> Tensor:
    """``(M, n)`` of one side: the network's number, less ``log pi(a|s)`` where the table has it.

    >>> pairs = Table(Encoded(torch.ones(1, 1)), {
    ...     "agent": torch.zeros(1).long(), "agent_log_pi": torch.tensor([0.25]).log()})
    >>> round(float(torch.sigmoid(logits(lambda rows: rows.x.T, pairs, "agent"))), 6)  # f 1, pi .25
    0.915776
    """
    found: Tensor = net(table.seen(side))
    log_pi = table.items.get(f"{side}_log_pi")
    return found if log_pi is None else found - log_pi


def slope(net: Any, x: Tensor) -> Tensor:
    """``|grad l|`` of each member at prepared rows, ``(M, n)``; it can be differentiated again."""
    x = x.detach().requires_grad_()
    found = [
        torch.autograd.grad(logit.sum(), x, create_graph=True)[0].norm(dim=1)
        for logit in net(Encoded(x))
    ]
    return torch.stack(found)


@torch.no_grad()
def limit_norms(net: Any, most: float) -> None:
    """Scale every layer down to a spectral norm of ``most`` at most, so that no slope exceeds their product.

    Source: Miyato et al., "Spectral normalization", 2018, arXiv:1802.05957. Deviation: exact norms, after an
        epoch and only above the bound; there every layer has norm 1 at every step, by power iteration.
    """
    for weight in net.weights:
        norm = torch.linalg.matrix_norm(weight, ord=2)[:, None, None]
        weight.mul_((most / norm).clamp(max=1.0))


def _cross(logit: Tensor, label: float) -> Tensor:
    wanted = torch.full_like(logit, label)
    return functional.binary_cross_entropy_with_logits(logit, wanted, reduction="none")


def contrast_table(
    demos: Encoded,
    agent: Encoded,
    count: int,
    draws: torch.Generator,
    weight: Tensor | None = None,
    log_pi: tuple[Tensor, Tensor] | None = None,
) -> Table:
    """Pairs of a demonstration's row and an agent's, both drawn with replacement.

    Args:
        demos: Prepared rows of demonstrations.
        agent: Prepared rows of the agent.
        count: Pairs.
        draws: Of the rows, and of the places between them.
        weight: ``(n,)`` how often each row of a demonstration is drawn, in proportion; None: alike.
        log_pi: Of each row's action under the agent's policy, on either side; AIRL's.
    """
    even = torch.ones(len(demos)) if weight is None else weight
    columns = {
        "demo": torch.multinomial(even, count, replacement=True, generator=draws),
        "agent": torch.randint(len(agent), (count,), generator=draws) + len(demos),
        "mix": torch.rand(count, generator=draws).to(demos.x.dtype),
        "weight": torch.ones(count, dtype=demos.x.dtype),
    }
    for i, side in enumerate(SIDES if log_pi is not None else ()):
        assert log_pi is not None
        columns[f"{side}_log_pi"] = log_pi[i][columns[side] - i * len(demos)]
    return Table(Encoded(torch.cat([demos.x, agent.x])), columns)


def above_the_end(demos: float, agent: float, smoothing: float) -> float:
    """What to add to every step's logit, so that it is paid relative to being over: DAC in closed form.

    DAC lets an ended episode go on in an absorbing state up to the horizon, in demonstrations and for the
    agent, and learns that state's logit ``l_end`` like any other. The state is a single one, so the
    optimum is known, for the shares p of the horizon that are spent in it:
    ``l_end = log ((1 - e) p_E + e p_pi) / (e p_E + (1 - e) p_pi)``, and all other logits rise by the same
    formula of the shares 1 - p. And a constant paid at every step of the horizon changes no policy: take
    ``l_end``, and what is over pays 0, as a learner takes for granted.

    Args:
        demos: p_E, in [0, 1].
        agent: p_pi, in [0, 1]; not both 0.
        smoothing: e.

    >>> round(above_the_end(0.0, 0.5, 0.1), 3)
    2.744
    """

    def logit(expert: float, other: float) -> float:
        wrong = smoothing
        return math.log(
            ((1 - wrong) * expert + wrong * other) / (wrong * expert + (1 - wrong) * other)
        )

    return logit(1 - demos, 1 - agent) - logit(demos, agent)


@torch.no_grad()
def contrast_measures(net: Any, table: Table) -> dict[str, float]:
    """``accuracy`` of ``l > 0``, and the ``gap`` of mean logits between demonstrations and agent."""
    demo, agent = (logits(net, table, side) for side in SIDES)
    right = ((demo > 0).double().mean() + (agent <= 0).double().mean()) / 2
    return {"accuracy": float(right), "gap": float(demo.mean() - agent.mean())}
