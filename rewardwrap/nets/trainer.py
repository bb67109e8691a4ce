"""The one trainer: every objective of this package runs on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from rewardwrap.core.errors import ConfigError
from rewardwrap.nets.paid import NetError
from rewardwrap.nets.tables import DRAWN, Table

Progress = Callable[[int, dict[str, float]], None]
BLOCK = 4096


class Objective(Protocol):
    """What is minimised."""

    def losses(self, net: Any, table: Table) -> Tensor: ...  # every member on every item, (M, n)


@dataclass(frozen=True)
class Fit:
    """What a fit did.

    Args:
        history: ``train`` and ``val`` loss of every epoch (mean over members, in items' weights).
        best: The epoch whose weights were kept, from 0; without held-out items the last one.
    """

    history: list[dict[str, float]]
    best: int
    seconds: float

    @property
    def epochs(self) -> int:
        return len(self.history)


def fit(
    net: nn.Module,
    objective: Objective,
    train: Table,
    val: Table | None = None,
    *,
    epochs: int = 50,
    patience: int = 5,
    batch: int = 256,
    lr: float = 1e-3,
    weight_decay: float = 0.0,
    seed: int = 0,
    bootstrap: bool = True,
    progress: Progress | None = None,
    until: Callable[[], bool] | None = None,
) -> Fit:
    """Minimise the weighted mean loss with Adam; keep the weights that did best on ``val``.

    The members of an ensemble see the same minibatches. Where ``bootstrap``, each weighs every item
    by how often a resample of its own drew it, which is a bootstrap in expectation and leaves every
    layer a single batched product. What a network ``costs`` itself is added while it is fitted, not
    where it is judged.

    Args:
        net: The network; its ``members`` are trained side by side.
        objective: Losses of items.
        train: Items to fit; those of weight 0 change nothing.
        val: Items to stop by, after ``patience`` epochs without a better loss.
        epochs: At most so many, of minibatches of ``batch`` items.
        lr: Of Adam, with decoupled ``weight_decay``.
        seed: Of the order and of the resamples.
        bootstrap: Whether members of an ensemble resample.
        progress: Called after every epoch with its number and losses.
        until: Asked after every epoch whether that is enough.

    Raises:
        NetError: No items, or a loss that is not finite.
    """
    if not len(train):
        raise NetError("fit must have items to fit, got none. Ingest more data.")
    _require_positive(epochs=epochs, patience=patience, batch=batch)
    members, draws = int(getattr(net, "members", 1)), torch.Generator().manual_seed(seed)
    resampled = bootstrap and members > 1
    weight = _weights(train, members if resampled else 1, draws)
    parameters = [p for p in net.parameters() if p.requires_grad]
    costs = getattr(net, "costs", None)
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay, foreach=True)
    history: list[dict[str, float]] = []
    best, best_loss, kept = 0, float("inf"), None
    began = time.perf_counter()
    for epoch in range(epochs):
        total = torch.zeros(())
        for index in torch.split(torch.randperm(len(train), generator=draws), batch):
            part, shown = weight[:, index], train.take(index)
            if resampled:
                # what a member did not draw cannot change it, so it need not be computed
                shown = shown.having(**{DRAWN: (part > 0).T})
            losses = objective.losses(net, shown)
            if costs is not None:
                losses = losses + costs(shown)
            each = (losses * part).sum(1) / len(index)
            loss = each.sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total = total + loss.detach() * len(index) / (len(train) * members)
        record = {"train": float(total)}
        if val is not None:
            record["val"] = held_out_loss(net, objective, val)
        _require_finite(record, epoch)
        history.append(record)
        if progress is not None:
            progress(epoch, record)
        if val is None:
            best = epoch
        elif record["val"] < best_loss:
            best, best_loss = epoch, record["val"]
            kept = {k: v.clone() for k, v in net.state_dict().items()}
        elif epoch - best >= patience:
            break
        if until is not None and until():
            break
    if kept is not None:
        net.load_state_dict(kept)
    return Fit(history, best, time.perf_counter() - began)


@torch.no_grad()
def held_out_loss(net: nn.Module, objective: Objective, table: Table) -> float:
    """Weighted mean loss over items and members."""
    parts = [table.take(index) for index in torch.split(torch.arange(len(table)), BLOCK)]
    total = sum(float((objective.losses(net, p).mean(0) * p["weight"]).sum()) for p in parts)
    return total / float(table["weight"].sum())


def _weights(table: Table, members: int, draws: torch.Generator) -> Tensor:
    """``(M, n)`` with mean 1 for each member: an item's weight times how often it was drawn."""
    own, count = table["weight"], len(table)
    if not float(own.sum()) > 0:
        raise NetError("weights must not all be 0, got that. Weigh some item above 0.")
    if members == 1:
        return (own * (count / own.sum()))[None]
    drawn = torch.randint(count, (members, count), generator=draws)
    times = torch.zeros(members, count, dtype=own.dtype)
    times.scatter_add_(1, drawn, torch.ones_like(times))
    weighted = times * own
    # a resample of very few items may draw none that weighs anything
    weighted = torch.where(weighted.sum(1, keepdim=True) > 0, weighted, own)
    return weighted * (count / weighted.sum(1, keepdim=True))


def _require_positive(**counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise ConfigError(f"fit: {name} must be at least 1, got {value}. Use the default.")


def _require_finite(record: dict[str, float], epoch: int) -> None:
    wrong = next((name for name, value in record.items() if not abs(value) < float("inf")), None)
    if wrong is not None:
        raise NetError(
            f"{wrong} loss must be finite, got {record[wrong]} in epoch {epoch}. Lower the learning "
            "rate, or look for huge inputs with the ingest report."
        )
