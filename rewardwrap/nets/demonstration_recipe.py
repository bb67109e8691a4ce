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
from rewardwrap.nets.spaces import spaces_of
from rewardwrap.rewards.density import Density
from rewardwrap.rewards.inputs import Inputs


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

    model: Density
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
    given = exemplars(demos, least=1)
    store = given.store
    if given.weight is not None:
        store = store.select(np.flatnonzero(given.weight > 0))
    require_finite(store, reads)
    inputs = Inputs.of(spaces_of(store), reads)
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
