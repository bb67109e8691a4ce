"""What agents live in: recipes of environments, named observations, and miniature environments.

Importing this package registers the miniatures, such as ``rewardwrap/StepChain-v0``, with gymnasium.
It knows nothing of rewards, and loads neither torch nor an emulator.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

import gymnasium as _gymnasium

if TYPE_CHECKING:
    from rewardwrap_envs.baseline import random_return
    from rewardwrap_envs.catalog import Field, Recipe, Returns, find, recipe, recipes
    from rewardwrap_envs.errors import (
        EnvsError,
        MarkedYamlError,
        MissingPackage,
        RecipeError,
        UnknownField,
        UnknownRecipe,
    )
    from rewardwrap_envs.layers import Layer

__all__ = [
    "EnvsError",
    "Field",
    "Layer",
    "MarkedYamlError",
    "MissingPackage",
    "Recipe",
    "RecipeError",
    "Returns",
    "UnknownField",
    "UnknownRecipe",
    "find",
    "random_return",
    "recipe",
    "recipes",
]

_homes = {
    "baseline": ("random_return",),
    "catalog": ("Field", "Recipe", "Returns", "find", "recipe", "recipes"),
    "errors": (
        "EnvsError",
        "MarkedYamlError",
        "MissingPackage",
        "RecipeError",
        "UnknownField",
        "UnknownRecipe",
    ),
    "layers": ("Layer",),
}
_home = {name: module for module, names in _homes.items() for name in names}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _home:
            raise AttributeError(f"module 'rewardwrap_envs' has no attribute {name!r}")
        found = globals()[name] = getattr(_import_module(f"rewardwrap_envs.{_home[name]}"), name)
        return found


_gymnasium.register(
    "rewardwrap/StepChain-v0",
    entry_point="rewardwrap_envs.step_chain:StepChain",
    max_episode_steps=20,
    reward_threshold=1.0,
)
_gymnasium.register(
    "rewardwrap/ChainInsert-v0",
    entry_point="rewardwrap_envs.chain_insert:ChainInsert",
    max_episode_steps=60,
    reward_threshold=0.4,
)
_gymnasium.register(
    "rewardwrap/NoisyTV-v0",
    entry_point="rewardwrap_envs.noisy_tv:NoisyTV",
    max_episode_steps=50,
    reward_threshold=1.0,
)
_gymnasium.register(
    "rewardwrap/Ans-v0",
    entry_point="rewardwrap_envs.ans:Ans",
    max_episode_steps=20,
    reward_threshold=1.0,
)
_gymnasium.register(
    "rewardwrap/Reach-v0",
    entry_point="rewardwrap_envs.reach:Reach",
    max_episode_steps=30,
    reward_threshold=1.0,
)
_gymnasium.register(
    "rewardwrap/Canvas-v0",
    entry_point="rewardwrap_envs.canvas:Canvas",
    max_episode_steps=36,
    reward_threshold=1.0,
)
_gymnasium.register(
    "rewardwrap/Lesion-v0",
    entry_point="rewardwrap_envs.lesion:Lesion",
    max_episode_steps=36,
    reward_threshold=1.0,
)
_gymnasium.register(
    "rewardwrap/Melody-v0",
    entry_point="rewardwrap_envs.melody:Melody",
    max_episode_steps=7,
    reward_threshold=1.0,
)
_gymnasium.register(
    "rewardwrap/TransChain-v0",
    entry_point="rewardwrap_envs.trans_chain:TransChain",
    max_episode_steps=8,
    reward_threshold=1.0,
)
_gymnasium.register(
    "rewardwrap/SearchQA-v0",
    entry_point="rewardwrap_envs.search_qa:SearchQA",
    max_episode_steps=20,
    reward_threshold=1.0,
)
_gymnasium.register(
    "rewardwrap/LaneDrive-v0",
    entry_point="rewardwrap_envs.lane_drive:LaneDrive",
    max_episode_steps=30,
    reward_threshold=1.0,
)
_gymnasium.register(
    "rewardwrap/Verify-v0",
    entry_point="rewardwrap_envs.verify:Verify",
    max_episode_steps=8,
    reward_threshold=1.0,
)
_gymnasium.register(
    "rewardwrap/QueryBuild-v0",
    entry_point="rewardwrap_envs.query_build:QueryBuild",
    max_episode_steps=10,
    reward_threshold=1.0,
)
_gymnasium.register(
    "rewardwrap/KeyDoor-v0",
    entry_point="rewardwrap_envs.key_door:KeyDoor",
    max_episode_steps=100,
    reward_threshold=1.0,
)
_gymnasium.register(
    "rewardwrap/FourRooms-v0",
    entry_point="rewardwrap_envs.four_rooms:FourRooms",
    max_episode_steps=100,
    reward_threshold=1.0,
)
_gymnasium.register(
    "rewardwrap/Runner-v0",
    entry_point="rewardwrap_envs.runner:Runner",
    max_episode_steps=300,
    reward_threshold=102.0,
)
_gymnasium.register(
    "rewardwrap/Mario-v0",
    entry_point="rewardwrap_envs.foreign.mario:Mario",
    max_episode_steps=5000,
)
_gymnasium.register(
    "rewardwrap/PushBall-v0",
    entry_point="rewardwrap_envs.push_ball:PushBall",
    max_episode_steps=60,
    reward_threshold=0.8,
)
