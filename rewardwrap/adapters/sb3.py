"""Rewards on stable-baselines3 vector environments."""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecNormalize

from rewardwrap.adapters.goals import GoalSteps
from rewardwrap.adapters.host import Host, RewardLike, paid_twice
from rewardwrap.adapters.single import RewardWrapper
from rewardwrap.adapters.tasks import task_of_venv
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.few_lanes import FLOAT32, FewLanes, with_terminal
from rewardwrap.core.info import ListInfo
from rewardwrap.core.reward import Reward
from rewardwrap.core.scalar import number, write
from rewardwrap.core.stream import Stream
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import take
from rewardwrap.rewards.env import EnvReward
from rewardwrap.rewards.team import require_teams

FEW = 24
"""Up to so many lanes a loop of scalar steps beats one numpy step (docs/results/speed.md)."""
SINGLE, BOOL = np.dtype(np.float32), np.dtype(bool)
METHODS = ("require_discount", "set_reward", "set_weight")
BY_LANE = ("episode_terms", "reward_terms")
ATTRIBUTES = (
    *BY_LANE, "description", "discount", "goal_needs_info", "goal_refusal", "last_step", "models",
    "reward", "reward_version", "source", "task", "term_names", "training",
)  # fmt: skip
"""What `env_method` and `get_attr` find on lanes that are wrapped themselves, they find here too."""


class RewardVecEnv(Host, VecEnvWrapper):
    """Pays a composed reward in every lane of an SB3 vector environment.

    The reward is stepped in this process, once for all lanes, so the workers of a SubprocVecEnv cannot
    hold another version of it. ``reward_terms`` and ``episode_terms`` are ``(n_envs, k)`` copies whose
    columns are ``term_names``; at an episode's end ``infos[i]["episode_terms"]`` holds its sums. Dicts
    at every step would cost more than the reward. ``ended`` is the last step's ``(infos, dones)``, for
    callbacks of learners that do not show them.

    While ``training``, SB3's ``evaluate_policy`` finds no Monitor below a composed reward and adds up
    what is paid, so that learners which play by it (ARS) learn from that; with ``training=False`` it
    reports the true return.

    Args:
        venv: Any SB3 vector environment.
        reward: A reward, its configuration or its file.
        gamma: Discount of the agent, for potentials that have none of their own.
        training: Whether the reward may learn from what it sees.
        task: Named fields; by default those of the environment's recipe.

    Raises:
        StackError: Named fields would be read from a normalised observation.
    """

    def __init__(
        self,
        venv: VecEnv,
        reward: RewardLike,
        *,
        gamma: float | None = None,
        training: bool = True,
        task: Task | None = None,
    ) -> None:
        super().__init__(venv)
        if _workers_pay(venv):
            raise paid_twice(RewardWrapper)
        task = self._receive(venv, reward, gamma, task or task_of_venv(venv, None), training)
        teams = require_teams(getattr(venv, "teams", None), venv.num_envs)
        task = replace(task, teams=teams) if teams else task
        self._lanes: Stream | FewLanes = _lanes(self._reward, venv.num_envs, task, training)
        self._actions: Any = None
        self.ended: tuple[list[dict[str, Any]], Any] | None = None
        self._steps = GoalSteps() if self.goal_needs_info and not self.goal_refusal else None
        self._base = _innermost(venv)
        # SuperSuit's VecEnv wraps what is none: it forgets the info of later resets, and cannot seed
        self._foreign = isinstance(self._base, VecEnvWrapper)
        self._nothing: list[dict[str, Any]] = [{} for _ in range(venv.num_envs)]

    def reset(self) -> Any:
        self._begin()
        obs = self.venv.reset()
        reset_infos = list(self._base.reset_infos)
        if len(reset_infos) != self.num_envs:
            reset_infos = self._nothing
        if isinstance(self._lanes, FewLanes):
            self._lanes.begin(obs, reset_infos)
        else:
            self._lanes.begin(obs, ListInfo(reset_infos))
        self.reset_infos = reset_infos
        if self._steps is not None:
            self._steps.begin(obs)
        return obs

    def seed(self, seed: int | None = None) -> Any:
        if not self._foreign:
            return self.venv.seed(seed)
        if seed is None:
            return [None] * self.num_envs
        # what stands below SuperSuit's VecEnv seeds when it resets
        self._base.venv.reset(seed=seed)
        return [seed + i for i in range(self.num_envs)]

    def step_async(self, actions: Any) -> None:
        # lists are common: venv.step([venv.action_space.sample()])
        self._actions = np.asarray(actions)
        self.venv.step_async(actions)

    def step(self, actions: Any) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        # what VecEnv.step does, without a call in between
        # lists are common: venv.step([venv.action_space.sample()])
        self._actions = np.asarray(actions)
        self.venv.step_async(actions)
        return self.step_wait()

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        obs, rewards, dones, infos = self.venv.step_wait()
        if self._steps is not None:
            cut = np.array([bool(info.get("TimeLimit.truncated")) for info in infos])
            self._steps.note(self._actions, obs, infos, np.stack([dones & ~cut, cut], axis=1))
        if rewards.dtype is not SINGLE and rewards.dtype.kind != "f":
            # workers hand over what environments return: whole numbers, objects
            rewards = np.array([number(reward) for reward in rewards])
        if dones.dtype is not BOOL:
            # SuperSuit hands over whole numbers, of which ~ makes others
            dones = dones.astype(bool)
        stream = self._lanes
        if isinstance(stream, FewLanes):
            reset_infos = self._nothing if self._foreign else self._base.reset_infos
            value = stream.advance(self._actions, obs, rewards, dones, infos, reset_infos)
            for i in stream.ended:
                for name, total in infos[i]["episode_terms"].items():
                    self._note(name, total, total)
            self.ended = infos, dones
            return obs, value, dones, infos
        if 1 in dones.tobytes():  # a third of count_nonzero
            value = self._step_with_ends(stream, obs, rewards, dones, infos)
        else:
            value = stream.advance(
                self._actions,
                obs,
                rewards.astype(np.float64),
                dones,
                dones,
                ListInfo(infos),
                ends=False,
            )
        self.ended = infos, dones
        return obs, value.astype(np.float32), dones, infos

    def _step_with_ends(
        self, stream: Stream, obs: Any, rewards: Any, dones: Any, infos: list[dict[str, Any]]
    ) -> np.ndarray[Any, Any]:
        """The step on which some lanes ended: ``obs`` already shows their next episode."""
        ended = dones.nonzero()[0].tolist()
        truncated = dones & False
        for i in ended:
            truncated[i] = infos[i].get("TimeLimit.truncated", False)
        upcoming_info = list(infos)
        reset_infos = self._nothing if self._foreign else self._base.reset_infos
        for i in ended:
            upcoming_info[i] = reset_infos[i]
        value = stream.advance(
            self._actions,
            with_terminal(obs, infos, ended),
            rewards.astype(np.float64),
            dones & ~truncated,
            truncated,
            ListInfo(infos),
            upcoming=obs,
            upcoming_info=ListInfo(upcoming_info),
        )
        for i in ended:
            sums = stream.sums[:, i].tolist()
            infos[i]["episode_terms"] = dict(zip(stream.names, sums, strict=True))
        for name, column in zip(stream.names, stream.sums[:, ended], strict=True):
            self._note(name, float(column.min()), float(column.max()))
        return value

    def _normalises(self, layer: Any) -> bool:
        return (isinstance(layer, VecNormalize) and layer.norm_obs) or super()._normalises(layer)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        if method_name == "compute_reward":
            achieved, desired, info = method_args
            lanes = list(self._get_indices(indices))
            own = partial(self._own_compute, lanes[:1])
            found = self._goal_reward(self.observation_space).compute(achieved, desired, info, own)
            return [found] * len(lanes)
        if method_name not in METHODS:
            return self.venv.env_method(method_name, *method_args, indices=indices, **method_kwargs)
        lanes = list(self._get_indices(indices))
        if len(lanes) != self.num_envs:
            raise ConfigError(
                f"{method_name} must be called for all lanes, got {len(lanes)} of {self.num_envs}. "
                "They are paid by one reward: leave indices out."
            )
        return [getattr(self, method_name)(*method_args, **method_kwargs)] * self.num_envs

    def _own_compute(self, lane: list[int], *given: Any) -> Any:
        return self.venv.env_method("compute_reward", *given, indices=lane)[0]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        # ARS plays by evaluate_policy, which prefers Monitor's return, the true one, to what was paid
        if issubclass(wrapper_class, Monitor) and self.training and not self._pays_env_alone():
            return [False] * len(list(self._get_indices(indices)))
        return self.venv.env_is_wrapped(wrapper_class, indices=indices)

    def _pays_env_alone(self) -> bool:
        return isinstance(self._reward, EnvReward)

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        if attr_name not in ATTRIBUTES:
            return self.venv.get_attr(attr_name, indices)
        value = getattr(self, attr_name)
        lanes = self._get_indices(indices)
        if attr_name == "last_step":
            return [take(value, slice(i, i + 1)) for i in lanes]
        return [value[i : i + 1] if attr_name in BY_LANE else value for i in lanes]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        if attr_name == "training":
            self.training = value
            return
        if attr_name in ("weight", *ATTRIBUTES, *self.term_names):
            raise ConfigError(
                f'"{attr_name}" must be changed with set_reward or set_weight, got set_attr. '
                "set_attr writes on the outermost wrapper of each env, where nothing reads it."
            )
        self.venv.set_attr(attr_name, value, indices)

    def __getstate__(self) -> dict[str, Any]:
        # SB3 keeps the members of the class, which cannot be pickled
        return {k: v for k, v in self.__dict__.items() if k != "class_attributes"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.class_attributes = dict(inspect.getmembers(self.__class__))


def _innermost(venv: VecEnv) -> Any:
    """The innermost layer that is an SB3 VecEnv."""
    while isinstance(venv, VecEnvWrapper) and isinstance(venv.venv, VecEnv):
        venv = venv.venv
    return venv


def _workers_pay(venv: VecEnv) -> bool:
    """Whether lanes that live in other processes pay a reward already."""
    if hasattr(venv.unwrapped, "envs"):
        return False
    try:
        return bool(venv.env_is_wrapped(RewardWrapper, indices=[0])[0])
    except (AttributeError, NotImplementedError):
        return False


def _lanes(reward: Reward, lanes: int, task: Task, training: bool) -> Stream | FewLanes:
    """Scalar steps for a few lanes of a reward that is all text; else one batch."""
    learns = any(node.learns for node in reward.walk())
    if lanes <= FEW and not learns and not reward.lookahead:
        for node in reward.walk():
            node.validate(task)
        if not write(reward, task).slow:
            return FewLanes(reward, lanes, task=task, training=training)
    return Stream(reward, lanes, task=task, training=training, limit=FLOAT32)
