"""How far two rewards lie apart as tasks: exact where the dynamics are written out, else on samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike

from rewardwrap.adapters.build import builder_of
from rewardwrap.adapters.tasks import discounts, task_of, task_of_recipe
from rewardwrap.core.errors import ConfigError, GammaMismatch
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task
from rewardwrap.evaluate.distance.coverage import Coverage, Episode
from rewardwrap.evaluate.distance.estimate import Plan, coverage_of, on_samples
from rewardwrap.evaluate.distance.exact import of_arrays, of_table
from rewardwrap.evaluate.distance.measured import WRONG_DISCOUNT, Distance
from rewardwrap.evaluate.distance.tabular import require_metric
from rewardwrap.evaluate.dynamics import writes_out
from rewardwrap.evaluate.mdp import require_discount
from rewardwrap.evaluate.payment import (
    DistanceError,
    Payment,
    RewardLike,
    as_reward,
    require_markov,
)
from rewardwrap_envs import find

__all__ = ["Distance", "reward_distance"]

GAMMA = 0.99


def reward_distance(
    a: RewardLike | ArrayLike,
    b: RewardLike | ArrayLike,
    metric: str = "epic",
    *,
    env: str | gym.Env[Any, Any] | None = None,
    T: ArrayLike | None = None,
    gamma: float | None = None,
    coverage: Sequence[Episode] | Coverage | None = None,
    policy: Any = None,
    state_dist: ArrayLike | None = None,
    action_dist: ArrayLike | None = None,
    env_reward: Callable[..., Any] | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    catalog: Iterable[str] = (),
    samples: int | None = None,
    means: int | None = None,
    seed: int = 0,
) -> Distance:
    """How far two rewards lie apart as tasks, in [0, 1]: 0 the same task, 1 its opposite.

    Exact for arrays with ``T``, and for an environment that writes its dynamics out
    (``env.unwrapped.P``: FrozenLake, Taxi, CliffWalking) unless ``samples`` or ``coverage`` is given.
    For any other environment, on samples of its transitions:

    | metric | on samples |
    |---|---|
    | epic | D_S x D_A are those of the coverage; asks for rewards where nothing ever happened |
    | dard | the simulator steps on from both ends of each transition; asks the same in one term |
    | starc-val | V of the coverage's own policy, fitted; read it against the noise floor |
    | starc-minimal | refused: it needs T |
    | npec | potentials linear in features; how badly b is built from a |
    | erc | discounted returns of whole episodes; takes rewards with memory |

    Both rewards see the same draws, so shaping cancels to the last digits in epic and dard. The
    interval draws whole episodes again; it does not cover the choice of the (A, S') draws: repeat with
    other seeds for that. Where an episode terminates, an absorbing state follows that pays nothing and
    has ``Phi = 0``, as `Potential` has it. Plain functions ``f(obs, action, next_obs)`` cannot know of
    ends: if both are such, episodes count as endless, as in the literature.

    Args:
        a: A reward, a configuration, a file, a function ``f(obs, action, next_obs)`` of a batch, or
            an array (S, A, S) with ``T``.
        b: The other; arrays go with arrays.
        metric: See the table.
        env: Name of a recipe, gymnasium id, or environment.
        T: ``(S, A, S)`` dynamics, for arrays.
        gamma: Discount of the agent, in [0, 1); None takes what the rewards' potentials
            fix, or else 0.99, SB3's default. Arrays must have it.
        coverage: Stored episodes in the form of `rw.relabel`, instead of playing ``policy``.
        policy: Arrays: (S, A). Environments: None for uniform actions, a function of an observation,
            or a model with ``predict``.
        state_dist: ``(S,)``, exact distances only; see `tabular_distance`.
        action_dist: ``(A,)``, exact distances only.
        env_reward: The environment's own reward as ``f(obs, action, next_obs)``, where a reward with
            an ``env`` part is asked for transitions that never happened.
        env_kwargs: Arguments for the environment, where ``env`` is a name.
        catalog: Folders with recipes of your own.
        samples: Rows (erc: episodes) to compare on; default 512 epic, 256 dard, 4096 starc-val and
            npec, 100 erc.
        means: Draws for each mean; default 512 epic, 16 dard.
        seed: Of everything drawn.

    Raises:
        DistanceError: The metric is not defined for these rewards or this coverage.
        MdpError: Arrays that are no MDP, gamma outside [0, 1).
        GammaMismatch: gamma is None and the rewards fix different ones.
        ConfigError: Neither env, coverage nor T; a reward that does not fit the environment.

    Example:
        >>> import rewardwrap as rw
        >>> goal = lambda obs, action, next_obs: next_obs[:, 0]
        >>> turned = lambda obs, action, next_obs: -2 * next_obs[:, 0]
        >>> found = reward_distance(goal, turned, env="Pendulum-v1", samples=64, means=64)
        >>> round(found.value, 6), found.noise_floor < 1e-12
        (1.0, True)
    """
    require_metric(metric)
    if T is not None:
        if env is not None or coverage is not None:
            raise ConfigError("T must come without env and coverage, got both. Leave one out.")
        return of_arrays(a, b, metric, T, gamma, state_dist, action_dist, policy, seed)
    if _is_array(a) or _is_array(b):
        raise ConfigError("arrays must come with T (S, A, S), got none. Give T=... and gamma=....")
    if env is None and coverage is None:
        raise ConfigError(
            "reward_distance must have env, coverage or T, got none. "
            'Give env="Pendulum-v1", or arrays with T.'
        )
    if env is not None and not isinstance(env, str | gym.Env):
        raise ConfigError(
            f"env must be a name or one gymnasium environment, got {type(env).__name__}. "
            'Give its id, e.g. env="Pendulum-v1".'
        )
    pair = [as_reward(r) for r in (a, b)]  # type: ignore[arg-type]
    discount, notes = _discount(pair, gamma)
    world, owned = (
        (env, False)
        if isinstance(env, gym.Env) or env is None
        else (_build(env, env_kwargs, catalog), True)
    )
    try:
        task = Task(gamma=discount) if world is None else _task(env, world, discount, catalog)
        for reward in pair:
            for node in reward.walk():
                node.validate(task)
        if metric != "erc":
            for reward in pair:
                require_markov(reward, f"metric {metric}")
        payments = [Payment(reward, env_reward) for reward in pair]
        if world is not None and _exactly(world, pair, metric, samples, coverage, policy):
            return of_table(
                payments,
                metric,
                world,
                task,
                discount,
                state_dist,
                action_dist,
                policy,
                seed,
                notes,
            )
        _refuse_dists(metric, state_dist, action_dist)
        ending = not (_plain(a) and _plain(b))
        plan = Plan(metric, discount, samples, means, seed, ending)
        played = coverage_of(world, coverage, policy, plan, task)
        return on_samples(payments, played, plan, notes)
    finally:
        if owned and world is not None:
            world.close()


def _is_array(value: Any) -> bool:
    tensor = type(value).__module__.startswith("torch") and not callable(value)
    return isinstance(value, np.ndarray) or tensor


def _plain(value: Any) -> bool:
    return callable(value) and not isinstance(value, Reward)


def _build(
    name: str, kwargs: Mapping[str, Any] | None, catalog: Iterable[str]
) -> gym.Env[Any, Any]:
    return builder_of(name, tuple(catalog))("eval", dict(kwargs or {}))


def _task(env: Any, world: gym.Env[Any, Any], gamma: float, catalog: Iterable[str]) -> Task:
    recipe = find(env, catalog) if isinstance(env, str) else None
    if recipe is None:
        return task_of(world, gamma)
    return task_of_recipe(recipe, gamma=gamma, space=world.observation_space)


def default_discount(rewards: Sequence[Reward]) -> float:
    """The discount that the rewards' potentials fix, or else SB3's 0.99.

    Raises:
        GammaMismatch: They fix several.
    """
    found = {g for reward in rewards for g in discounts(reward) if g < 1.0}
    if len(found) > 1:
        listed = ", ".join(f"{g:g}" for g in sorted(found))
        raise GammaMismatch(
            f"gamma must be one number for all rewards, got {listed}. "
            "Give gamma=..., the discount of the agent."
        )
    return found.pop() if found else GAMMA


def _discount(pair: list[Any], gamma: float | None) -> tuple[float, tuple[str, ...]]:
    """The metric's discount, and a note where a potential has another one."""
    fixed = sorted(set().union(*(discounts(reward) for reward in pair)))
    gamma = default_discount(pair) if gamma is None else gamma
    discount = require_discount(gamma)
    other = [g for g in fixed if g != discount]
    if not other:
        return discount, ()
    return discount, (
        f"{WRONG_DISCOUNT} {other[0]:g} and the distance {discount:g}: "
        "such shaping does not cancel, and changes the task",
    )


def _exactly(
    world: gym.Env[Any, Any],
    pair: list[Any],
    metric: str,
    samples: int | None,
    coverage: Any,
    policy: Any,
) -> bool:
    if samples is not None or coverage is not None or not writes_out(world):
        return False
    if policy is not None and not _is_array(policy):
        return False
    if metric != "erc":
        return True
    try:
        for reward in pair:
            require_markov(reward, metric)
    except DistanceError:
        return False
    return True


def _refuse_dists(metric: str, state_dist: Any, action_dist: Any) -> None:
    if state_dist is not None or action_dist is not None:
        raise ConfigError(
            "state_dist and action_dist must come with exact dynamics, got samples. "
            "On samples they are the states and actions of the coverage: give coverage or policy."
        )
    if metric == "starc-minimal":
        raise DistanceError(
            "starc-minimal must have the dynamics T, got samples. It moves reward between the "
            'successors of each (s, a), and a sample shows one of them. Use "starc-val" or "dard", '
            "or give arrays with T."
        )
