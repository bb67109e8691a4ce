"""The same item told in another way: what a reward model should not care about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.evaluate.models.items import Item


def rendered(items: list[Item], rendering: Callable[[Episode], Episode]) -> list[Item]:
    """The same items, every candidate told in another way."""
    return [
        Item(item.prompt, tuple(map(rendering, item.right)), tuple(map(rendering, item.wrong)))
        for item in items
    ]


def mirrored_pendulum(episode: Episode) -> Episode:
    """Pendulum seen in a mirror: sine, velocity and torque change sign, every reward stays."""
    turned = episode.obs * np.array([1, -1, -1], np.float32)
    return replace(episode, obs=turned, action=-episode.action)


def rounded(decimals: int) -> Callable[[Episode], Episode]:
    """Observations with fewer digits."""
    return lambda episode: replace(episode, obs=np.round(episode.obs, decimals))
