"""T-REG: preferences between clips, with hints which of their steps earned it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import BoolArray, FloatArray
from rewardwrap.data import Preferences
from rewardwrap.data.ragged import IntArray
from rewardwrap.nets.implicit import ImplicitReward
from rewardwrap.nets.network import RewardNet, build
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.contract import objective
from rewardwrap.nets.paid import Encoded, NetError
from rewardwrap.nets.tables import Table, pairs_table, steps_of
from rewardwrap.nets.trainer import fit


@objective("treg", labels="pairs")
@dataclass(frozen=True)
class TReg:
    """``L_pref + alpha * w * (Reg(a) + Reg(b))``, ``Reg = -(1 / L) sum_t h_t r_t``.

    ``h`` in [-1/2, 1/2] says how good a step was next to the others of its clip: from two contrasting
    policies, one of the preferred clips and one of the others, which it fits itself (`contrast`), or from
    a rule or marks of a judge in ``column``. ``w = sigmoid(R_loser - R_winner)``, taken as a constant,
    fades the hints out as a pair is told apart. Its network is bounded, by 1 where nobody says.

    Args:
        alpha: Weight, 0.1 to 0.5; 0 is the preference loss alone.
        base: The preference loss.
        mean: Whether Reg is divided by L.
        column: Of ``info``, with given hints; None makes them.
        folds: Parts of the pairs; a pair's hints come of policies that saw the other parts alone.
        seed: Of the parts and the policies.

    Source: Zhou et al., T-REG: preference optimization with token-level reward regularization, 2024,
        arXiv:2412.02685. Deviations: rewards of a network take the place of ``beta log pi``; they
        must be bounded, since a linear hint on an unbounded reward has no minimum. The two policies are
        fitted to either side of the pairs, where the paper prompts one language model in two ways.
    """

    alpha: float = 0.25
    base: BradleyTerry = field(default_factory=BradleyTerry)
    mean: bool = True
    column: str | None = None
    folds: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ConfigError(
                f"T-REG: folds must be at least 2, got {self.folds}. Use the default."
            )

    def network(
        self, store: Any, reads: Sequence[str], *, bound: float | None = None, **options: Any
    ) -> RewardNet:
        """A bounded network."""
        return build(store, reads, bound=bound or 1.0, **options)

    def table(self, net: Any, preferences: Preferences) -> Table:
        """Pairs with column ``hint (n, 2, L)``; NaN in a given column is no hint, 0.

        Raises:
            NetError: No such column, numbers outside [-1/2, 1/2], or observations that no policy of
                its own can see.
        """
        answered = preferences.without_skipped()
        table = pairs_table(net, answered)
        if self.column is None:
            made = contrast(answered, folds=self.folds, seed=self.seed)
            return table.having(hint=torch.as_tensor(made).to(net.expects))
        logged = answered.store.info.get(self.column)
        if logged is None or (np.abs(np.nan_to_num(logged)) > 0.5).any():
            got = sorted(answered.store.info) if logged is None else np.nanmax(np.abs(logged))
            raise NetError(
                f'T-REG: info["{self.column}"] must hold hints in [-1/2, 1/2], got {got}. '
                "Log one for each step, or leave the column out."
            )
        hint = np.zeros(tuple(table["steps"].shape))
        for side, clips in enumerate((answered.a, answered.b)):
            hint[:, side, : clips.longest] = np.nan_to_num(logged)[clips.rows] * clips.mask
        return table.having(hint=torch.as_tensor(hint).to(net.expects))

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``steps``, ``preferred`` and ``hint (n, 2, L)``."""
        if getattr(net, "bound", 1.0) is None:
            raise ConfigError(
                "T-REG: network must be bounded, got bound None. Build it with bound=1.0."
            )
        paid = steps_of(net, table)
        inside = table.items.get("coefficient")
        weighted = paid if inside is None else paid * inside
        returns = weighted.sum(-1)
        loss = self.base.of_returns(returns[..., 0], returns[..., 1], table["preferred"])
        if not self.alpha:
            return loss
        hints = table["hint"] if inside is None else table["hint"] * (inside > 0)
        return loss + self.alpha * self.of_steps(paid, hints, returns, table["preferred"])

    def of_steps(self, paid: Tensor, hint: Tensor, returns: Tensor, preferred: Tensor) -> Tensor:
        """``w * (Reg(a) + Reg(b))`` of ``(..., n, 2, L)`` rewards."""
        gap = returns[..., 1] - returns[..., 0]
        better = torch.sign(preferred - 0.5)
        weight = torch.sigmoid(-better * gap).detach()
        length = paid.shape[-1] if self.mean else 1
        return -weight * (hint * paid).sum((-1, -2)) / length


def hints(log_ratio: Tensor) -> Tensor:
    """``sigmoid(log pi_good(a|s) / pi_bad(a|s)) - 1/2``, antisymmetric in the two policies."""
    return torch.sigmoid(log_ratio) - 0.5


@dataclass(frozen=True)
class Imitated:
    """``-log pi(a|s)``: behaviour cloning of the rows a table points at."""

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``row``."""
        loss: Tensor = -net.log_prob(table.seen("row"))
        return loss


def contrast(
    answered: Preferences, *, folds: int = 2, seed: int = 0, epochs: int = 60, lr: float = 3e-3
) -> FloatArray:
    """Hints from two policies, one cloned of the preferred clips and one of the rejected.

    A pair's hints come of policies fitted to the other parts of the pairs, and a policy stops where it
    foresees the actions of the part it is not fitted to no better: labels that say nothing give hints
    close to 0.

    Args:
        answered: Pairs; ties teach neither policy.
        folds: Parts.
        seed: Of the parts and the policies.
        epochs: Of each policy, at most.
        lr: Learning rate.

    Returns:
        ``(n, 2, L)``, 0 on padding.

    Raises:
        NetError: Observations that are images, or actions of several parts.
    """
    sides = (answered.a, answered.b)
    found = np.zeros((len(answered), 2, max(clips.longest for clips in sides)))
    part = np.random.default_rng(seed).permutation(len(answered)) % folds
    start = ImplicitReward.of(answered.store, hidden=(32,), seed=seed)
    seen = start.encode(answered.store.transitions())
    start.normalise(seen)
    rows = start.prepare(seen)
    for here in (part == fold for fold in range(folds)):
        good, bad = (
            _cloned(start, rows, *(_rows_of(answered, among, better) for among in (~here, here)),
                    epochs=epochs, lr=lr, seed=seed)
            for better in (True, False)
        )  # fmt: skip
        each = hints(good - bad).double().numpy()
        for side, clips in enumerate(sides):
            found[here, side, : clips.longest] = (each[clips.rows] * clips.mask)[here]
    return found


def _cloned(
    start: ImplicitReward, rows: Encoded, shown: IntArray, unseen: IntArray, **settings: Any
) -> Tensor:
    """``log pi(a|s)`` of every row by a policy cloned of the rows that are shown."""
    policy = copy.deepcopy(start)
    tables = [
        Table(rows, {"row": torch.as_tensor(places), "weight": torch.ones(len(places)).to(rows.x)})
        for places in (shown, unseen)
    ]
    if len(shown) and len(unseen):
        fit(policy, Imitated(), *tables, patience=3, batch=256, weight_decay=0.1, **settings)
    with torch.no_grad():
        return policy.log_prob(rows)[0]


def _rows_of(answered: Preferences, among: BoolArray, better: bool) -> IntArray:
    """Rows of the better, or of the worse, clip of some pairs."""
    shown = []
    for clips, won in (
        (answered.a, answered.preferred < 0.5),
        (answered.b, answered.preferred > 0.5),
    ):
        lost = (answered.preferred != 0.5) & ~won
        chosen = among & (won if better else lost)
        shown.append(clips.rows[chosen][clips.mask[chosen]])
    return np.concatenate(shown)
