"""Do learners that play by `evaluate_policy` (ARS) read the return of what was composed?"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecEnv

from rewardwrap.core.errors import StackError

LONGEST = 5000
"""Lane-steps after which no end of an episode is waited for."""


class _Random:
    """A policy that plays at random."""

    def __init__(self, env: VecEnv) -> None:
        self._space, self._lanes = deepcopy(env.action_space), env.num_envs
        self._space.seed(0)

    def predict(self, *_: Any, **__: Any) -> tuple[Any, None]:
        return np.array([self._space.sample() for _ in range(self._lanes)]), None


class _Long(Exception):
    """No episode ended."""


def require_returns(env: VecEnv, learner: str) -> None:
    """Play as such a learner does, and compare the returns that it would read.

    Raises:
        StackError: It would read another return than the shaped one.
    """
    composed: list[float] = []
    steps = 0

    def listen(seen: dict[str, Any], _: dict[str, Any]) -> None:
        nonlocal steps
        steps += 1
        if seen["done"]:
            composed.append(seen["info"]["episode_terms"]["shaped"])
        if steps > LONGEST and not composed:
            raise _Long

    try:
        read, _ = evaluate_policy(
            _Random(env),
            env,
            n_eval_episodes=env.num_envs,
            return_episode_rewards=True,
            warn=False,
            callback=listen,
        )
    except _Long:
        return
    if not np.allclose(read, composed, rtol=1e-4, atol=1e-4):
        raise unread(learner, f"{read[0]:g} where {composed[0]:g} was paid")  # type: ignore[index]


def unread(learner: str, got: str) -> StackError:
    """The error for a learner that reads a Monitor below the reward."""
    return StackError(
        f"{learner} must learn from the return of the composed reward, got that of a Monitor below it "
        f"({got}). Use rw.make(env_id, reward), or wrap without a Monitor below: rw.wrap(venv, reward)."
    )
