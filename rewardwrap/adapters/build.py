"""The three entrances: put a reward on what you have, make an environment with one, relabel logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

import rewardwrap_envs
from rewardwrap.adapters.backends import POOLS, hosted, require_backend
from rewardwrap.adapters.below import layers
from rewardwrap.adapters.host import RewardLike, reward_of
from rewardwrap.adapters.limit import limited
from rewardwrap.adapters.lockstep import require_ends
from rewardwrap.adapters.observations import require_arrays
from rewardwrap.adapters.parts import divided, parts_of
from rewardwrap.adapters.single import RewardWrapper
from rewardwrap.adapters.tasks import task_of_recipe
from rewardwrap.adapters.vector import VectorRewardWrapper
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.reward import Reward
from rewardwrap.scores.grouped import Grouped
from rewardwrap_envs.mujoco_log import listen
from rewardwrap_envs.packages import load
from rewardwrap_envs.trust import trusting

if TYPE_CHECKING:
    from rewardwrap.adapters.sb3 import RewardVecEnv

Limit: TypeAlias = Literal["bootstrap", "end"]


def wrap(
    env: Any,
    reward: RewardLike,
    *,
    gamma: float | None = None,
    training: bool = True,
    limit: Limit = "bootstrap",
) -> Any:
    """Put a reward on an environment.

    Args:
        env: A gymnasium environment, a gymnasium vector environment or an SB3 VecEnv.
        reward: A reward, its configuration, or the path of a file that holds it.
        gamma: Discount of the agent, for potentials that have none of their own.
        training: Whether the reward may learn from what it sees; False for evaluation.
        limit: What a time limit is: ``"bootstrap"``, a cut, behind which the learner adds the value; or
            ``"end"``, the end of the task, for reward and learner (``terminated=True``). Say ``"end"`` where
            the reward judges whole episodes, and show the agent the time.

    Returns:
        `RewardWrapper`, `VectorRewardWrapper` or `RewardVecEnv`: a wrapper of the same kind as ``env``.

    Raises:
        ConfigError: ``env`` is none of the three, or the reward does not fit it.
        GammaMismatch: Two discounts.

    Example:
        >>> import gymnasium as gym, rewardwrap as rw
        >>> env = rw.wrap(gym.make("CartPole-v1"), rw.EnvReward() - 0.5 * rw.Constant(1).named("time"))
        >>> obs, info = env.reset(seed=0)
        >>> obs, reward, *_, info = env.step(0)
        >>> reward, info["reward_terms"]
        (0.5, {'env': 1.0, 'time': -0.5, 'shaped': 0.5})
    """
    if not (isinstance(env, gym.Env | VectorEnv) or hasattr(env, "step_async")):
        raise ConfigError(
            "env must be a gymnasium Env, a gymnasium VectorEnv or an SB3 VecEnv, "
            f"got {type(env).__name__}. Make it first: rw.make(env_id, reward)."
        )
    listen()
    reward = reward_of(reward)
    if paid_by_group(reward) is not None and not any(hasattr(e, "lockstep") for e in layers(env)):
        raise ConfigError(
            f"Grouped must be paid by lanes that wait for their group, got a {type(env).__name__}. "
            "Use rw.make(env_id, reward, n_envs=8) or rw.make_grouped."
        )
    env = limited(divided(env, parts_of(reward)), limit)
    # envpool's pools say that they are both
    if isinstance(env, VectorEnv):
        if hasattr(env, "device"):
            from rewardwrap.adapters.tensor import TensorRewardWrapper, is_tensor_env

            if is_tensor_env(env):
                return TensorRewardWrapper(env, reward, gamma=gamma, training=training)
        return VectorRewardWrapper(env, reward, gamma=gamma, training=training)
    if isinstance(env, gym.Env):
        return RewardWrapper(env, reward, gamma=gamma, training=training)
    from rewardwrap.adapters.sb3 import RewardVecEnv

    return RewardVecEnv(env, reward, gamma=gamma, training=training)


def make(
    env_id: str | gym.Env[Any, Any] | Callable[..., gym.Env[Any, Any]],
    reward: RewardLike = "env",
    *,
    n_envs: int = 1,
    seed: int | None = None,
    gamma: float | None = None,
    training: bool = True,
    backend: str = "dummy",
    vec_env: str | None = None,
    limit: Limit = "bootstrap",
    catalog: Iterable[str] = (),
    trust: Iterable[str] = (),
    env_kwargs: Mapping[str, Any] | None = None,
) -> RewardVecEnv:
    """An SB3 VecEnv that pays a reward: recipe -> Monitor (true return) -> VecEnv -> reward.

    Args:
        env_id: Name of a recipe, any gymnasium id, ``"module:Id"``, the class of an environment or a function
            that makes one; one lane may be an environment that is made.
        reward: A reward, a function, a configuration, or the path of a file that holds it.
        n_envs: Number of lanes.
        seed: Seeds every lane at its first reset.
        gamma: Discount of the agent, for potentials that have none of their own.
        training: False makes an evaluation env: the recipe's eval wrappers, a reward that learns nothing.
        backend: What steps the lanes: ``"dummy"`` (this process; the fastest for most environments),
            ``"subproc"``, ``"sync"`` (gymnasium's SyncVectorEnv), ``"ale-vector"`` (ALE's AtariVectorEnv) or
            ``"envpool"``. The last two make their lanes themselves; ``env_kwargs`` are theirs.
        vec_env: RL Zoo's word for ``backend``.
        limit: What a time limit is, ``"bootstrap"`` or ``"end"``; see `wrap`. Monitor sees ``truncated``.
            A `Grouped` brings its own.
        catalog: Folders with recipes of your own.
        trust: Modules that recipes and reward files may name; importing one runs it.
        env_kwargs: Arguments for `gymnasium.make` beside the recipe's.

    Raises:
        UnknownName: Neither the catalogue nor gymnasium knows ``env_id``.
    """
    from rewardwrap.adapters.sb3 import RewardVecEnv

    word = "backend" if vec_env is None else "vec_env"
    backend = require_backend(backend, vec_env)
    _require_lanes(env_id, n_envs, seed)
    split = "train" if training else "eval"
    catalog, trust = tuple(catalog), tuple(trust)
    with trusting(trust):
        reward = reward_of(reward)
        rule = paid_by_group(reward)
        if rule is not None and backend != "dummy":
            raise ConfigError(
                f'{word} must be "dummy" for a reward of whole groups, got {backend!r}: their lanes '
                "wait for each other in this process. Leave it out."
            )
        recipe = rewardwrap_envs.find(env_id, catalog) if isinstance(env_id, str) else None
        builder_of(env_id, catalog)
        kwargs = dict(env_kwargs or {})
        paid = parts_of(reward)

        def lane(view: Mapping[str, Any]) -> Any:
            return partial(_monitored, env_id, split, catalog, trust, {**kwargs, **view}, paid)

        pool = None
        if rule is not None:
            venv: Any = group_lanes(lane, n_envs, rule, training)
        elif backend in POOLS:
            from rewardwrap.adapters.pools import Pool

            pool = Pool(backend, env_id, recipe, n_envs, kwargs, split)
            seed = int(np.random.default_rng().integers(2**31)) if seed is None else int(seed)
            venv = pool.made(seed, lambda: builder_of(env_id, catalog)(split, {}))
        else:
            venv = hosted([lane({})] * n_envs, backend)
    venv.seed(seed)
    task = None if recipe is None else task_of_recipe(recipe, space=venv.observation_space)
    if pool is not None and task is not None:
        task = pool.shown(task, venv, reward)
    host = venv if rule is not None else limited(venv, limit, task)
    return RewardVecEnv(host, reward, gamma=gamma, training=training, task=task)


def paid_by_group(reward: Reward) -> Grouped | None:
    """The part of a reward that is paid when a group of episodes is complete; None where there is none.

    Raises:
        ConfigError: There are two, whose groups could differ.
    """
    found = [node for node in reward.walk() if isinstance(node, Grouped)]
    if len(found) > 1:
        raise ConfigError(
            f"a reward must have at most one Grouped, got {len(found)}. "
            "Add the scores up in one function of finished episodes."
        )
    return found[0] if found else None


def group_lanes(
    lane: Callable[[Mapping[str, Any]], Callable[[], gym.Env[Any, Any]]],
    lanes: int,
    rule: Grouped,
    training: bool,
) -> Any:
    """Lanes of SB3 that wait for their group; every environment must have a time limit.

    Args:
        lane: Maker of a lane that shows a view, given the view's arguments.
        lanes: How many.
        rule: What a group is paid.
        training: See `rewardwrap.adapters.lockstep.Lockstep`.
    """
    from rewardwrap.adapters.group_lanes import GroupLanes

    views = rule.views if rule.views and training else ({},)
    made = [lane(views[rule.view_of(i) % len(views)]) for i in range(lanes)]
    return GroupLanes([partial(_that_ends, each) for each in made], rule, training=training)


def _that_ends(build: Callable[[], gym.Env[Any, Any]]) -> gym.Env[Any, Any]:
    return require_ends(build())


def _require_lanes(env: Any, n_envs: Any, seed: Any) -> None:
    if isinstance(env, Reward):
        raise ConfigError(
            f"env must come first and the reward after it, got {type(env).__name__} as env. Swap them."
        )
    if isinstance(n_envs, bool) or not isinstance(n_envs, int) or n_envs < 1:
        raise ConfigError(f"n_envs must be at least 1, got {n_envs!r}. Use 1.")
    if seed is not None and not isinstance(seed, int | np.integer):
        raise ConfigError(f"seed must be a whole number or None, got {seed!r}. Use e.g. 0.")
    if isinstance(env, gym.Env) and n_envs > 1:
        raise ConfigError(
            f"an environment that is made must be one lane, got n_envs={n_envs}. Give its id, its class or a "
            "function that makes it."
        )


def _monitored(
    env_id: Any,
    split: str,
    catalog: tuple[str, ...],
    trust: tuple[str, ...],
    kwargs: dict[str, Any],
    paid: tuple[int | None, ...],
) -> gym.Env[Any, Any]:
    from stable_baselines3.common.monitor import Monitor

    with trusting(trust):
        env = divided(builder_of(env_id, catalog)(split, kwargs), paid)
    return require_arrays(Monitor(env))


def builder_of(
    env_id: Any, catalog: tuple[str, ...] = ()
) -> Callable[[str, dict[str, Any]], gym.Env[Any, Any]]:
    """How to make an environment: a function of the split (train or eval) and keyword arguments.

    Args:
        env_id: Its name, itself, its class, or a function that makes it.
        catalog: Folders with recipes of one's own.

    Raises:
        UnknownName: Neither the catalogue nor gymnasium knows it.
        ConfigError: It is none of these.
    """
    if isinstance(env_id, gym.Env):
        return lambda split, kwargs: env_id
    if callable(env_id):
        return lambda split, kwargs: _made(env_id, kwargs)
    if not isinstance(env_id, str):
        raise ConfigError(
            "env must be the id of an environment, an environment, its class or a function that makes it, "
            f'got {type(env_id).__name__}. Write e.g. "CartPole-v1"; rw.wrap takes vector environments.'
        )
    recipe = rewardwrap_envs.find(env_id, catalog)
    if recipe is not None:
        return lambda split, kwargs: recipe.build(split=split, **kwargs)
    module, _, plain = env_id.rpartition(":")
    if module:
        load([module])
    if plain not in gym.registry:
        known = {**rewardwrap_envs.recipes(*catalog), **gym.registry}
        raise UnknownName(
            "environment", plain, known,
            way_out="`rewardwrap envs` lists those with a recipe; one of your own is module:Id, where "
            "importing the module registers it.",
        )  # fmt: skip
    return lambda split, kwargs: _heard(gym.make(env_id, **kwargs))


def _made(factory: Callable[..., Any], kwargs: Mapping[str, Any]) -> gym.Env[Any, Any]:
    env = factory(**kwargs)
    if not isinstance(env, gym.Env):
        raise ConfigError(
            f"env must be made by a function that returns a gymnasium Env, got {type(env).__name__} from "
            f"{getattr(factory, '__name__', factory)}. Return the environment itself."
        )
    return _heard(env)


def _heard(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    """The environment, whose simulator leaves no file in the folder of the user."""
    listen()
    return env
