"""Which recipe describes an environment that somebody else made."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium as gym
import pytest

from rewardwrap.adapters.tasks import recipe_of_spec, task_of
from rewardwrap_envs import recipes


@pytest.mark.parametrize(
    ("env_id", "kwargs", "name"),
    [
        ("FrozenLake-v1", {"map_name": "8x8", "is_slippery": False}, "FrozenLake-8x8"),
        ("FrozenLake-v1", {"map_name": "4x4", "is_slippery": False}, None),
        ("FrozenLake-v1", {}, None),
        ("FrozenLake-v1", {"map_name": "8x8", "is_slippery": True}, None),
        ("FrozenLake8x8-v1", {}, "FrozenLake8x8-v1"),
    ],
)
def test_an_argument_that_says_otherwise_makes_another_environment(
    env_id: str, kwargs: dict[str, Any], name: str | None
) -> None:
    env = gym.make(env_id, **kwargs)
    assert env.spec is not None
    found = recipe_of_spec(env.spec)
    assert (found and found.name) == name
    # 16 cells are never read as 8 rows of 8
    assert bool(task_of(env).fields) == (name is not None)


@pytest.mark.parametrize("recipe", recipes().values(), ids=lambda recipe: recipe.name)
def test_a_recipe_describes_what_it_makes_and_nothing_made_otherwise(recipe: Any) -> None:
    if recipe.id not in gym.registry:
        pytest.importorskip("ale_py")
    spec = copy.deepcopy(gym.spec(recipe.id))
    spec.kwargs.update(recipe.make)
    found = recipe_of_spec(spec)
    assert found is not None
    assert (found.id, found.make, found.fields) == (recipe.id, recipe.make, recipe.fields)
    for key in recipe.make:
        spec.kwargs[key] = "another"
        assert recipe_of_spec(spec) != recipe
        spec.kwargs[key] = recipe.make[key]
