"""Rewards on stable-baselines3 vector environments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecNormalize

from rewardwrap.adapters.tasks import shared_discount, task_of_venv, weighted
from rewardwrap.core import tree
from rewardwrap.core.config import from_config
from rewardwrap.core.errors import ConfigError, StackError
from rewardwrap.core.info import ListInfo
from rewardwrap.core.knowledge import require_unused, take_on
from rewardwrap.core.reward import Reward
from rewardwrap.core.scalar import FewLanes, write
from rewardwrap.core.stream import Stream
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Transitions

FEW = 24
"""Up to so many lanes a loop of scalar steps beats one numpy step (docs/results/speed.md)."""


class RewardVecEnv(VecEnvWrapper):
    """Pays a composed reward in every lane of an SB3 vector environment.

    The reward is stepped in this process, once for all lanes, so the workers of a SubprocVecEnv cannot
    hold another version of it. ``reward_terms`` and ``episode_terms`` are ``(n_envs, k)`` views whose
    columns are ``term_names``; at an episode's end ``infos[i]["episode_terms"]`` holds its sums. Dicts
    at every step would cost more than the reward.

    Args:
        venv: Any SB3 vector environment.
        reward: A reward or its configuration.
        gamma: Discount of the agent, for potentials that have none of their own.
        training: Whether the reward may learn from what it sees.
        task: Named fields; by default those of the environment's recipe.

    Raises:
        StackError: Named fields would be read from a normalised observation.
    """

    def __init__(
        self,
        venv: VecEnv,
        reward: Reward | Mapping[str, Any] | list[Any] | str,
        *,
        gamma: float | None = None,
        training: bool = True,
        task: Task | None = None,
    ) -> None:
        super().__init__(venv)
        self.reward = from_config(reward)
        gamma = shared_discount(self.reward, gamma)
        self._stream = _stream(
            self.reward, venv.num_envs, task or task_of_venv(venv, gamma), training
        )
        _refuse_normalised_fields(venv, self.reward)
        if training:
            take_on(self.reward)
        self._begun = False
        self._actions: Any = None
        self._base = venv.unwrapped

    @property
    def term_names(self) -> tuple[str, ...]:
        """Names of everything recorded: ``("env", <terms>, "shaped")``."""
        return self._stream.names

    @property
    def reward_terms(self) -> np.ndarray[Any, Any]:
        """``(n_envs, k)`` view of the last step's terms."""
        return self._stream.terms.T

    @property
    def episode_terms(self) -> np.ndarray[Any, Any]:
        """``(n_envs, k)`` view of the terms' sums over each lane's episode."""
        return self._stream.sums.T

    @property
    def last_step(self) -> Transitions:
        """The step that was paid last, of all lanes; the next step overwrites it, so copy what you keep.

        Raises:
            StackError: The reward is stepped lane by lane, as only written-out rewards are.
        """
        if isinstance(self._stream, FewLanes):
            raise StackError(
                "last_step must come from a reward that is stepped in batches, got one written out "
                "lane by lane. Read the episode columns with rw.Recorder instead."
            )
        return self._stream.batch

    @property
    def task(self) -> Task:
        """Named fields and the discount."""
        return self._stream.task

    @property
    def training(self) -> bool:
        """Whether the reward may learn from what it sees."""
        return self._stream.training

    @training.setter
    def training(self, value: bool) -> None:
        self._stream.training = value

    def reset(self) -> Any:
        if not self._begun:
            self._begun = True
            if self.training:
                require_unused(self.reward)
        obs = self.venv.reset()
        reset_infos = list(self._base.reset_infos)
        if isinstance(self._stream, FewLanes):
            self._stream.begin(obs, reset_infos)
        else:
            self._stream.begin(obs, ListInfo(reset_infos))
        self.reset_infos = self._base.reset_infos
        return obs

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
        stream = self._stream
        if isinstance(stream, FewLanes):
            reset_infos = self._base.reset_infos
            value = stream.advance(self._actions, obs, rewards, dones, infos, reset_infos)
            return obs, value, dones, infos
        if np.count_nonzero(dones):
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
        for i in ended:
            upcoming_info[i] = self._base.reset_infos[i]
        value = stream.advance(
            self._actions,
            _with_terminal(obs, infos, ended),
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
        return value

    def set_reward(self, reward: Reward | Mapping[str, Any]) -> None:
        """Pay another reward from the next step on, in every lane.

        Raises:
            ConfigError: It records other terms.
        """
        built = from_config(reward)
        self._stream.replace_reward(built)
        self.reward = built

    def set_weight(self, name: str, weight: float) -> None:
        """Give a named term another weight from the next step on, in every lane."""
        self.set_reward(weighted(self.reward, name, weight))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        if attr_name in ("reward", "weight", *self.term_names):
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


def _with_terminal(obs: Any, infos: list[dict[str, Any]], ended: list[int]) -> Any:
    """A copy of ``obs`` that shows, where an episode ended, its last observation."""
    last = [infos[i]["terminal_observation"] for i in ended]
    if isinstance(obs, np.ndarray):
        # row by row: most often one lane ended, and to stack would cost more than the reward
        successors = obs.copy()
        for i, row in zip(ended, last, strict=True):
            successors[i] = row
        return successors
    return tree.put(obs, ended, tree.stack(last))


def _stream(reward: Reward, lanes: int, task: Task, training: bool) -> Stream | FewLanes:
    """Scalar steps for a few lanes of a reward that is all text; else one batch."""
    learns = any(node.learns for node in reward.walk())
    if lanes <= FEW and not learns and not reward.lookahead:
        for node in reward.walk():
            node.validate(task)
        if not write(reward, task).slow:
            return FewLanes(reward, lanes, task=task, training=training)
    return Stream(reward, lanes, task=task, training=training)


def _refuse_normalised_fields(venv: VecEnv, reward: Reward) -> None:
    layer: Any = venv
    while isinstance(layer, VecEnvWrapper):
        if isinstance(layer, VecNormalize) and layer.norm_obs and not _ignores_observations(reward):
            raise StackError(
                "rewardwrap must see the environment's observations, got those of VecNormalize below it. "
                "Wrap first and normalise after: VecNormalize(rw.wrap(venv, reward))."
            )
        layer = layer.venv


def _ignores_observations(reward: Reward) -> bool:
    return not any(node.reads_obs for node in reward.walk())
