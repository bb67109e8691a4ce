"""A time limit that is an end: one layer under the reward, on every host.

SB3's learners add ``gamma V(s_T)`` to the reward of a truncated step, since the task would have gone on.
Where the clock belongs to the task (an episode is judged as a whole when it is over) nothing goes on:
then the limit is an end, for the reward and for the learner alike.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.wrappers import TimeAwareObservation

from rewardwrap.adapters.tasks import task_of, task_of_vector, task_of_venv
from rewardwrap.core.errors import ConfigError, warn
from rewardwrap.core.info import LIMIT
from rewardwrap.core.task import Task

CLOCKS = {"clock", "elapsed", "step", "steps", "steps_left", "time", "time_left"}


class LimitEnds(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Reports a truncated step as terminated, and says so in ``info["rewardwrap/limit"]``."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        gym.Wrapper.__init__(self, env)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        obs, reward, terminated, truncated, info = self.env.step(action)
        if truncated:
            info[LIMIT] = not terminated
        return obs, reward, terminated or truncated, False, info


class LimitEndsVector(VectorWrapper):
    """`LimitEnds` in every lane of a gymnasium vector environment, in all three autoreset modes."""

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        obs, reward, terminated, truncated, info = self.env.step(actions)
        limit = truncated & ~terminated
        if limit.any():
            info[LIMIT], info[f"_{LIMIT}"] = limit, limit.copy()
        return obs, reward, terminated | truncated, np.zeros_like(truncated), info


def require_limit(limit: str) -> str:
    """The word, or a sentence.

    Raises:
        ConfigError: It is neither ``"bootstrap"`` nor ``"end"``.
    """
    if limit not in ("bootstrap", "end"):
        raise ConfigError(
            f'limit must be "bootstrap" or "end", got {limit!r}. '
            "SB3's learners bootstrap at a time limit; an end is an end for them too."
        )
    return limit


def limited(env: Any, limit: str, task: Task | None = None) -> Any:
    """The environment as the reward and the learner shall see its time limit.

    Args:
        env: A gymnasium environment or vector environment, or an SB3 VecEnv.
        limit: ``"bootstrap"``: as it is, the learner adds the value behind the limit. ``"end"``: the limit
            ends the task, ``terminated=True``. Wrappers below, such as Monitor, still see ``truncated``.
        task: Named fields, one of which may be a clock; by default those of the environment's recipe.

    Raises:
        ConfigError: Another word.

    Warns:
        RewardwrapWarning: ``"end"`` without a limit, or with observations that do not hold the time.
    """
    if require_limit(limit) == "bootstrap":
        return env
    if isinstance(env, gym.Env):
        _warn_of_a_hidden_clock(env, task or task_of(env))
        return LimitEnds(env)
    if isinstance(env, VectorEnv):
        _warn_of_a_hidden_clock(env, task or task_of_vector(env, None))
        return LimitEndsVector(env)
    _warn_of_a_hidden_clock(env, task or task_of_venv(env, None))
    from rewardwrap.adapters.limit_sb3 import LimitEndsVecEnv

    return LimitEndsVecEnv(env)


def _warn_of_a_hidden_clock(env: Any, task: Task) -> None:
    """Warn where a limit shall be an end and nothing says that there is one, or when it comes."""
    if not _has_limit(env):
        cure = "Give it one, gymnasium.make(..., max_episode_steps=...), or leave limit out."
        warn(f'limit="end" should stand over a time limit, got an environment without one. {cure}')
    elif not _shows_time(env, task):
        cure = "Add gymnasium.wrappers.TimeAwareObservation below the reward."
        warn(
            'limit="end" should stand over observations that hold the time, got none that say so: '
            f"the same observation can be worth much or nothing. {cure}"
        )


def _has_limit(env: Any) -> bool:
    spec = _of_a_lane(env, "spec")
    return spec is None or getattr(spec, "max_episode_steps", None) is not None


def _shows_time(env: Any, task: Task) -> bool:
    if any(name in CLOCKS and place.info is None for name, place in task.fields.items()):
        return True
    if hasattr(env, "env_is_wrapped"):
        return bool(env.env_is_wrapped(TimeAwareObservation, indices=[0])[0])
    lane = getattr(env.unwrapped, "envs", [env])[0] if isinstance(env, VectorEnv) else env
    while isinstance(lane, gym.Wrapper):
        if isinstance(lane, TimeAwareObservation):
            return True
        lane = lane.env
    return False


def _of_a_lane(env: Any, name: str) -> Any:
    """An attribute of the first lane, or None where the host does not tell."""
    inner = env.unwrapped if isinstance(env, VectorEnv) else env
    if isinstance(inner, gym.Env) or not hasattr(inner, "get_attr"):
        return getattr(inner, name, None)
    try:
        return inner.get_attr(name)[0]
    except (AttributeError, NotImplementedError):
        return None
