"""From logged rewards to a validated network: what ``rewardwrap fit regression`` and ``returns`` run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rewardwrap.data import EpisodeStore
from rewardwrap.data.successors import unknown_rows
from rewardwrap.nets.fitted import (
    HELD_OUT,
    Fitted,
    data_of,
    require_finite,
    settings_of,
    watched_apart,
)
from rewardwrap.nets.measures import regression_measures
from rewardwrap.nets.network import RewardNet, build
from rewardwrap.nets.objectives.regression import Regression, Scaling, regression_table
from rewardwrap.nets.reference import reference_of, stream_of
from rewardwrap.nets.returns import returns_to_go
from rewardwrap.nets.tables import Table
from rewardwrap.nets.trainer import Progress, fit


def fit_regression(
    store: EpisodeStore,
    *,
    reads: Sequence[str] = ("obs", "action"),
    seed: int = 0,
    heldout: float = HELD_OUT,
    gamma: float | None = None,
    objective: Regression | None = None,
    epochs: int = 100,
    patience: int = 10,
    batch: int = 256,
    lr: float = 2e-3,
    progress: Progress | None = None,
    **options: Any,
) -> Fitted:
    """Fit logged rewards, missing ones left out; or with ``gamma``, the return that follows.

    Held-out figures are of whole episodes. Early stopping looks at other episodes, taken from the
    training side, so the held-out ones are met only once, at the end.

    Args:
        store: Episodes; NaN is a missing reward.
        reads: Inputs of the network.
        seed: Of split, first weights and order.
        heldout: Share of the episodes, in (0, 1).
        gamma: Discount of the return to predict; None predicts the reward itself.
        objective: Loss; squared error by default.
        epochs: At most so many.
        patience: Epochs without a better loss.
        batch: Rows at a time.
        lr: Learning rate.
        progress: Called after every epoch.
        options: Of `RewardNet`.

    Raises:
        DataError: Fewer than two episodes, or inputs that are not finite.
        NetError: No reward is there, or none beside a successor that is read.
    """
    require_finite(store, reads)
    train, held = store.split(heldout, seed=seed)
    fitted, watched = watched_apart(train, seed)
    goals = [_goal(each, gamma, reads) for each in (fitted, watched, held)]
    net = build(store, reads, known=fitted, seed=seed, **options)
    batch_of = fitted.transitions()
    net.normalise(net.encode(batch_of))
    scaling = Scaling.of(goals[0])
    table = regression_table(net, batch_of, goals[0], scaling)
    val = _table_or_none(net, watched, goals[1], scaling) if watched is not fitted else None
    done = fit(
        net,
        objective or Regression(),
        table,
        val,
        epochs=epochs if val is not None else min(epochs, 30),
        patience=patience,
        batch=batch,
        lr=lr,
        seed=seed,
        progress=progress,
    )
    scaling.put(net)
    frozen = net.freeze()
    paid = {"train": frozen(batch_of), "heldout": frozen(held.transitions())}
    metrics = {
        side: regression_measures(each, goal, paid[side])
        for side, each, goal in (("train", fitted, goals[0]), ("heldout", held, goals[2]))
    }
    if gamma is not None:
        # the sum of returns to go is no quantity
        metrics = {
            side: {k: v for k, v in own.items() if k != "return_mae"}
            for side, own in metrics.items()
        }
    metrics["null"] = regression_measures(held, goals[2], np.full(held.steps, scaling.mean))
    name = "regression" if gamma is None else "returns"
    return Fitted(
        net,
        name,
        {
            **metrics,
            **_episodes(train, held, watched if watched is not fitted else None),
            "constant": scaling.mean,
            "missing": int(np.isnan(store.reward).sum()),
            "unknown_successors": int(unknown_rows(reads, store.transitions()).sum()),
            "reference": reference_of(fitted, net, paid["train"]),
            **({"stream": _stream(store, held, net)} if gamma is None else {}),
            "history": done.history,
        },
        done,
        data=data_of(store),
        settings=settings_of(net, seed, reads=list(reads), gamma=gamma, heldout=heldout),
    )


def _stream(store: EpisodeStore, held: EpisodeStore, net: RewardNet) -> dict[str, Any]:
    known = set(held.ids.tolist())
    others = store.select(np.array([name not in known for name in store.ids.tolist()]))
    return stream_of(held, net, others=others)


def _goal(store: EpisodeStore, gamma: float | None, reads: Sequence[str]) -> Any:
    """``(N,)``, missing where the reward is, or where an unknown successor is read."""
    goal = store.reward if gamma is None else returns_to_go(store, gamma)
    return np.where(unknown_rows(reads, store.transitions()), np.nan, goal)


def _table_or_none(
    net: RewardNet, store: EpisodeStore, goal: Any, scaling: Scaling
) -> Table | None:
    if np.isnan(goal).all():
        return None
    return regression_table(net, store.transitions(), goal, scaling)


def _episodes(
    train: EpisodeStore, held: EpisodeStore, watched: EpisodeStore | None
) -> dict[str, Any]:
    listed = {"train": [str(i) for i in train.ids], "heldout": [str(i) for i in held.ids]}
    if watched is not None:
        listed["stopped_by"] = [str(i) for i in watched.ids]
    return {"episodes": listed}
