"""The same item told in another way: what a reward model should not care about."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rewardwrap.adapters.offline import Episode
from rewardwrap.evaluate.models.items import Item


def rendered(items: list[Item], rendering: Callable[[Episode], Episode]) -> list[Item]:
    """The same items, every candidate told in another way."""
    return [
        Item(item.prompt, tuple(map(rendering, item.right)), tuple(map(rendering, item.wrong)))
        for item in items
    ]


def mirrored_pendulum(episode: Episode) -> Episode:
    """Pendulum seen in a mirror: sine, velocity and torque change sign, every reward stays."""
    return {
        **episode,
        "obs": np.asarray(episode["obs"]) * np.array([1, -1, -1], np.float32),
        "action": -np.asarray(episode["action"]),
    }


def rounded(decimals: int) -> Callable[[Episode], Episode]:
    """Observations with fewer digits."""
    return lambda episode: {**episode, "obs": np.round(np.asarray(episode["obs"]), decimals)}
