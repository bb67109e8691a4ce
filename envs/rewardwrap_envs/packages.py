"""Installed packages that register environments with gymnasium, and which of them has an id.

gymnasium knows an id only after the package that registers it was imported; ``package:Id`` imports it
first, in every process.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Sequence

import gymnasium as gym

from rewardwrap_envs.errors import MissingPackage

KNOWN = {
    "minigrid": ("MiniGrid-", "BabyAI-"),
    "miniworld": ("MiniWorld-",),
    "gymnasium_robotics": ("Adroit", "AntMaze", "Fetch", "FrankaKitchen", "Hand", "PointMaze"),
    "highway_env": ("exit-", "highway-", "intersection-", "merge-", "parking-", "racetrack-",
                    "roundabout-", "two-way-", "u-turn-"),
    "mo_gymnasium": ("mo-", "deep-sea-treasure-", "fruit-tree-", "minecart-", "resource-gathering-"),
}  # fmt: skip
"""Package -> how the ids that it registers begin."""


def load(packages: Sequence[str]) -> dict[str, str]:
    """Import packages; return the ids they registered, each with its package.

    Raises:
        MissingPackage: One cannot be found.
    """
    return {env_id: package for package in reversed(packages) for env_id in _registered(package)}


@functools.cache
def _registered(package: str) -> frozenset[str]:
    """What an import adds to the registry, and what of it comes from the package already."""
    before = set(gym.registry)
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise MissingPackage(
            f"packages with environments must be installed, got {package!r} ({error}). "
            "Give the name that Python imports, e.g. gymnasium_robotics."
        ) from error
    own = {
        env_id
        for env_id, spec in gym.registry.items()
        if isinstance(spec.entry_point, str)
        and spec.entry_point.startswith((package + ".", package + ":"))
    }
    return frozenset(own | (set(gym.registry) - before))


def package_of(env_id: str) -> str | None:
    """The installed package that registers an id, where it is one of `KNOWN`; it is imported."""
    for package, beginnings in KNOWN.items():
        if env_id.startswith(beginnings) and importlib.util.find_spec(package) is not None:
            return package if env_id in load([package]) else None
    return None
