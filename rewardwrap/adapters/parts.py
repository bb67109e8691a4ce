"""Environments that pay a vector: one layer below everything that wants one number.

Multi-objective environments (mo-gymnasium) return one reward for each objective. Learners, Monitor and
gymnasium's vector environments hold one number a step, so the parts go into ``info`` and their plain sum
stands as the true reward; what counts for how much is said in the reward: ``rw.EnvReward(part=1)``.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorWrapper

from rewardwrap.core.errors import ConfigError, StackError
from rewardwrap.core.info import PARTS
from rewardwrap.core.reward import Reward
from rewardwrap.rewards.env import EnvReward


class RewardParts(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Pays the sum of a vector reward ``(k,)`` and keeps the parts in ``info["reward_parts"]``."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        gym.Wrapper.__init__(self, env)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        obs, reward, terminated, truncated, info = self.env.step(action)
        parts = np.array(reward, np.float64)
        info[PARTS] = parts
        return obs, float(parts.sum()), terminated, truncated, info


class RewardPartsVector(VectorWrapper):
    """The same for a vector environment whose rewards have shape ``(lanes, k)``."""

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        obs, reward, terminated, truncated, info = self.env.step(actions)
        parts = np.array(reward, np.float64)
        info[PARTS] = parts
        return obs, parts.sum(axis=1), terminated, truncated, info


def parts_of(reward: Reward) -> tuple[int | None, ...]:
    """The parts of the environment's reward that are paid; None stands for "the" reward."""
    return tuple(node.part for node in reward.walk() if isinstance(node, EnvReward))


def divided(env: Any, paid: tuple[int | None, ...]) -> Any:
    """The environment with its vector reward taken apart, where it pays one.

    Args:
        env: A gymnasium environment or vector environment, or an SB3 VecEnv.
        paid: What is paid of the environment's reward, see `parts_of`.

    Raises:
        ConfigError: The environment pays a vector and the reward does not say which part.
        StackError: Its lanes are stepped by a vector environment that holds one number for each.
    """
    width = _width(env)
    if width is None or isinstance(env, RewardParts | RewardPartsVector):
        return env
    vector = isinstance(env, VectorEnv)
    if vector and not hasattr(env.unwrapped, "reward_space"):
        raise _one_number(env, width, "Use mo_gymnasium.wrappers.vector.MOSyncVectorEnv.")
    if not vector and not isinstance(env, gym.Env):
        raise _one_number(env, width, "Use rw.make(env_id, reward), which takes it apart below.")
    _require_named(paid, width)
    return RewardPartsVector(env) if vector else RewardParts(env)


def _require_named(paid: tuple[int | None, ...], width: int) -> None:
    """Refuse to pay "the" reward of an environment that has several.

    Raises:
        ConfigError: Some `EnvReward` does not name its part, or one that is not there.
    """
    for part in paid:
        if part is None or part >= width:
            raise ConfigError(
                f"EnvReward: part must be one of 0 to {width - 1}, since the environment pays {width} "
                f"numbers a step, got {part}. Say what counts for how much, e.g. "
                'rw.EnvReward(part=0).named("first") + 0.1 * rw.EnvReward(part=1).named("second").'
            )


def _one_number(env: Any, width: int, cure: str) -> StackError:
    return StackError(
        f"{type(env.unwrapped).__name__} must be given one number a lane, got an environment that pays "
        f"{width}. {cure}"
    )


def _width(env: Any) -> int | None:
    """How many numbers a step pays; None for the usual one."""
    lanes = getattr(env.unwrapped, "envs", None)
    layer = lanes[0] if lanes else env
    while isinstance(layer, gym.Wrapper):
        if isinstance(layer, RewardParts) or type(layer).__name__ == "LinearReward":
            return None
        layer = layer.env
    # mo-gymnasium's word for it; a native vector environment has it too
    shape = getattr(getattr(layer, "reward_space", None), "shape", None) or (1,)
    return int(shape[-1]) if shape[-1] > 1 else None
