"""Is a reward one finite number, and an observation a buffer of its own?"""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import gymnasium as gym
import numpy as np

from rewardwrap.adapters.single import RewardWrapper
from rewardwrap.adapters.stack import host_layers
from rewardwrap.core import tree
from rewardwrap.core.errors import RewardValueError, StackError
from rewardwrap.core.scalar import number

STEPS = 24


def require_numbers(env: gym.Env[Any, Any], *, cast: bool) -> None:
    """Step an environment under our wrapper and look at what it returns.

    Args:
        env: One environment, wrapped or not.
        cast: Whether something above it casts rewards.

    Raises:
        RewardValueError: A reward is not one finite number.
        StackError: It returns one observation buffer again and again.
    """
    ours = [layer for layer in host_layers(env) if isinstance(layer, RewardWrapper)]
    inner = ours[-1].env if ours else env
    space = deepcopy(inner.action_space)
    space.seed(0)
    last, _ = inner.reset()
    for _ in range(STEPS):
        obs, reward, terminated, truncated, _ = inner.step(sampled(inner, space))
        require_number(reward, _name(inner), cast=cast or bool(ours))
        if tree.shares_memory(obs, last):
            raise StackError(
                f"{_name(inner)} must return a new observation from every step, got the same buffer "
                "again. Vector envs keep it as final_obs: return self.obs.copy()."
            )
        last = obs
        if terminated or truncated:
            last, _ = inner.reset()


def sampled(env: gym.Env[Any, Any], space: gym.spaces.Space[Any]) -> Any:
    """A random action, an allowed one where the environment says which are."""
    if isinstance(space, gym.spaces.Discrete) and env.has_wrapper_attr("action_masks"):
        return space.sample(np.asarray(env.get_wrapper_attr("action_masks")(), np.int8))
    return space.sample()


def require_number(reward: Any, name: str, *, cast: bool) -> None:
    """One real number; where nothing casts it a Python one, since SB3 insists."""
    subject = f"the reward of {name}"
    if not cast and not isinstance(reward, int | float):
        raise RewardValueError(
            f"{subject} must be one Python number, got {type(reward).__name__}. Return float(reward)."
        )
    value = number(reward, subject)
    if not math.isfinite(value):
        raise RewardValueError(
            f"{subject} must be finite, got {value}. Guard the division or logarithm that made it."
        )


def _name(env: gym.Env[Any, Any]) -> str:
    return type(env.unwrapped).__name__


def require_batch(reward: Any, lanes: int) -> None:
    """One finite float for each lane.

    Raises:
        RewardValueError: Another shape or dtype, or a number that is not finite.
    """
    if reward.shape != (lanes,) or not np.issubdtype(reward.dtype, np.floating):
        raise RewardValueError(
            f"rewards must be floats of shape ({lanes},), got {reward.dtype} of shape {reward.shape}. "
            "Return one float for each lane."
        )
    if not np.isfinite(reward).all():
        lane = int(np.flatnonzero(~np.isfinite(reward))[0])
        raise RewardValueError(
            f"the reward of lane {lane} must be finite, got {reward[lane]}. "
            "Guard the division or logarithm that made it."
        )
