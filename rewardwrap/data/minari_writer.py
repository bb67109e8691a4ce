"""Episodes as a Minari dataset, so that other programs can learn from them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.core import tree
from rewardwrap.core.errors import extra
from rewardwrap.data.errors import DataError
from rewardwrap.data.readers.minari import root

if TYPE_CHECKING:
    from rewardwrap.data.episodes import EpisodeStore


def write(store: EpisodeStore, name: str) -> Path:
    """Write a dataset where Minari keeps them; `rewardwrap ingest NAME` reads it back.

    Args:
        store: Episodes with spaces; Minari keeps no episode without them.
        name: As Minari has it, ``group/name-v0``.

    Raises:
        DataError: The store knows no spaces, the name is taken, or it is no name of a dataset.
    """
    minari: Any = extra("minari", needs="Minari datasets", install="data")
    require_free(name)
    if store.observation_space is None or store.action_space is None:
        raise DataError(
            "Minari dataset must know its spaces, got a store without. Ingest with --env."
        )
    buffer = minari.data_collector.EpisodeBuffer
    episodes = [
        buffer(
            id=i,
            observations=each.obs,
            actions=each.action,
            rewards=list(each.reward),
            terminations=list(each.terminated),
            truncations=list(each.truncated),
            infos={key: tree.copy(column) for key, column in each.info.items()} or None,
        )
        for i, each in enumerate(store)
    ]
    with warnings.catch_warnings():
        # no env is named: a store does not know its environment, only the spaces
        warnings.simplefilter("ignore", UserWarning)
        minari.create_dataset_from_buffers(
            name, episodes, observation_space=store.observation_space,
            action_space=store.action_space, algorithm_name=str(store.source[0]),
            author="rewardwrap", author_email="", code_permalink="", description="rewardwrap record",
        )  # fmt: skip
    return root() / name


def require_free(name: str) -> None:
    """Refuse a name before anything is played for it.

    Raises:
        DataError: It is taken, or no name of a dataset.
    """
    ids: Any = extra("minari.dataset.minari_dataset", needs="Minari datasets", install="data")
    try:
        ids.parse_dataset_id(name)
    except ValueError as error:
        raise DataError(
            f"Minari dataset must be named like group/name-v0, got {name}. {error}"
        ) from error
    if (root() / name).exists():
        raise DataError(f"Minari dataset must have a free name, got {name}. Use the next version.")
