"""Minari datasets, HDF5 and Arrow, from the local disk alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import extra
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.reading import Options, Reading


def root() -> Path:
    """Where Minari keeps datasets."""
    return Path(os.environ.get("MINARI_DATASETS_PATH") or Path.home() / ".minari" / "datasets")


def data_folder(source: Path) -> Path | None:
    """The ``data`` folder of a dataset, given that folder, the one above, a file in it, or an id."""
    for base in (source, source.parent, root() / source):
        for folder in (base, base / "data"):
            if (folder / "metadata.json").is_file() and _is_minari(folder):
                return folder
    return None


def _is_minari(folder: Path) -> bool:
    return '"minari_version"' in (folder / "metadata.json").read_text("utf-8", errors="replace")


def read(folder: Path, options: Options) -> Reading:
    """Read every episode of a dataset; its spaces come with it.

    Args:
        folder: What `data_folder` found.
        options: Only ``progress`` is read.

    Raises:
        DataError: The dataset is cut short, empty, or of a version that Minari does not read.
    """
    minari = extra("minari", needs="Minari datasets", install="data")
    try:
        dataset = minari.MinariDataset(folder)
        episodes = [_episode(each, dataset, options) for each in dataset.iterate_episodes()]
    except (OSError, KeyError, ValueError, TypeError, AssertionError, RuntimeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{folder} must be a whole Minari dataset, got: {error}. "
            "Copy or create it again, with a version that this Minari reads."
        ) from error
    store = EpisodeStore.from_episodes(
        episodes,
        observation_space=dataset.observation_space,
        action_space=dataset.action_space,
    )
    if store.steps != int(dataset.total_steps):  # Arrow splits batches of very long episodes
        raise DataError(
            f"{folder} must hold the {dataset.total_steps} steps it states, got {store.steps}. "
            "Copy or create it again."
        )
    return Reading(store, "episodes as the Minari dataset has them")


def _episode(episode: Any, dataset: Any, options: Options) -> dict[str, Any]:
    options.progress(int(episode.id) + 1, int(dataset.total_episodes))
    steps = len(episode.rewards)
    return {
        "obs": _plain(episode.observations),
        "action": _plain(episode.actions),
        "reward": np.asarray(episode.rewards, np.float64),
        "terminated": np.asarray(episode.terminations, bool),
        "truncated": np.asarray(episode.truncations, bool),
        "info": _numbers(episode.infos or {}, steps),
        "id": str(episode.id),
        "source": str(dataset.id),
    }


def _plain(columns: Any) -> Any:
    if isinstance(columns, dict | tuple):
        return tree.map_leaves(np.asarray, columns)
    return np.asarray(columns)


def _numbers(infos: dict[str, Any], steps: int, above: str = "") -> dict[str, Any]:
    """Columns of one number per step; with reset's in front, that one is left out."""
    found: dict[str, Any] = {}
    for key, column in infos.items():
        if isinstance(column, dict):
            found |= _numbers(column, steps, f"{above}{key}.")
            continue
        values = np.asarray(column)
        if values.ndim == 1 and values.dtype.kind in "biuf" and len(values) in (steps, steps + 1):
            found[f"{above}{key}"] = values[len(values) - steps :]
    return found
