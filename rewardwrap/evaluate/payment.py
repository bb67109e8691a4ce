"""A reward asked what it would pay on any transition, also one that never happened."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.config import from_config
from rewardwrap.core.errors import RewardwrapError
from rewardwrap.core.reward import Affine, Named, Reward, Sum
from rewardwrap.core.signature import COLUMNS
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import BoolArray, FloatArray, Transitions, take
from rewardwrap.evaluate.modules import Network, is_module, require_three
from rewardwrap.rewards.env import Constant, Function
from rewardwrap.rewards.potential import Potential

RewardLike: TypeAlias = Reward | Mapping[str, Any] | list[Any] | str | Path | Callable[..., Any]
FILES = (".yml", ".yaml", ".json")
CHUNK = 2**16
"""Transitions paid at once; with 11 numbers an observation, 6 MB."""


class DistanceError(RewardwrapError, ValueError):
    """Rewards, coverage or dynamics that a question is not defined for."""


def as_reward(given: RewardLike) -> Reward:
    """A reward from a reward, a configuration, a file or folder, or ``f(obs, action, next_obs)``.

    A function whose parameters are all columns of a batch (``obs, action, next_obs, reward,
    terminated, truncated, info``) is given those; any other is called by position. A
    ``torch.nn.Module`` is given tensors (see `Network`), everything else arrays.

    Raises:
        ConfigError: It is none of these, does not say what it must, or is a function of anything else.
    """
    if isinstance(given, Reward):
        return given
    if isinstance(given, Path) or (isinstance(given, str) and _names_a_file(given)):
        from rewardwrap.rewards.disk import read_reward

        return read_reward(given)
    if callable(given):
        return _of_function(given)
    return from_config(given)


def _names_a_file(text: str) -> bool:
    return text.endswith(FILES) or os.path.isdir(text)


def _of_function(function: Callable[..., Any]) -> Reward:
    import inspect

    if is_module(function):
        network = Network(function)
        return Function(lambda batch: network(batch))
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    if names and set(names) <= set(COLUMNS):
        return Function(function)
    require_three(function, ())
    return Function(lambda obs, action, next_obs: function(obs, action, next_obs))


def require_markov(reward: Reward, subject: str) -> None:
    """Refuse a reward that is no function of one transition.

    `Potential` carries ``Phi(s)``, which the transition tells as well; everything else that carries
    something from step to step, draws numbers or looks ahead is refused.

    Raises:
        DistanceError: With the part that is to blame.
    """
    for node in reward.walk():
        why = ""
        if node.stochastic:
            why = "draws random numbers"
        elif own_carry(node) and not isinstance(node, Potential):
            why = "carries state from step to step"
        elif node.lookahead and not node.parts():
            why = "needs later steps"
        if why:
            raise DistanceError(
                f"{subject} must have a reward that is a function of (s, a, s'), got "
                f'{type(node).__name__}, which {why}. Use metric="erc", which compares whole '
                "episodes, or leave that part out."
            )


def own_carry(node: Reward) -> bool:
    """Whether a node carries more than its parts do."""
    below = sum(_leaves(part) for part in node.parts())
    return _leaves(node) > below


def _leaves(node: Reward) -> int:
    return len(list(tree.leaves(node.init(1))))


class Payment:
    """What a reward pays on given transitions, row by row.

    Args:
        reward: A function of one transition (see `require_markov`).
        own: The environment's own reward as ``f(obs, action, next_obs)``, for rewards with an
            ``env`` part on transitions that never happened; None where it is not known there.
    """

    def __init__(self, reward: Reward, own: Callable[..., Any] | None = None) -> None:
        self.reward = reward
        self.own = own

    def on(self, batch: Transitions) -> FloatArray:
        """``(B,)`` what is paid where a transition happened or might have, `CHUNK` rows at a time."""
        if batch.lanes > CHUNK:
            parts = [slice(low, low + CHUNK) for low in range(0, batch.lanes, CHUNK)]
            return np.concatenate([self.on(take(batch, part)) for part in parts])
        if self.own is not None:
            paid = np.asarray(self.own(batch.obs, batch.action, batch.next_obs), np.float64)
            batch = replace(batch, reward=paid, terms={})
        else:
            batch = replace(batch, terms={})
        return np.asarray(self.reward.step(self.reward.init(batch.lanes), batch)[1], np.float64)

    def after_the_end(self, batch: Transitions) -> FloatArray:
        """``(B,)`` what is paid where the row's ``obs`` is an ended state: ``gamma * Phi(s')`` alone.

        The end pays nothing and ``Phi`` is 0 there, so of a potential this much is left and of
        everything else nothing.
        """
        there = replace(batch, first=np.zeros(batch.lanes, bool), starts=False, terms={})
        return _potentials_of(self.reward, there)


class Shaping(Payment):
    """``gamma * Phi(s') - Phi(s)`` and nothing else, for the noise floor."""

    def __init__(self, phi: Callable[[Any], FloatArray], gamma: float) -> None:
        super().__init__(Constant(0.0))
        self.phi, self.gamma = phi, gamma

    def on(self, batch: Transitions) -> FloatArray:
        return self._after(batch) - self.phi(batch.obs)

    def after_the_end(self, batch: Transitions) -> FloatArray:
        return self._after(batch)

    def _after(self, batch: Transitions) -> FloatArray:
        after: FloatArray = self.gamma * np.where(batch.terminated, 0.0, self.phi(batch.next_obs))
        return after


def _potentials_of(reward: Reward, batch: Transitions) -> FloatArray:
    """The addends that are potentials, with nothing behind them and ``Phi = 0`` before."""
    if isinstance(reward, Potential):
        return reward.step(np.zeros(batch.lanes), batch)[1]
    if isinstance(reward, Named):
        return _potentials_of(reward.base, batch)
    if isinstance(reward, Sum):
        addends = np.stack([_potentials_of(term, batch) for term in reward.terms])
        return np.asarray(addends.sum(axis=0))
    if isinstance(reward, Affine) and reward.low is None and reward.high is None:
        return reward.scale * _potentials_of(reward.base, batch)
    return np.zeros(batch.lanes)


def rows(
    obs: Any,
    action: Any,
    next_obs: Any,
    terminated: BoolArray,
    *,
    task: Task,
    reward: FloatArray | None = None,
) -> Transitions:
    """A batch of unconnected transitions; the environment's own reward is NaN unless given."""
    count = len(terminated)
    return Transitions(
        obs=obs,
        action=action,
        next_obs=next_obs,
        reward=np.full(count, np.nan) if reward is None else reward,
        terminated=terminated,
        truncated=np.zeros(count, bool),
        first=np.ones(count, bool),
        training=False,
        task=task,
        ends=bool(terminated.any()),
    )


def reads_own_reward(payment: Payment, batch: Transitions) -> bool:
    """Whether a payment depends on the environment's own reward, seen on the first row."""
    one = take(batch, slice(0, 1))
    blind = replace(one, reward=np.full(1, np.nan))
    return bool(np.isnan(payment.on(blind)).any() and np.isfinite(payment.on(one)).all())
