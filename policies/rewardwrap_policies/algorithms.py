"""The learning algorithms by name; nothing heavy is loaded before one is asked for."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

from rewardwrap_envs.errors import near_misses
from rewardwrap_policies.errors import MissingPackage, UnknownAlgorithm

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

ALGORITHMS: dict[str, tuple[str, str]] = {
    "a2c": ("stable_baselines3", "A2C"),
    "ars": ("sb3_contrib", "ARS"),
    "crossq": ("sb3_contrib", "CrossQ"),
    "ddpg": ("stable_baselines3", "DDPG"),
    "dqn": ("stable_baselines3", "DQN"),
    "ga": ("rewardwrap_policies.genetic", "Genetic"),
    "ne": ("rewardwrap_policies.neuro_evolution", "NeuroEvolution"),
    "ppo": ("stable_baselines3", "PPO"),
    "ppo_lstm": ("sb3_contrib", "RecurrentPPO"),
    "ppo_mask": ("sb3_contrib", "MaskablePPO"),
    "ppo_stable": ("rewardwrap_policies.stable", "StablePPO"),
    "qrdqn": ("sb3_contrib", "QRDQN"),
    "reptile": ("rewardwrap_policies.reptile_ppo", "Reptile"),
    "sac": ("stable_baselines3", "SAC"),
    "td3": ("stable_baselines3", "TD3"),
    "tqc": ("sb3_contrib", "TQC"),
    "trpo": ("sb3_contrib", "TRPO"),
}


def known_algorithm(name: str) -> str:
    """Return the name as the files spell it.

    Raises:
        UnknownAlgorithm: with near misses.

    >>> known_algorithm("PPO")
    'ppo'
    """
    if name.lower() in ALGORITHMS:
        return name.lower()
    raise UnknownAlgorithm(f'No algorithm "{name}". {near_misses(name, ALGORITHMS)}')


def algorithm(name: str) -> type[BaseAlgorithm]:
    """Return the stable-baselines3 (or sb3-contrib) class of an algorithm.

    Args:
        name: e.g. ``ppo``; upper or lower case.

    Raises:
        UnknownAlgorithm: with near misses.
        MissingPackage: the algorithm lives in sb3-contrib, which is not installed.
    """
    known = known_algorithm(name)
    package, class_name = ALGORITHMS[known]
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        raise MissingPackage(
            f'{known} must have {package} installed, got: {error}. Run: pip install "rewardwrap'
            f'{"[contrib]" if package == "sb3_contrib" else ""}"'
        ) from error
    found: type[BaseAlgorithm] = getattr(module, class_name)
    return found


def constructor_arguments(name: str) -> frozenset[str]:
    """Return what the constructor of an algorithm accepts, without policy and environment."""
    found: set[str] = set()
    bases: tuple[Any, ...] = algorithm(name).__mro__
    for cls in bases:
        parameters = inspect.signature(cls.__init__).parameters
        found |= parameters.keys()
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            break
    return frozenset(found) - {"self", "policy", "env", "options", "_init_setup_model"}
