"""The same item told in another way: what a reward model should not care about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.episode import Episode
from rewardwrap.core.transitions import FloatArray
from rewardwrap.evaluate.models.items import Item

IntArray = NDArray[np.int64]


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


def mirrored(recipe: Any, actions: Any) -> Callable[[Episode], Episode] | None:
    """The world in a mirror, as its recipe says: named fields change sign and actions turn around.

    Numbers turn by their sign, choices by their order, e.g. left for right; every reward stays.

    Args:
        recipe: With ``mirror``; None, or one without, knows no mirror.
        actions: The action space.
    """
    if not getattr(recipe, "mirror", ()):
        return None
    signs = np.ones(recipe.width)
    signs[[recipe.fields[name].index for name in recipe.mirror]] = -1
    last = 2 * int(actions.start) + int(actions.n) - 1 if hasattr(actions, "n") else 0

    def rendering(episode: Episode) -> Episode:
        turned = (episode.obs * signs).astype(episode.obs.dtype)
        return replace(episode, obs=turned, action=last - episode.action)

    return rendering


def rounded(decimals: int) -> Callable[[Episode], Episode]:
    """Observations with fewer digits."""
    return lambda episode: replace(episode, obs=np.round(episode.obs, decimals))


def noisy(spread: float, rng: np.random.Generator) -> Callable[[Episode], Episode]:
    """Observations with Gaussian noise, in their deviations over the episode."""

    def rendering(episode: Episode) -> Episode:
        sd = episode.obs.std(axis=0)
        noise = spread * sd * rng.standard_normal(episode.obs.shape)
        return replace(episode, obs=(episode.obs + noise).astype(episode.obs.dtype))

    return rendering


def dropped_out(share: float, rng: np.random.Generator) -> Callable[[Episode], Episode]:
    """A sensor that falls silent now and then: the observation before stands in for one in ``1 / share``."""

    def rendering(episode: Episode) -> Episode:
        alive = rng.random(len(episode.obs)) >= share
        alive[0] = True
        last = np.maximum.accumulate(np.where(alive, np.arange(len(alive)), 0))
        return replace(episode, obs=episode.obs[last])

    return rendering


def skipped(frames: int) -> Callable[[Episode], Episode]:
    """Every so many frames alone: rewards in between are summed, the last observation stays."""

    def rendering(episode: Episode) -> Episode:
        begins = np.arange(0, len(episode), frames)
        ends = np.append(begins[1:], len(episode)) - 1
        return replace(
            episode,
            obs=episode.obs[np.append(begins, len(episode))],
            action=episode.action[begins],
            reward=np.add.reduceat(episode.reward, begins),
            terminated=episode.terminated[ends],
            truncated=episode.truncated[ends],
            info={name: column[ends] for name, column in episode.info.items()},
        )

    return rendering


def in_units(factor: FloatArray) -> Callable[[Episode], Episode]:
    """Each number of an observation in another unit."""
    return lambda episode: replace(episode, obs=(episode.obs * factor).astype(episode.obs.dtype))


def permuted(order: IntArray) -> Callable[[Episode], Episode]:
    """The numbers of an observation in another order."""
    return lambda episode: replace(episode, obs=episode.obs[:, order])


DEGREES = {"rad": 180.0 / np.pi, "rad/s": 180.0 / np.pi, "m": 100.0, "m/s": 100.0}
"""Unit of a recipe's field -> how many of the smaller unit it is."""


def other_encodings(recipe: Any, width: int) -> dict[str, Callable[[Episode], Episode]]:
    """Encodings that a scorer must be told of: fields of the recipe in smaller units, columns in reverse.

    A scorer that reads raw numbers by place is right in them by luck alone, so they stand beside the mean.
    """
    found = {"permuted": permuted(np.arange(width)[::-1])} if width > 1 else {}
    factor = np.ones(width)
    for one in getattr(recipe, "fields", {}).values():
        place = getattr(one, "index", None)
        if isinstance(place, int) and place < width:
            factor[place] = DEGREES.get(getattr(one, "unit", ""), 1.0)
    return {**found, "units": in_units(factor)} if (factor != 1).any() else found
