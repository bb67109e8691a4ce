"""Rewards on gymnasium vector environments, in all three autoreset modes."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from rewardwrap.adapters.host import Host, RewardLike
from rewardwrap.adapters.observations import all_arrays, batched, stacked
from rewardwrap.adapters.tasks import task_of_vector
from rewardwrap.core import tree
from rewardwrap.core.errors import StackError
from rewardwrap.core.info import VectorInfo
from rewardwrap.core.stream import Stream
from rewardwrap.core.task import Task


class VectorRewardWrapper(Host, VectorWrapper):
    """Pays a composed reward in every lane of a vector environment.

    ``reward_terms`` and ``episode_terms`` are ``(num_envs, k)`` copies whose columns are ``term_names``;
    at an episode's end ``info["episode_terms"]`` holds the sums of the lanes that ended, in gymnasium's
    own layout (a dict of arrays with masks).

    Args:
        env: Any gymnasium vector environment that says its autoreset mode.
        reward: A reward, its configuration or its file.
        gamma: Discount of the agent, for potentials that have none of their own.
        training: Whether the reward may learn from what it sees.
        task: Named fields; by default those of the environment's recipe.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        reward: RewardLike,
        *,
        gamma: float | None = None,
        training: bool = True,
        task: Task | None = None,
    ) -> None:
        super().__init__(env)
        self._mode = autoreset_mode(env)
        task = self._receive(env, reward, gamma, task or task_of_vector(env, None), training)
        self._lanes: Stream = Stream(self._reward, env.num_envs, task=task, training=training)
        self._resets: np.ndarray[Any, Any] | None = None
        self._plain = all_arrays(env.single_observation_space)
        # until two steps in a row say otherwise, observations may share one buffer
        self._looked, self._reuses = False, True
        self._last: Any = None

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        # SyncVectorEnv pops "reset_mask" from the caller's dict: read it before delegating
        mask = None if options is None else options.get("reset_mask")
        mask = None if mask is None else np.array(mask, bool)
        self._begin()
        obs, info = self.env.reset(seed=seed, options=options)
        self._lanes.begin(self._columns(obs), VectorInfo(info), rows=mask)
        self._resets = None
        self._last = None
        return obs, info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        obs, reward, terminated, truncated, info = self.env.step(actions)
        if not self._looked:
            self._looked = self._last is not None
            self._reuses = not self._looked or tree.shares_memory(obs, self._last)
            self._last = None if self._looked else obs
        ended = terminated | truncated
        any_ended = 1 in ended.tobytes()  # a third of count_nonzero
        kept = tree.copy(obs) if self._reuses and self._plain else self._columns(obs)
        successors, final = kept, None
        if any_ended and self._mode is AutoresetMode.SAME_STEP:
            space = self.env.single_observation_space
            successors, final = tree.put(kept, ended, final_obs(info, ended, space)), ended
        reader = VectorInfo(info)
        value = self._lanes.advance(
            np.asarray(actions) if isinstance(actions, list) else actions,
            successors,
            np.asarray(reward, np.float64),
            terminated,
            truncated,
            reader if final is None else VectorInfo(info, final=final),
            ends=any_ended,
            upcoming=kept,
            upcoming_info=reader,
            resets=self._resets,
        )
        next_step = any_ended and self._mode is AutoresetMode.NEXT_STEP
        self._resets = ended if next_step else None
        if any_ended:
            self._report(info, ended)
        return obs, value, terminated, truncated, info

    def _columns(self, obs: Any) -> Any:
        return obs if self._plain else batched(self.env.single_observation_space, obs)

    def _report(self, info: dict[str, Any], ended: np.ndarray[Any, Any]) -> None:
        sums: dict[str, Any] = {}
        for name, column in zip(self._lanes.names, self._lanes.sums, strict=True):
            sums[name] = np.where(ended, column, 0.0)
            sums[f"_{name}"] = ended.copy()
            self._note(name, float(column[ended].min()), float(column[ended].max()))
        info["episode_terms"], info["_episode_terms"] = sums, ended.copy()


def autoreset_mode(env: VectorEnv[Any, Any, Any]) -> AutoresetMode:
    """How a vector environment restarts lanes that ended.

    Raises:
        StackError: It does not say.
    """
    mode = env.metadata.get("autoreset_mode")
    try:
        return AutoresetMode(mode)
    except ValueError:
        raise StackError(
            f'vector env must say metadata["autoreset_mode"], got {mode!r}. '
            f"Set it to one of {', '.join(m.name for m in AutoresetMode)}: without it the row after an "
            "episode's end cannot be told from a transition."
        ) from None


def final_obs(info: dict[str, Any], ended: np.ndarray[Any, Any], space: gym.Space[Any]) -> Any:
    """Terminal observations of the lanes that ended, under SAME_STEP.

    Raises:
        StackError: There are none.
    """
    if "final_obs" not in info:
        raise StackError(
            "a SAME_STEP vector env must report final_obs where an episode ends, got none. "
            "Without it the true successor is lost."
        )
    return stacked(space, [info["final_obs"][i] for i in np.flatnonzero(ended)])
