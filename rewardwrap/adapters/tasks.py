"""From a host to the `Task` its rewards see: named fields of the recipe, and one discount per run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from rewardwrap.core.errors import ConfigError, GammaMismatch
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task
from rewardwrap_envs import Recipe, recipes


def recipe_of_spec(spec: EnvSpec, catalog: Iterable[str] = ()) -> Recipe | None:
    """The recipe that describes an environment: same id, and no argument that says otherwise."""
    fitting = [
        recipe
        for recipe in recipes(*catalog).values()
        if recipe.id == spec.id
        and all(spec.kwargs.get(key, value) == value for key, value in recipe.make.items())
    ]
    return max(
        fitting,
        key=lambda r: (sum(k in spec.kwargs for k in r.make), r.name == spec.id),
        default=None,
    )


def task_of_recipe(
    recipe: Recipe, *, gamma: float | None = None, space: gym.Space[Any] | None = None
) -> Task:
    """The task that a recipe describes."""
    return Task(
        name=recipe.name,
        gamma=gamma,
        fields=recipe.fields,
        radix=tuple(recipe.radix or ()),
        width=recipe.width,
        shape=_shape(space),
    )


def task_of(env: gym.Env[Any, Any], gamma: float | None = None) -> Task:
    """The task of one environment."""
    return _task_of_spec(env.spec, gamma, env.observation_space)


def _shape(space: gym.Space[Any] | None) -> tuple[int, ...] | None:
    return space.shape if isinstance(space, gym.spaces.Box) else None


def discounts(reward: Reward) -> set[float]:
    """Every discount that shaping parts of the reward fix themselves."""
    found = (getattr(node, "gamma", None) for node in reward.walk() if node.shaping)
    return {float(gamma) for gamma in found if gamma is not None}


def require_discount(gamma: Any, subject: str = "gamma") -> float | None:
    """The discount of an agent that somebody gave.

    Raises:
        ConfigError: It is no number in [0, 1].
    """
    if gamma is None:
        return None
    number = isinstance(gamma, int | float | np.number) and not isinstance(gamma, bool)
    if not number or not 0.0 <= gamma <= 1.0:
        raise ConfigError(
            f"{subject} must lie in [0, 1], got {gamma!r}. Use the discount of the agent, e.g. 0.99."
        )
    return float(gamma)


def shared_discount(reward: Reward, others: Iterable[float | None] = ()) -> float | None:
    """The one discount of a run.

    Args:
        reward: Its shaping parts may bring a discount each.
        others: What the run and the learner say; None says nothing.

    Raises:
        GammaMismatch: Two of them differ.
    """
    found = discounts(reward) | {float(gamma) for gamma in others if gamma is not None}
    if len(found) > 1:
        listed = ", ".join(f"{g:g}" for g in sorted(found))
        raise GammaMismatch(
            f"gamma must be one number in a run, got {listed}. "
            "Shaping keeps the optimal policy only under the discount of the agent; "
            "leave gamma out of the potentials and give it once."
        )
    return found.pop() if found else None


def discount_of(reward: Reward, task: Task) -> float | None:
    """The discount that the reward's shaping uses on a task; None where nothing in it shapes."""
    shapes = any(node.shaping for node in reward.walk())
    return shared_discount(reward, [task.gamma]) if shapes else None


def task_of_vector(env: Any, gamma: float | None) -> Task:
    """The task of a gymnasium vector environment: that of its lanes."""
    inner = env.unwrapped
    if hasattr(inner, "envs"):
        return _task_of_spec(inner.envs[0].spec, gamma, env.single_observation_space)
    if hasattr(inner, "call"):
        return _task_of_worker(inner.call, inner.get_attr, gamma, env.single_observation_space)
    # a natively vectorised env has a spec of its own
    return _task_of_spec(inner.spec, gamma, env.single_observation_space)


def task_of_venv(venv: Any, gamma: float | None) -> Task:
    """The task of an SB3 vector environment, also when its lanes live in other processes."""
    inner = venv.unwrapped
    if hasattr(inner, "envs"):
        return _task_of_spec(getattr(inner.envs[0], "spec", None), gamma, venv.observation_space)
    if not hasattr(inner, "env_method"):
        return _task_of_spec(None, gamma, venv.observation_space)
    call, get_attr = (partial(ask, indices=[0]) for ask in (inner.env_method, inner.get_attr))
    return _task_of_worker(call, get_attr, gamma, venv.observation_space)


def _task_of_worker(
    call: Callable[..., Any], get_attr: Callable[[str], Any], gamma: float | None, space: Any
) -> Task:
    """The task of lanes in other processes.

    A spec that cannot be pickled (an entry point that is a lambda, a wrapper with one) kills the worker
    that is asked for it. So it is asked for its name first, which ends in ``<Env<id>>>``, and for the spec
    only where recipes of that id differ in what they hand to `gymnasium.make`.
    """
    try:
        found = re.search(r"<([^<>]+)>*$", call("__str__")[0])
        if found is None:
            return _task_of_spec(None, gamma, space)
        env_id = found.group(1)
        known = [recipe for recipe in recipes().values() if recipe.id == env_id]
        if any(recipe.make for recipe in known):
            return _task_of_spec(get_attr("spec")[0], gamma, space)
    except (AttributeError, NotImplementedError):
        return _task_of_spec(None, gamma, space)
    if known:
        return task_of_recipe(known[0], gamma=gamma, space=space)
    return Task(name=env_id, gamma=gamma, shape=_shape(space))


def _task_of_spec(spec: Any, gamma: float | None, space: gym.Space[Any]) -> Task:
    """The task of a spec; without a recipe, or where it is not gymnasium's, it has no named fields."""
    if not isinstance(spec, EnvSpec):
        return Task(gamma=gamma, shape=_shape(space))
    recipe = recipe_of_spec(spec)
    if recipe is None:
        return Task(name=spec.id, gamma=gamma, shape=_shape(space))
    return task_of_recipe(recipe, gamma=gamma, space=space)
