"""Small data sets with known content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rewardwrap.data import EpisodeStore
from rewardwrap.data.ragged import starts


def numbered(lengths: Sequence[int], **changes: Any) -> EpisodeStore:
    """Observation ``100 * episode + t``, action and reward ``t``; every episode terminates."""
    parts = [_episode(i, steps) for i, steps in enumerate(lengths)]
    return EpisodeStore.from_episodes([part | changes for part in parts])


def _episode(i: int, steps: int) -> dict[str, Any]:
    last = np.arange(steps) == steps - 1
    return {
        "obs": 100.0 * i + np.arange(steps + 1)[:, None],
        "action": np.arange(steps)[:, None].astype(np.float32),
        "reward": np.arange(steps).astype(float),
        "terminated": last,
        "truncated": np.zeros(steps, bool),
    }


def nested(lengths: Sequence[int], seed: int = 0) -> EpisodeStore:
    """Dict and tuple observations, images among them, discrete actions, info, missing rewards."""
    rng = np.random.default_rng(seed)
    episodes = []
    for steps in lengths:
        reward = rng.normal(size=steps)
        reward[rng.random(steps) < 0.2] = np.nan
        episodes.append(
            {
                "obs": {
                    "arm": rng.normal(size=(steps + 1, 3)).astype(np.float32),
                    "eyes": (rng.integers(0, 256, (steps + 1, 4, 5, 3), np.uint8),),
                },
                "action": rng.integers(0, 4, steps),
                "reward": reward,
                "terminated": np.zeros(steps, bool),
                "truncated": np.arange(steps) == steps - 1,
                "info": {"speed": rng.normal(size=steps)},
            }
        )
    return EpisodeStore.from_episodes(episodes, source="nested")


def flat(store: EpisodeStore) -> dict[str, Any]:
    """The columns of an npz: one row per step."""
    batch = store.transitions()
    return {
        "obs": batch.obs,
        "action": batch.action,
        "reward": batch.reward,
        "next_obs": batch.next_obs,
        "terminated": batch.terminated,
        "truncated": batch.truncated,
        "episode": np.repeat(np.arange(len(store)), store.lengths),
    }


def assert_same(one: EpisodeStore, other: EpisodeStore) -> None:
    """Equal to the last bit, NaN included."""
    assert one.fingerprint() == other.fingerprint()
    np.testing.assert_array_equal(one.reward, other.reward)
    np.testing.assert_array_equal(starts(one.lengths), starts(other.lengths))
