"""Demonstrations that a reward is to be learned from: read, and looked at before they are believed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import warn
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.labels import Demonstrations

Demos: TypeAlias = (
    str | os.PathLike[str] | EpisodeStore | Demonstrations | Sequence[Episode | Mapping[str, Any]]
)
LEAST = 10
"""Steps below which nothing is learned from demonstrations."""
FAR, SHARE = 6.0, 0.1
"""A failed episode's return is below the median by so many deviations, and by this share of it."""
SUCCESS = "is_success"


def exemplars(
    demos: Demos,
    *,
    least: int = LEAST,
    images: bool = False,
) -> Demonstrations:
    """Demonstrations from a folder, a store, a list of episodes, or as they are.

    What is probably a mistake is warned of: failed episodes among good ones, and time limits that were
    written down as ends.

    Args:
        demos: Where they are.
        least: Steps below which they are refused.
        images: Whether observations may be images.

    Raises:
        DataError: None, too few steps, or images.
    """
    if isinstance(demos, str | os.PathLike):
        demos = EpisodeStore.load(demos)
    if isinstance(demos, list | tuple):
        demos = EpisodeStore.from_episodes(demos)
    if isinstance(demos, EpisodeStore):
        demos = Demonstrations(demos)
    if not isinstance(demos, Demonstrations):
        raise DataError(
            f"demonstrations must be a folder, a store, episodes or rw.Demonstrations, got {demos!r:.80}. "
            "Record some: rewardwrap record ENV --policy scripted --out DIR."
        )
    store = demos.store
    if store.steps < least:
        raise DataError(
            f"demonstrations must hold at least {least} steps, got {store.steps} in {len(store)} episodes. "
            "Record some: rewardwrap record ENV --policy scripted --out DIR."
        )
    if not images:
        _refuse_images(store)
    if demos.weight is None and demos.rank is None:
        _warn_of_failures(store)
    _warn_of_limits(store)
    return demos


def _refuse_images(store: EpisodeStore) -> None:
    for leaf in tree.leaves(store.obs):
        if leaf.ndim >= 4 and leaf.dtype == np.uint8:
            raise DataError(
                f"demonstrations must be seen as features, got images of shape {leaf.shape[1:]}. Record an "
                "environment whose observations are numbers: a state, or features of a frozen network; "
                "--method steps --features random reads images."
            )


def failed(store: EpisodeStore) -> Any:
    """Numbers of the episodes that failed where others did not.

    By ``is_success`` where it was recorded. Else a return below the median counts that is far out, or
    that came with another end than most episodes have: a fall among time limits, or the reverse.
    """
    last = store.first_step + store.lengths - 1
    if SUCCESS in store.info:
        success = store.info[SUCCESS][last] > 0
        return np.flatnonzero(~success) if success.any() else np.empty(0, np.int64)
    returns, ended = store.returns(), store.terminated[last]
    if len(returns) < 3 or not np.isfinite(returns).all():
        return np.empty(0, np.int64)
    middle = np.median(returns)
    # half the interquartile range too: of five returns in two clusters, the median deviation is nearly 0
    low, high = np.quantile(returns, [0.25, 0.75])
    spread = max(np.median(np.abs(returns - middle)), (high - low) / 2)
    otherwise = ended != (ended.mean() > 0.5)
    below = middle - returns
    far = below > FAR * spread
    return np.flatnonzero((below > SHARE * abs(middle)) & (far | otherwise))


def _warn_of_failures(store: EpisodeStore) -> None:
    lost = failed(store)
    if len(lost):
        which = ", ".join(str(store.ids[i]) for i in lost[:5])
        warn(
            f"demonstrations must all be worth imitating, got {len(lost)} of {len(store)} that seem to have "
            f"failed ({which}: returns {', '.join(f'{r:.4g}' for r in store.returns()[lost[:5]])}, median "
            f"{np.median(store.returns()):.4g}). Leave them out with store.select, or weigh them with "
            "rw.Demonstrations(store, weight=...)."
        )


def _warn_of_limits(store: EpisodeStore) -> None:
    ended = int(store.terminated.sum())
    if 1 < len(store) == ended and len(set(store.lengths.tolist())) == 1:
        warn(
            f"demonstrations must tell ends from time limits, got {ended} that all terminate after exactly "
            f"{store.lengths[0]} steps. If that is a time limit, store it as truncated."
        )
