"""Self-evolved rewards: a model labels what it is sure of, and learns from that, under guard."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rewardwrap.annotate.teachers import random_pairs
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import Fragments, Preferences
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.contract import objective
from rewardwrap.nets.tables import Table, clips_table, returns_of
from rewardwrap.nets.trainer import Fit, fit
from rewardwrap.statistics.calibration import temperature

Ask = Callable[[FloatArray], FloatArray]
"""Places of pairs -> P(b better) as a person or teacher says."""
Retrain = Callable[[nn.Module, Table], None]
APART, NEAR = "apart", "near"
LEAST_GUARD, LEAST_AUDIT = 10, 10
POOL = 512
"""Other clips that a clip is set beside."""


@dataclass(frozen=True)
class Round:
    """One round of self-labelling.

    Args:
        status: ``"apart"``, pairs of a good and a bad clip; ``"near"``, all that are sure.
        kept: Share of the unlabelled pairs that were kept.
        precision: Share of the re-asked ones whose self-label was right.
        audited: How many were re-asked.
        accuracy: On the human pairs that were kept aside, after retraining.
        rolled_back: Whether the weights of the round before were put back.
    """

    status: str
    kept: float
    precision: float
    audited: int
    accuracy: float
    rolled_back: bool


@objective("ser", labels="pairs")
@dataclass(frozen=True)
class SelfEvolved:
    """Label, filter, audit, retrain, check; put the old weights back where held-out accuracy falls.

    A share ``guard`` of the human answers waits until the end: it gives the temperature T of
    ``P = sigmoid((R_b - R_a) / T)`` and judges every round. A pair is labelled where ``max(P, 1 - P)`` is
    at least ``sure``; at first only where one of its clips is good and the other bad beside all clips
    (chance to beat another above ``high`` and below ``low``), and once that brings less than ``least`` new
    pairs, wherever it is sure. A share ``audit`` of what was labelled is asked again of whoever answers
    (of the guarded answers, where nobody can be asked); right less often than ``precision``, the loop ends.
    Human labels are never overwritten, and the last fit, from the first weights, is of all of them and of
    the self-labels that stood.

    An untrained network keeps nothing: T grows until its differences say as little as they know. With
    a model that is as good as its labels allow this gains nothing; the guard is what can be relied on.

    Args:
        sure: Calibrated chance from which a label is believed, in (1/2, 1].
        high: Of a good clip.
        low: Of a bad clip.
        rounds: At most so many.
        least: Stop where a smaller share of new pairs is kept.
        unlabelled: Pairs drawn for each one that was answered.
        guard: Share of the answers, in (0, 1).
        audit: Share of the kept pairs that is asked again.
        precision: What the audit must find.
        weight: Of a self-labelled pair beside a human one.
        tolerance: How far accuracy may fall before the round is taken back.
        base: The preference loss.

    Source: Huang et al., Self-evolved reward learning for LLMs, 2024, arXiv:2411.00418. Deviations: the
        thresholds are calibrated chances (there raw scores); audit and rollback are ours.
    """

    sure: float = 0.9
    high: float = 0.55
    low: float = 0.45
    rounds: int = 3
    least: float = 0.05
    unlabelled: int = 5
    guard: float = 0.3
    audit: float = 0.05
    precision: float = 0.9
    weight: float = 0.5
    tolerance: float = 0.0
    base: BradleyTerry = field(default_factory=BradleyTerry)

    def __post_init__(self) -> None:
        if not (0.5 < self.sure <= 1 and 0 <= self.low <= self.high <= 1 and self.rounds >= 1):
            raise ConfigError(
                "SelfEvolved: thresholds must be 0 <= low <= high <= 1, sure in (1/2, 1] and rounds at "
                f"least 1, got {self.low}, {self.high}, {self.sure}, {self.rounds}. Use the defaults."
            )
        if not (0 < self.guard < 1 and 0 <= self.audit <= 1 and self.unlabelled >= 1):
            raise ConfigError(
                "SelfEvolved: guard must lie in (0, 1), audit in [0, 1] and unlabelled be at least 1, got "
                f"{self.guard}, {self.audit}, {self.unlabelled}. Use the defaults."
            )

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``, those of the preference loss."""
        return self.base.losses(net, table)

    def train(
        self,
        net: Any,
        answered: Preferences,
        *,
        ask: Callable[[Fragments, Fragments], FloatArray] | None,
        seed: int,
        **settings: Any,
    ) -> tuple[Fit, Mapping[str, Any]]:
        """Fit human answers, then rounds of the network's own; returns the last fit and what came of it.

        Args:
            net: A network that knows its inputs' normalisation.
            answered: Human answers.
            ask: Who answers again, for the audit; None audits by the guarded answers.
            seed: Of draws and fits.
            settings: Of `trainer.fit`.
        """
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(answered))
        kept_aside = max(LEAST_GUARD, round(self.guard * len(answered)))
        if kept_aside >= len(answered):
            raise ConfigError(
                f"SelfEvolved: answers must be more than {LEAST_GUARD}, got {len(answered)}. Ask more."
            )
        known = answered.select(order)
        drawn = self._drawn(known, rng)
        clips = [
            _joined(getattr(known, side), other) for side, other in zip("ab", drawn, strict=True)
        ]
        table = clips_table(net, answered.store, clips)
        label = torch.full((len(table),), 0.5).to(net.expects)
        label[: len(known)] = torch.as_tensor(known.preferred).to(net.expects)
        weight = table["weight"].clone()
        weight[: len(known)] = torch.as_tensor(known.weight).to(net.expects)
        whole = table.having(preferred=label, weight=weight)
        rows = torch.arange(len(whole))
        guard, human, unlabelled = (
            whole.take(part) for part in torch.tensor_split(rows, [kept_aside, len(known)])
        )
        first = copy.deepcopy(net.state_dict())
        fit(net, self.base, human, seed=seed, **settings)
        steps = settings["epochs"] * len(human)

        def retrain(model: nn.Module, own: Table) -> None:
            both = _stacked(human, own)
            again = {**settings, "epochs": max(1, steps // len(both))}
            fit(model, self.base, both, seed=seed, **again)

        def asked(places: FloatArray) -> FloatArray:
            assert ask is not None
            return ask(*(side.select(places) for side in drawn))

        rounds, own = self.run(net, unlabelled, guard, retrain, asked if ask else None, seed=seed)
        record = {
            "rounds": [asdict(each) for each in rounds],
            "temperature": temperature_of(net, guard),
            "guarded": kept_aside,
        }
        # its work is done: what the guard was kept from is fitted in the end
        everything = _stacked(guard, human)
        net.load_state_dict(first)
        final = everything if own is None else _stacked(everything, own)
        return fit(net, self.base, final, seed=seed, **settings), record

    def run(
        self,
        net: nn.Module,
        unlabelled: Table,
        guard: Table,
        retrain: Retrain,
        ask: Ask | None = None,
        *,
        seed: int = 0,
    ) -> tuple[list[Round], Table | None]:
        """Self-label and retrain until nothing more is kept or a round had to be taken back.

        Returns the rounds, and the self-labelled pairs of the last one that stood.

        Args:
            net: Trained on human labels already.
            unlabelled: Pairs without an answer.
            guard: Human-labelled pairs that were not fitted: they calibrate, and judge every round.
            retrain: Called with the network and the self-labelled pairs; it adds the human ones.
            ask: Asks again about unlabelled pairs, by their places.
            seed: Of the choice what is asked again.
        """
        rng, done, status, last = np.random.default_rng(seed), list[Round](), APART, None
        accuracy, known = accuracy_of(net, guard), torch.zeros(len(unlabelled), dtype=torch.bool)
        while len(done) < self.rounds:
            heat = temperature_of(net, guard)
            kept, label = self.label(net, unlabelled, heat, status)
            new = float((kept & ~known).double().mean())
            if new < self.least:
                if status == NEAR:
                    break
                status = NEAR
                continue
            places = torch.nonzero(kept)[:, 0]
            share = float(kept.double().mean())
            if ask is None:
                precision, audited = self._by_guard(net, guard, heat, status)
            else:
                label, precision, audited = self._audit(places, label, ask, rng)
            if precision < self.precision:
                done.append(Round(status, share, precision, audited, accuracy, True))
                break
            before, known = copy.deepcopy(net.state_dict()), known | kept
            own = unlabelled.take(places).having(preferred=label[places])
            own = own.having(weight=self.weight * own["weight"])
            retrain(net, own)
            now = accuracy_of(net, guard)
            worse = now < accuracy - self.tolerance
            done.append(Round(status, share, precision, audited, now, worse))
            if worse:
                net.load_state_dict(before)
                break
            accuracy, last = now, own
        return done, last

    @torch.no_grad()
    def label(self, net: Any, table: Table, heat: float, status: str) -> tuple[Tensor, Tensor]:
        """Which pairs are kept, ``(n,)`` bool, and what they are called, ``(n,)`` of 0 and 1."""
        returns = returns_of(net, table).mean(0)
        chance = torch.sigmoid((returns[:, 1] - returns[:, 0]) / heat)
        kept = torch.maximum(chance, 1 - chance) >= self.sure
        if status == APART:
            others = returns.reshape(-1)[:: max(1, returns.numel() // POOL)]
            beats = torch.sigmoid((returns[..., None] - others) / heat).mean(-1)
            kept &= (beats.amax(1) > self.high) & (beats.amin(1) < self.low)
        return kept, (chance > 0.5).to(table["weight"].dtype)

    def _by_guard(self, net: Any, guard: Table, heat: float, status: str) -> tuple[float, int]:
        """The precision among guarded answers that the filter would have kept, and how many these are."""
        kept, said = self.label(net, guard, heat, status)
        return _agreement(said[kept], guard["preferred"][kept]), int(kept.sum())

    def _audit(
        self, places: Tensor, label: Tensor, ask: Ask, rng: np.random.Generator
    ) -> tuple[Tensor, float, int]:
        """Labels with what the audit heard, the precision it found, and how many were answered."""
        count = min(len(places), max(LEAST_AUDIT, math.ceil(self.audit * len(places))))
        again = np.sort(rng.choice(places.numpy(), count, replace=False))
        heard = torch.as_tensor(ask(again)).to(label.dtype)
        answered = ~torch.isnan(heard)
        where, true = torch.as_tensor(again)[answered], heard[answered]
        precision = _agreement(label[where], true)
        label = label.clone()
        label[where] = true
        return label, precision, int(answered.sum())

    def _drawn(self, known: Preferences, rng: np.random.Generator) -> tuple[Fragments, Fragments]:
        """Unlabelled pairs of the answered episodes' clips."""
        used = np.unique(np.concatenate([known.a.episode, known.b.episode]))
        draw = random_pairs(known.store.select(used), int(known.a.longest))
        a, b = draw(self.unlabelled * len(known), rng)
        return tuple(Fragments(known.store, used[c.episode], c.start, c.length) for c in (a, b))  # type: ignore[return-value]


def temperature_of(net: Any, guard: Table) -> float:
    """T of the answers that were not fitted."""
    with torch.no_grad():
        paid = returns_of(net, guard).mean(0)
    gap = (paid[:, 1] - paid[:, 0]).double().numpy()
    return temperature(gap, guard["preferred"].double().numpy())


@torch.no_grad()
def accuracy_of(net: Any, table: Table) -> float:
    """Share of pairs in the labelled order; a tie of the network counts 1/2."""
    paid = returns_of(net, table).mean(0)
    gap, label = paid[:, 1] - paid[:, 0], table["preferred"]
    half = torch.full_like(gap, 0.5)
    return float(torch.where(gap > 0, label, torch.where(gap < 0, 1 - label, half)).mean())


def _agreement(said: Tensor, true: Tensor) -> float:
    """Share of labels that answers agree with; nothing heard is nothing right."""
    return float((1 - (said - true).abs()).mean()) if len(true) else 0.0


def _joined(one: Fragments, other: Fragments) -> Fragments:
    columns = (
        np.concatenate([getattr(c, n) for c in (one, other)])
        for n in ("episode", "start", "length")
    )
    return Fragments(one.store, *columns)


def _stacked(one: Table, other: Table) -> Table:
    """Items of two tables over the same rows."""
    return Table(one.rows, {n: torch.cat([column, other[n]]) for n, column in one.items.items()})
