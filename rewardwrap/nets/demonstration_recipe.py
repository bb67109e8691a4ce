"""Rewards that stand once the demonstrations do: what ``rewardwrap fit demonstrations`` runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import Transitions, take
from rewardwrap.data import Demonstrations, EpisodeStore
from rewardwrap.data.exemplars import exemplars
from rewardwrap.nets.fitted import data_of, require_finite
from rewardwrap.nets.folder import save_model
from rewardwrap.nets.spaces import inputs_of
from rewardwrap.rewards.demonstrated import Demonstrated, standardised
from rewardwrap.rewards.density import Density
from rewardwrap.rewards.hop_model import HopModel
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.matched import Matched
from rewardwrap.rewards.step_model import StepModel
from rewardwrap.scores.coupling import exact


@dataclass(frozen=True)
class Static:
    """A reward of demonstrations, and its figures.

    Args:
        model: What pays.
        method: Its name.
        metrics: What metrics.json will say.
        data: Fingerprint and size of the demonstrations.
        settings: What it was fitted with.
    """

    model: Demonstrated | StepModel | HopModel
    method: str
    metrics: dict[str, Any]
    data: dict[str, Any]
    settings: dict[str, Any]

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the model folder, for `rewardwrap.Learned`."""
        return save_model(
            self.model, folder, objective=self.method, metrics=self.metrics, data=self.data,
            settings=self.settings,
        )  # fmt: skip


def fit_density(
    demos: str | os.PathLike[str] | EpisodeStore | Demonstrations,
    *,
    reads: Sequence[str] = ("obs", "action"),
    bandwidth: float = 0.5,
    rows: int = 5000,
    seed: int = 0,
) -> Static:
    """The log density of demonstrated rows as a reward.

    Figures: the mean log density of the rows of each episode under the other episodes' density, and the
    same with every column shuffled on its own, which keeps each number likely and their company not.

    Args:
        demos: Demonstrations.
        reads: ``("obs",)``, ``("obs", "action")`` or ``("obs", "next_obs")``.
        bandwidth: In standard deviations of the demonstrations, above 0.
        rows: Rows to keep at most; a step costs as many differences.
        seed: Of the rows that are kept where there are more.

    Raises:
        DataError: No demonstrations, images, or numbers that are not finite.
        ConfigError: A bandwidth that is not above 0.
    """
    if not bandwidth > 0 or rows < 1:
        raise ConfigError(
            f"density: bandwidth must be above 0 and rows at least 1, got {bandwidth} and {rows}. Use 0.5."
        )
    store = weighed(demos)
    require_finite(store, reads)
    inputs = inputs_of(store, reads)
    draws = np.random.default_rng(seed)
    made = Density.of(inputs, _some(store, rows, draws), bandwidth=bandwidth)
    paid = made(store.transitions())
    metrics: dict[str, Any] = {
        "train": _figures(paid),
        "episodes": {"train": [str(i) for i in store.ids], "heldout": []},
    }
    if len(store) > 1:
        apart = [_apart(store, i, inputs, bandwidth, rows, draws) for i in range(len(store))]
        for name, column in zip(("heldout", "null"), zip(*apart, strict=True), strict=True):
            metrics[name] = _figures(np.concatenate(column))
    settings = {"reads": list(reads), "bandwidth": bandwidth, "rows": rows, "seed": seed}
    return Static(made, "density", metrics, data_of(store), settings)


def fit_matched(
    demos: str | os.PathLike[str] | EpisodeStore | Demonstrations,
    *,
    method: str = "pwil",
    reads: Sequence[str] = ("obs", "action"),
    rows: int = 5000,
) -> Static:
    """Demonstrations to be matched, for `rewardwrap.PWIL` and `rewardwrap.Transport`.

    Figures, where there are two demonstrations or more: the exact transport cost of each onto the nearest
    other (Euclidean, in deviations), and the same with the columns of its rows shuffled apart.

    Args:
        demos: Demonstrations.
        method: Its name in the model: ``"pwil"``, ``"ot"`` or ``"sinkhorn"``.
        reads: As of `fit_density`.
        rows: Rows to keep at most, evenly from all episodes; a step costs as many distances.

    Raises:
        DataError: No demonstrations, images, or numbers that are not finite.
        ConfigError: No rows.
    """
    if rows < 1:
        raise ConfigError(f"{method}: rows must be at least 1, got {rows}. Use 1000.")
    store = weighed(demos)
    require_finite(store, reads)
    inputs = inputs_of(store, reads)
    batch = store.transitions()
    every = max(1, -(-batch.lanes // rows))
    kept = [np.arange(0, n, every) for n in store.lengths]
    places = np.concatenate([f + k for f, k in zip(store.first_step, kept, strict=True)])
    arrays = standardised(inputs, batch)
    arrays |= {"rows": arrays["rows"][places], "lengths": np.array([len(k) for k in kept])}
    made = Matched(inputs, {"horizon": int(store.lengths.max())}, arrays)
    metrics: dict[str, Any] = {"episodes": {"train": [str(i) for i in store.ids], "heldout": []}}
    if len(store) > 1:
        draws, each = np.random.default_rng(0), made.episodes()
        own = [_cheapest(x, [y for y in each if y is not x]) for x in each]
        apart = [draws.permuted(x, axis=0) for x in each]
        null = [
            _cheapest(x, [y for y in each if y is not e]) for x, e in zip(apart, each, strict=True)
        ]
        metrics |= {"heldout": _figures(np.array(own)), "null": _figures(np.array(null))}
    settings = {"reads": list(reads), "rows": rows}
    return Static(made, method, metrics, data_of(store), settings)


def _cheapest(own: Any, others: Sequence[Any], most: int = 100) -> float:
    """Transport cost onto the nearest other, of at most so many rows of each."""
    thin = [x[:: -(-len(x) // most)] for x in (own, *others)]
    costs = (np.linalg.norm(thin[0][:, None] - y[None], axis=2) for y in thin[1:])
    return min(float((exact(cost) * cost).sum()) for cost in costs)


def weighed(
    demos: str | os.PathLike[str] | EpisodeStore | Demonstrations, *, images: bool = False
) -> EpisodeStore:
    """The episodes that count for anything."""
    given = exemplars(demos, least=1, images=images)
    if given.weight is None:
        return given.store
    return given.store.select(np.flatnonzero(given.weight > 0))


def _apart(
    store: EpisodeStore, i: int, inputs: Inputs, bandwidth: float, rows: int, draws: Any
) -> tuple[Any, Any]:
    """What an episode is paid by the density of the others, and what its shuffled columns are."""
    others = np.flatnonzero(np.arange(len(store)) != i)
    density = Density.of(inputs, _some(store.select(others), rows, draws), bandwidth=bandwidth)
    own = density.encode(store.select([i]).transitions())
    return density.log(own), density.log(draws.permuted(own, axis=0))


def _some(store: EpisodeStore, rows: int, draws: Any) -> Transitions:
    batch = store.transitions()
    if batch.lanes <= rows:
        return batch
    return take(batch, np.sort(draws.choice(batch.lanes, rows, replace=False)))


def _figures(paid: Any) -> dict[str, float]:
    return {"mean": float(paid.mean()), "least": float(paid.min()), "most": float(paid.max())}
