"""A bonus for what is new in this episode, the more so where it is new altogether."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.registry import register
from rewardwrap.core.transitions import Carry, Transitions
from rewardwrap.rewards.curiosity import Mind, Nets, Sizes, Student
from rewardwrap.rewards.inverse import inverse_loss, inverse_nets
from rewardwrap.rewards.limits import require_number
from rewardwrap.rewards.reading import Seen

CLUSTER, CONSTANT, MOST = 0.008, 0.001, 8.0
"""Distance below which two states are one, pseudo-count, and similarity from which nothing is paid."""


@register("ngu")
class NGU(Student):
    """``r_episode * clip(1 + (e - mean) / sd, 1, limit)``; e is an error of distillation as in `RND`.

    ``r_episode = 1 / (sqrt(sum_k K) + c)`` over the k nearest of this episode's states in features of
    the agent, ``K = epsilon / (max(d^2 / d_m^2 - 0.008, 0) + epsilon)``; ``d_m^2`` is the running mean
    of those distances. The memory of an episode begins with its first state. A state as familiar as
    ``sqrt(sum K) + c > 8`` pays nothing.

    Args:
        k: Neighbours.
        memory: States of an episode that are remembered, the last ones; per lane.
        epsilon: Of the kernel, above 0.
        limit: Largest factor of what is new altogether, at least 1.
        hidden: Units of the hidden layers.
        features: Numbers of both kinds of features.
        every: Steps of all lanes together between two updates; about a rollout.
        rate: Learning rate.
        seed: Of the first weights and of the order of what is learned.
        normalise: Whether to divide by the running deviation of the discounted sum.
        gamma: Discount of that sum, in [0, 1].

    Raises:
        ConfigError: A number outside its range; observations or actions that are no numbers.

    Source: Badia et al., "Never give up: learning directed exploration strategies", 2020,
        arXiv 2002.06038, equations 1 and 2, algorithm 1. Deviations: one agent with one weight instead
        of a family of them; images pass one fixed random convolution first.

    Example:
        >>> import rewardwrap as rw
        >>> venv = rw.make("MountainCar-v0", rw.EnvReward() + 0.1 * rw.NGU().clip(0, 1), n_envs=8)
    """

    reads: ClassVar[tuple[str, ...]] = ("obs", "action", "next_obs")
    recomputes: ClassVar[bool] = False

    sizes: ClassVar[tuple[str, ...]] = ("k", "memory", "hidden", "features")

    _: KW_ONLY
    k: int = 10
    memory: int = 256
    epsilon: float = 1e-3
    limit: float = 5.0
    hidden: int = 64
    features: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "epsilon", "The paper has 1e-3.", low=0.0, above=True)
        require_number(self, "limit", "The paper has 5.", low=1.0)
        # count and mean of squared distances; count, mean and squares of errors
        object.__setattr__(self, "_distances", np.zeros(2))
        object.__setattr__(self, "_errors", np.zeros(3))

    def fixed(self, width: int, actions: int) -> Sizes:
        return {"target": (width, self.hidden, self.features)}

    def learned(self, width: int, actions: int) -> Sizes:
        predictor = (width, self.hidden, self.features)
        return {**inverse_nets(width, actions, self.hidden, self.features), "predictor": predictor}

    def loss(self, nets: Nets, seen: Seen) -> Any:
        distilled = ((nets["target"](seen.y) - nets["predictor"](seen.y)) ** 2).mean()
        return distilled + inverse_loss(nets, seen, self.mind.reader)

    def begin(self, lanes: int) -> Carry:
        states = np.zeros((lanes, self.memory, self.features))
        return states, np.zeros(lanes, np.int64)

    def feel(self, own: Carry, batch: Transitions, mind: Mind, seen: Seen) -> tuple[Carry, Any]:
        states, count = own[0].copy(), np.where(batch.first, 1, own[1])
        if batch.starts:
            states[batch.first, 0] = mind.nets["phi"](seen.x)[batch.first]
        here = mind.nets["phi"](seen.y)
        square = ((states - here[:, None]) ** 2).sum(-1)
        square[np.arange(self.memory) >= count[:, None]] = np.inf
        near = np.sort(square, axis=1)[:, : self.k]
        error = ((mind.nets["target"](seen.y) - mind.nets["predictor"](seen.y)) ** 2).mean(-1)
        if batch.training:
            self._learn(near[np.isfinite(near)], error[np.isfinite(error)])
        states[np.arange(batch.lanes), count % self.memory] = here
        return (states, count + 1), self._episodic(near) * self._altogether(error)

    def _episodic(self, near: NDArray[Any]) -> NDArray[Any]:
        typical = self._distances[1] or 1.0  # type: ignore[attr-defined]
        return episodic(kernel(near / typical, self.epsilon))

    def _altogether(self, error: NDArray[Any]) -> NDArray[Any]:
        count, mean, squares = self._errors  # type: ignore[attr-defined]
        sd = np.sqrt(squares / max(count, 1.0))
        if sd == 0.0:
            return np.ones(len(error))
        factor: NDArray[Any] = np.clip(1.0 + (error - mean) / sd, 1.0, self.limit)
        return factor

    def _learn(self, near: NDArray[Any], error: NDArray[Any]) -> None:
        distances, errors = self._distances, self._errors  # type: ignore[attr-defined]
        if len(near):
            distances[0] += len(near)
            distances[1] += (near - distances[1]).sum() / distances[0]
        if len(error):
            away = error - errors[1]
            errors[0] += len(error)
            errors[1] += away.sum() / errors[0]
            errors[2] += away @ (error - errors[1])

    def knowledge(self) -> dict[str, np.ndarray[Any, Any]]:
        own = {"distances": self._distances, "errors": self._errors}  # type: ignore[attr-defined]
        return {**super().knowledge(), **own}

    def learn_again(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        super().learn_again(arrays)
        for name in ("distances", "errors"):
            object.__setattr__(self, f"_{name}", np.array(arrays[name], np.float64))


def kernel(square: NDArray[Any], epsilon: float) -> NDArray[Any]:
    """How alike two states are: 1 at no distance, 0 far away.

    Args:
        square: Squared distances in units of the typical one; infinity for no state.
        epsilon: The smaller, the sharper.
    """
    alike: NDArray[Any] = epsilon / (np.maximum(square - CLUSTER, 0.0) + epsilon)
    return alike


def episodic(alike: NDArray[Any]) -> NDArray[Any]:
    """``1 / (sqrt(sum K) + c)``, and 0 for what is all too familiar: ``(B, k) -> (B,)``."""
    familiar = np.sqrt(alike.sum(axis=-1)) + CONSTANT
    paid: NDArray[Any] = np.where(familiar > MOST, 0.0, 1.0 / familiar)
    return paid
