"""Does the learner get the reward that was composed? A few real steps say."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from rewardwrap.adapters.check.learner import require_learner
from rewardwrap.adapters.check.numbers import require_numbers
from rewardwrap.adapters.check.payment import require_payment
from rewardwrap.adapters.host import Host
from rewardwrap.adapters.stack import host_layers, refuse_layers
from rewardwrap.core.errors import ConfigError, StackError
from rewardwrap.core.function import user_functions
from rewardwrap.core.knowledge import untaught
from rewardwrap.core.reward import Reward

__all__ = ["check"]


def check(env: Any, algo: Any = None) -> None:
    """Refuse a stack in which the learner would be paid something else than the composed reward.

    Plays with random actions until an episode ended, and compares what every layer paid: the true
    return must be the environment's own, and what was composed must come out on top, once. With
    ``algo`` that learner collects a few steps too, and what it stored is compared. Nothing is learned
    meanwhile, random generators and seeds go on as if nobody had looked, and the env is reset.

    Args:
        env: A gymnasium env, a gymnasium vector env or an SB3 VecEnv, wrapped or not.
        algo: An SB3 algorithm: its class, its name (``"sac"``) or a model, whose own policy and
            settings are used.

    Raises:
        StackError: A layer changes the reward on its way, hides the environment's own or loses it; it
            is named, with the cure.
        RewardValueError: A reward is not one finite number.
        GammaMismatch: The model's discount is not that of a potential.

    Example:
        >>> import rewardwrap as rw
        >>> rw.check(rw.make("CartPole-v1", "env"), "ppo")
    """
    if not isinstance(env, gym.Env | VectorEnv | VecEnv):
        raise ConfigError(
            "env must be a gymnasium Env, a gymnasium VectorEnv or an SB3 VecEnv, "
            f"got {type(env).__name__}. Make it first: rw.make(env_id, reward)."
        )
    if isinstance(env, VectorEnv) and algo is not None:
        raise StackError(
            "an SB3 learner must have an SB3 VecEnv, got a gymnasium vector env. "
            "Use rw.make(env_id, reward, n_envs=...)."
        )
    refuse_layers(env)
    for reward in _rewards(env):
        for held in (held for node in reward.walk() for held in user_functions(node)):
            held.recheck()
    with _undisturbed(env):
        if isinstance(env, gym.Env):
            require_numbers(env, cast=False)
        else:
            _require_lanes(env)
        require_payment(env)
        if algo is not None:
            lane = partial(_same, env)
            require_learner(env if isinstance(env, VecEnv) else DummyVecEnv([lane]), algo)
        env.reset()


def _rewards(env: Any) -> list[Reward]:
    """What is paid in this process, by the host and by its lanes."""
    layers = host_layers(env)
    for lane in getattr(layers[-1], "envs", ()):
        layers += host_layers(lane)
    return [layer.reward for layer in layers if isinstance(layer, Host)]


def _same(env: Any) -> Any:
    return env


def _require_lanes(env: VectorEnv[Any, Any, Any] | VecEnv) -> None:
    """What cannot be seen from the host: numbers before they are cast, lanes in other processes."""
    layers = host_layers(env)
    ours = [layer for layer in layers if isinstance(layer, Host)]
    for lane in getattr(layers[-1], "envs", [])[:1]:
        require_numbers(lane, cast=bool(ours))
    if not isinstance(layers[-1], gym.vector.AsyncVectorEnv):
        return
    # no call reaches into its workers, but it still knows how they were made
    for make in dict.fromkeys(layers[-1].env_fns):
        lane = make()
        try:
            refuse_layers(lane, above=ours)
            require_payment(lane, ours=type(ours[0]).__name__ if ours else None)
        finally:
            lane.close()


@contextmanager
def _undisturbed(env: Any) -> Iterator[None]:
    """Put back what the rewards know, seeds that wait for a reset, and the global generators."""
    import torch

    layers = host_layers(env)
    waiting = {name: vars(layers[-1]).get(name) for name in ("_seeds", "_options")}
    state, numbers = random.getstate(), np.random.get_state()  # noqa: NPY002
    with untaught(_rewards(env)), torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            random.setstate(state)
            np.random.set_state(numbers)  # noqa: NPY002
            for name, value in waiting.items():
                if value is not None:
                    setattr(layers[-1], name, value)
