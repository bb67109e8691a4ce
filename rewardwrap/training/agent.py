"""From plain settings to a learner in its environment.

The stack is the same for every run, innermost first: recipe, Monitor (true return), the settings'
own wrappers, VecEnv, reward, noise, frame stack, VecNormalize. The learner's discount goes into the
reward. The settings' own wrappers (``env_wrapper``) lie below the reward: one that changes rewards
or ends episodes changes what counts as the true return, one that changes observations takes the named
fields away. A recipe is the better place for wrappers.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import gymnasium as gym

import rewardwrap_envs
from rewardwrap.adapters.acting import require_masks
from rewardwrap.adapters.backends import hosted
from rewardwrap.adapters.build import (
    Limit,
    builder_of,
    group_lanes,
    make,
    paid_by_group,
)
from rewardwrap.adapters.limit import limited
from rewardwrap.adapters.observations import require_arrays
from rewardwrap.adapters.tasks import task_of_recipe
from rewardwrap.core.config import from_config
from rewardwrap.core.errors import ConfigError, RewardwrapError
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task
from rewardwrap.training.device import device_of, use_one_thread
from rewardwrap_envs.layers import Layer, stack
from rewardwrap_policies.errors import PoliciesError

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv, VecNormalize

    from rewardwrap.adapters.sb3 import RewardVecEnv
    from rewardwrap.training.auxiliary import Auxiliary
    from rewardwrap_policies import Hyperparameters

DEFAULT_GAMMA = 0.99


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is trained, as plain data: a run can be repeated from it.

    Args:
        env: Name of a recipe or any gymnasium id.
        algo: Name of the algorithm, e.g. ``"ppo"``.
        reward: ``Reward.to_config()``.
        row: Hyperparameters as a row of an RL Zoo file.
        seed: Seeds the learner and its environments.
        env_kwargs: Arguments for `gymnasium.make` beside the recipe's.
        catalog: Folders with recipes of one's own.
        backend: What steps the lanes; see `rewardwrap.make`.
        limit: What a time limit is, ``"bootstrap"`` or ``"end"``; see `rewardwrap.wrap`.
        device: As in torch, or ``"auto"``: the processor for MLP policies, which are faster there.
        noise: Standard deviation of the Gaussian noise on each frame the learner sees, for policy
            smoothing; rewards see the clean frame. 0 is none.
        noise_scale: Factors of it for each number of a frame; empty is 1 for all.
        auxiliary: Weights of heads that train the policy's body too, see `rw.Auxiliary`.
    """

    env: str
    algo: str
    reward: Mapping[str, Any]
    row: Mapping[str, Any]
    seed: int
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    catalog: tuple[str, ...] = ()
    backend: str = "dummy"
    limit: Limit = "bootstrap"
    device: str = "auto"
    noise: float = 0.0
    noise_scale: tuple[float, ...] = ()
    auxiliary: Mapping[str, float] = field(default_factory=dict)

    def hyperparameters(self) -> Hyperparameters:
        """The row as the constructor wants it."""
        from rewardwrap_policies.rows import read_row

        return read_row(self.algo, self.env, self.row, path="hyperparameters", lines={})

    @property
    def gamma(self) -> float:
        """The one discount of the run: the row's, else the recipe's, else 0.99."""
        if self.row.get("gamma") is not None:
            return float(self.row["gamma"])
        recipe = rewardwrap_envs.find(self.env, self.catalog)
        return DEFAULT_GAMMA if recipe is None else recipe.gamma


@dataclass(frozen=True)
class Agent:
    """A learner, what it was built from and the environments around it.

    Args:
        settings: What it was built from.
        model: The learner.
        adapter: The layer of its environment that pays the reward.
        auxiliary: Heads on its body, where the settings ask for some.
    """

    settings: Settings
    model: BaseAlgorithm
    adapter: RewardVecEnv
    auxiliary: Auxiliary | None = None

    @property
    def reward(self) -> Reward:
        """What the learner is paid; training and evaluation share it."""
        return self.adapter.reward

    @property
    def normalizer(self) -> VecNormalize | None:
        """The layer that normalises, if the settings ask for one."""
        return self.model.get_vec_normalize_env()

    def eval_env(self, lanes: int) -> VecEnv:
        """An environment to evaluate in: the same reward, which learns nothing there."""
        settings = self.settings
        h = settings.hyperparameters()
        # a pool is another simulator; in workers are the environments of this process
        backend = "dummy" if settings.backend == "subproc" else settings.backend
        adapter = reward_env(settings, h, self.reward, lanes=lanes, training=False, backend=backend)
        return _stacked(_noisy(adapter, settings), h)

    def close(self) -> None:
        """Close the training environment."""
        self.adapter.close()


def build(
    settings: Settings,
    *,
    reward: Reward | None = None,
    verbose: int = 0,
    tensorboard_log: str | None = None,
) -> Agent:
    """Build the learner and its training environment.

    Args:
        settings: What is trained.
        reward: The object to pay with, where something outside changes it, as a loop does; None: a new
            one from the settings.
        verbose: As in SB3.
        tensorboard_log: As in SB3.

    Raises:
        UnknownName: Nobody knows the environment, the algorithm, a reward or a field.
        GammaMismatch: The reward brings another discount than the learner's.
    """
    from rewardwrap.training.auxiliary import attached
    from rewardwrap_policies import algorithm

    cls, h = algorithm(settings.algo), settings.hyperparameters()
    use_one_thread(h.policy)
    reward = from_config(settings.reward) if reward is None else reward
    adapter = reward_env(
        settings, h, reward, lanes=h.n_envs, training=True, backend=settings.backend
    )
    try:
        require_masks(cls, adapter, settings.env)
        venv = _normalized(_stacked(_noisy(adapter, settings), h), h, settings.gamma)
        arguments = h.arguments(adapter.action_space)
        if "gamma" in inspect.signature(cls.__init__).parameters:
            arguments["gamma"] = settings.gamma
        model = cls(
            h.policy,
            venv,
            seed=settings.seed,
            device=device_of(settings.device, h.policy),
            verbose=verbose,
            tensorboard_log=tensorboard_log,
            **arguments,
        )
        heads = attached(settings.auxiliary, model)
        for task in getattr(model, "other_tasks", ()):
            model.others.append(_elsewhere(settings, h, reward, venv, task))  # type: ignore[attr-defined]
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        adapter.close()
        if isinstance(error, RewardwrapError | PoliciesError):
            raise
        raise ConfigError(
            f"{settings.algo} must fit {settings.env} and its hyperparameters, got: {error} "
            "Choose another algorithm, e.g. ppo for discrete and sac for continuous actions, "
            "or correct the value."
        ) from error
    adapter.require_discount(settings.gamma)
    return Agent(settings, model, adapter, heads)


def _elsewhere(
    settings: Settings, h: Hyperparameters, reward: Reward, venv: VecEnv, task: Mapping[str, Any]
) -> VecEnv:
    """The lanes of another task, with the reward and the moments of this one."""
    from stable_baselines3.common.vec_env import VecNormalize

    other = replace(settings, env_kwargs={**settings.env_kwargs, **task})
    lanes = reward_env(other, h, reward, lanes=h.n_envs, training=True, backend=settings.backend)
    made = _normalized(_stacked(_noisy(lanes, other), h), h, settings.gamma)
    if isinstance(made, VecNormalize) and isinstance(venv, VecNormalize):
        made.obs_rms, made.ret_rms = venv.obs_rms, venv.ret_rms
    return made


def require_env(env: str, catalog: tuple[str, ...] = ()) -> None:
    """Refuse an environment that neither the catalogue nor gymnasium knows.

    Raises:
        UnknownName: With near misses.
    """
    builder_of(env, catalog)


def reward_env(
    settings: Settings,
    h: Hyperparameters,
    reward: Reward,
    *,
    lanes: int,
    training: bool,
    backend: str,
) -> RewardVecEnv:
    """The environment up to the layer that pays the reward."""
    kwargs = {**h.env_kwargs, **settings.env_kwargs}
    try:
        return _reward_env(
            settings, h, reward, kwargs, lanes=lanes, training=training, backend=backend
        )
    except (AssertionError, TypeError, ValueError, gym.error.Error) as error:
        if isinstance(error, RewardwrapError | rewardwrap_envs.EnvsError):
            raise
        raise ConfigError(
            f"{settings.env} must be made with arguments it has, got {kwargs or 'none'}: {error}. "
            "Correct --env-kwargs or env_wrapper, or install what it needs."
        ) from error


def _reward_env(
    settings: Settings,
    h: Hyperparameters,
    reward: Reward,
    kwargs: Mapping[str, Any],
    *,
    lanes: int,
    training: bool,
    backend: str,
) -> RewardVecEnv:
    if not h.env_wrapper:
        return make(
            settings.env,
            reward,
            n_envs=lanes,
            seed=settings.seed,
            gamma=settings.gamma,
            training=training,
            backend=backend,
            limit=settings.limit,
            catalog=settings.catalog,
            env_kwargs=kwargs,
        )
    from rewardwrap.adapters.sb3 import RewardVecEnv

    split = "train" if training else "eval"

    def lane_of(view: Mapping[str, Any]) -> Any:
        given = {**kwargs, **view}
        return partial(_wrapped_lane, settings.env, split, settings.catalog, given, h.env_wrapper)

    lane = lane_of({})
    rule = paid_by_group(reward)
    if rule is None:
        venv: Any = hosted([lane] * lanes, backend)
    else:
        venv = group_lanes(lane_of, lanes, rule, training)
    venv.seed(settings.seed)
    task = Task(name=f"{settings.env} inside env_wrapper", gamma=settings.gamma)
    recipe = rewardwrap_envs.find(settings.env, settings.catalog)
    if recipe is not None and _keeps_observations(lane()):
        task = task_of_recipe(recipe, gamma=settings.gamma, space=venv.observation_space)
    limit = limited(venv, settings.limit, task) if rule is None else venv
    return RewardVecEnv(limit, reward, gamma=settings.gamma, training=training, task=task)


def _keeps_observations(lane: gym.Env[Any, Any]) -> bool:
    """Whether the settings' wrappers leave observations as the recipe's fields name them."""
    layer, keeps = lane, True
    while isinstance(layer, gym.Wrapper) and type(layer).__name__ != "Monitor":
        keeps = keeps and not isinstance(layer, gym.ObservationWrapper)
        layer = layer.env
    keeps = keeps and layer.observation_space == lane.observation_space
    lane.close()
    return keeps


def _wrapped_lane(
    env: str,
    split: str,
    catalog: tuple[str, ...],
    kwargs: Mapping[str, Any],
    layers: tuple[Layer, ...],
) -> gym.Env[Any, Any]:
    from stable_baselines3.common.monitor import Monitor

    recipe = rewardwrap_envs.find(env, catalog)
    made = gym.make(env, **kwargs) if recipe is None else recipe.build(split=split, **kwargs)
    return require_arrays(stack(Monitor(made), layers))


def _noisy(venv: VecEnv, settings: Settings) -> VecEnv:
    """Above the reward, which reads clean frames, and below stack and normaliser."""
    if settings.noise == 0:
        return venv
    from rewardwrap_policies.noisy_frames import VecNoisyFrames

    scale = list(settings.noise_scale) or None
    return VecNoisyFrames(venv, settings.noise, scale=scale, seed=settings.seed)


def _stacked(venv: VecEnv, h: Hyperparameters) -> VecEnv:
    if h.frame_stack is None:
        return venv
    from stable_baselines3.common.vec_env import VecFrameStack

    return VecFrameStack(venv, h.frame_stack)


def _normalized(venv: VecEnv, h: Hyperparameters, gamma: float) -> VecEnv:
    if not h.normalize:
        return venv
    from stable_baselines3.common.vec_env import VecNormalize

    options = {} if h.normalize is True else dict(h.normalize)
    return VecNormalize(venv, **{**options, "gamma": gamma})
