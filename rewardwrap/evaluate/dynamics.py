"""Tabular environments that write their dynamics out: gymnasium's ``env.unwrapped.P``.

Where an episode can end in state ``s``, there is a second state beside ``s``: *s, after the end*. It is
absorbing, pays nothing, and a potential is 0 there. The ended states come after the others:
``ended[k]`` is the state that number ``states + k`` is the end of. So a state that may also be passed
through (Taxi's drop-off) keeps its own row, and every form of the distances stays exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.transitions import BoolArray, FloatArray
from rewardwrap.evaluate.mdp import MdpError


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Everything that can happen, one row each.

    Args:
        state: ``(N,)`` before.
        action: ``(N,)``.
        chance: ``(N,)`` probability, given state and action.
        next_state: ``(N,)`` after.
        reward: ``(N,)`` the environment's own.
        terminated: ``(N,)`` the episode ends there.
        start: ``(S,)`` probability of a first state.
        actions: Number of actions.
    """

    state: NDArray[np.int64]
    action: NDArray[np.int64]
    chance: FloatArray
    next_state: NDArray[np.int64]
    reward: FloatArray
    terminated: BoolArray
    start: FloatArray
    actions: int

    @property
    def states(self) -> int:
        """How many states the environment numbers."""
        return len(self.start)

    @property
    def ended(self) -> NDArray[np.int64]:
        """States in which an episode can end, ascending."""
        return np.unique(self.next_state[self.terminated])

    def arrays(self) -> tuple[FloatArray, FloatArray]:
        """``T`` and the environment's own mean reward, ``(S + E, A, S + E)``, ended states last.

        The reward is 0 on transitions that cannot happen.
        """
        size, ended = self.states + len(self.ended), self.ended
        after = np.where(
            self.terminated, self.states + np.searchsorted(ended, self.next_state), self.next_state
        )
        place = (self.state, self.action, after)
        dynamics, paid = np.zeros((2, size, self.actions, size))
        np.add.at(dynamics, place, self.chance)
        np.add.at(paid, place, self.chance * self.reward)
        reward = np.divide(paid, dynamics, out=np.zeros_like(paid), where=dynamics > 0)
        last = np.arange(self.states, size)
        dynamics[last, :, last] = 1.0
        return dynamics, reward

    def start_of_all(self) -> FloatArray:
        """``start`` with zeros for the ended states."""
        return np.concatenate([self.start, np.zeros(len(self.ended))])


def writes_out(env: gym.Env[Any, Any]) -> bool:
    """Whether an environment has the table that `outcomes` reads."""
    table = getattr(env.unwrapped, "P", None)
    return isinstance(table, Mapping) and isinstance(env.observation_space, gym.spaces.Discrete)


def outcomes(env: gym.Env[Any, Any]) -> Outcomes:
    """Read ``env.unwrapped.P``: ``P[s][a] = [(chance, next state, reward, terminated), ...]``.

    Its time limit is not in the table: episodes go on until they terminate.

    Raises:
        MdpError: No such table, other observations than the table's states, or chances that do not
            sum to 1.
    """
    if not writes_out(env):
        raise MdpError(
            f"env must be tabular, with env.unwrapped.P and Discrete observations, got {env}. "
            "Give arrays (T=..., start=...), or use rw.evaluate.reward_distance on samples."
        )
    table = env.unwrapped.P  # type: ignore[attr-defined]
    rows = [
        (s, a, *outcome)
        for s, acts in table.items()
        for a, seen in acts.items()
        for outcome in seen
    ]
    state, action, chance, after, reward, over = (np.array(c) for c in zip(*rows, strict=True))
    states = len(table)
    start = getattr(env.unwrapped, "initial_state_distrib", None)
    if start is None:
        raise MdpError(
            f"env must have initial_state_distrib, where episodes start, got {env}. "
            "Give arrays (T=..., start=...)."
        )
    actions = int(action.max()) + 1
    total = np.zeros((states, actions))
    np.add.at(total, (state, action), chance.astype(np.float64))
    if np.abs(total - 1.0).max() > 1e-6:
        s, a = np.argwhere(np.abs(total - 1.0) > 1e-6)[0].tolist()
        raise MdpError(
            f"P[{s}][{a}] must hold chances that sum to 1, got {total[s, a]:g}. Mend the table."
        )
    chance = chance / total[state, action]
    return Outcomes(
        state.astype(np.int64),
        action.astype(np.int64),
        chance,
        after.astype(np.int64),
        reward.astype(np.float64),
        over.astype(bool),
        np.asarray(start, np.float64) / float(np.sum(start)),
        actions,
    )
