"""From a host to the `Task` its rewards see: named fields of the recipe, and one discount per run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from rewardwrap.core.errors import ConfigError, GammaMismatch, UnknownName
from rewardwrap.core.reward import Named, Reward, Sum, affine
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


def shared_discount(reward: Reward, gamma: float | None) -> float | None:
    """The one discount of a run.

    Raises:
        GammaMismatch: Parts of the reward, or the reward and ``gamma``, disagree.
    """
    found = discounts(reward) | ({float(gamma)} if gamma is not None else set())
    if len(found) > 1:
        listed = ", ".join(f"{g:g}" for g in sorted(found))
        raise GammaMismatch(
            f"gamma must be one number in a run, got {listed}. "
            "Shaping keeps the optimal policy only under the discount of the agent; "
            "leave gamma out of the potentials and give it once."
        )
    return found.pop() if found else None


def weighted(reward: Reward, name: str, weight: float) -> Reward:
    """The reward with another weight on one of its named addends.

    Raises:
        UnknownName: No addend has that name.
        ConfigError: The weight is no finite number.
    """
    terms = reward.terms if isinstance(reward, Sum) else (reward,)
    known = [term.name for term in terms if isinstance(term, Named)]
    if name not in known:
        raise UnknownName("named addend", name, known)
    changed = tuple(
        Named(name, _reweighted(term.base, weight))
        if isinstance(term, Named) and term.name == name
        else term
        for term in terms
    )
    return Sum(changed) if isinstance(reward, Sum) else changed[0]


def _reweighted(base: Reward, weight: float) -> Reward:
    from rewardwrap.core.reward import Affine

    plain = isinstance(base, Affine) and base.shift == 0.0 and base.low is base.high is None
    if plain:
        assert isinstance(base, Affine)
        return replace(base, scale=float(weight))
    # a number times a sum or a named term was folded into its parts: which weight was it?
    if isinstance(base, Affine | Sum | Named):
        raise ConfigError(
            f"a term must be a weight times a reward to get another weight, got {base!r}. "
            "Use set_reward instead."
        )
    return affine(base, scale=weight)


def task_of_vector(env: Any, gamma: float | None) -> Task:
    """The task of a gymnasium vector environment: that of its lanes."""
    inner = env.unwrapped
    # Sync and Async know the specs of their lanes; a natively vectorised env has one of its own
    spec = inner.get_attr("spec")[0] if hasattr(inner, "get_attr") else inner.spec
    return _task_of_spec(spec, gamma, env.single_observation_space)


def task_of_venv(venv: Any, gamma: float | None) -> Task:
    """The task of an SB3 vector environment, also when its lanes live in other processes."""
    space = venv.observation_space
    try:
        spec = venv.get_attr("spec", indices=[0])[0]
    except AttributeError:
        spec = None
    return _task_of_spec(spec, gamma, space)


def _task_of_spec(spec: EnvSpec | None, gamma: float | None, space: gym.Space[Any]) -> Task:
    """The task of a spec; without a recipe it has no named fields."""
    recipe = None if spec is None else recipe_of_spec(spec)
    if recipe is None:
        return Task(name=spec.id if spec else "", gamma=gamma, shape=_shape(space))
    return task_of_recipe(recipe, gamma=gamma, space=space)
