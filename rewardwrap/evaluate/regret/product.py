"""The decision process of a rewarded environment: its states times whatever the reward remembers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core import tree
from rewardwrap.core.errors import RewardwrapError
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.evaluate.dynamics import Outcomes

LIMIT = 20_000
"""Nodes; a reward whose memory has no end meets it."""


class RegretError(RewardwrapError, ValueError):
    """A reward or environment whose optimum cannot be found exactly."""


@dataclass(frozen=True, eq=False)
class Product:
    """Reachable nodes and everything that can happen between them, one row each.

    Args:
        state: ``(N,)`` the environment's state in each node.
        start: ``(N,)`` probability of a first node.
        node: ``(E,)`` before.
        action: ``(E,)``.
        chance: ``(E,)`` given node and action.
        next_node: ``(E,)`` after; -1 where the episode ends.
        next_state: ``(E,)`` the environment's state after, also at an end.
        true: ``(E,)`` the environment's own reward.
        paid: ``(E,)`` the reward in question.
        actions: Number of actions.
    """

    state: NDArray[np.int64]
    start: FloatArray
    node: NDArray[np.int64]
    action: NDArray[np.int64]
    chance: FloatArray
    next_node: NDArray[np.int64]
    next_state: NDArray[np.int64]
    true: FloatArray
    paid: FloatArray
    actions: int

    @property
    def nodes(self) -> int:
        """Number of nodes, N."""
        return len(self.state)


def of_arrays(
    reward: FloatArray, true: FloatArray, dynamics: FloatArray, start: FloatArray
) -> Product:
    """The process that arrays (S, A, S) describe; terminal states are absorbing ones."""
    node, action, after = np.nonzero(dynamics)
    place = (node, action, after)
    return Product(
        np.arange(len(dynamics)), start, node, action, dynamics[place], after, after,
        true[place], reward[place], dynamics.shape[1],
    )  # fmt: skip


def of_reward(reward: Reward, world: Outcomes, task: Task) -> Product:
    """Every node that an episode can reach, found by playing all outcomes at once.

    A node is a state, whether it is an episode's first, and the reward's carry. So potentials and
    rewards with a finite memory (a record, a score still owed) are exact.

    Raises:
        RegretError: The reward draws numbers, needs later steps, pays NaN, or remembers without end.
    """
    _require_exact(reward)
    return _Search(reward, world, task).run()


def _require_exact(reward: Reward) -> None:
    for node in reward.walk():
        if node.stochastic:
            raise RegretError(
                f"reward must be certain for an exact optimum, got {type(node).__name__}, which "
                "draws random numbers. Check the reward without it."
            )
    if reward.lookahead:
        raise RegretError(
            f"reward must not need later steps, got lookahead {reward.lookahead}. "
            'Use the causal form, e.g. Delta(align="previous").'
        )


class _Search:
    """Breadth first, a whole layer of nodes in one batch."""

    def __init__(self, reward: Reward, world: Outcomes, task: Task) -> None:
        self.reward, self.world, self.task = reward, world, task
        order = np.argsort(world.state, kind="stable")
        self.order = order
        self.first_row = np.searchsorted(world.state[order], np.arange(world.states + 1))
        self.known: dict[tuple[int, bool, bytes], int] = {}
        self.state: list[int] = []
        self.edges: list[tuple[Any, ...]] = []

    def run(self) -> Product:
        begin = np.flatnonzero(self.world.start > 0)
        carry = self.reward.init(len(begin))
        layer, _ = self._number(begin, carry, first=True)
        start = np.array(self.world.start[begin])
        first = True
        while len(layer):
            layer, carry = self._expand(layer, carry, first)
            first = False
        columns = [np.concatenate(column) for column in zip(*self.edges, strict=True)]
        chances = np.zeros(len(self.state))
        chances[: len(start)] = start
        return Product(np.array(self.state), chances, *columns, actions=self.world.actions)  # type: ignore[misc, arg-type]

    def _number(self, states: Any, carry: Any, *, first: bool) -> tuple[Any, Any]:
        """Node numbers of (state, carry) rows, and which rows are new."""
        leaves = [np.asarray(leaf) for leaf in tree.leaves(carry)]
        keys = [b"".join(leaf[i].tobytes() for leaf in leaves) for i in range(len(states))]
        numbers, fresh = np.empty(len(states), np.int64), np.zeros(len(states), bool)
        for i, (state, key) in enumerate(zip(states.tolist(), keys, strict=True)):
            found = self.known.setdefault((state, first, key), len(self.state))
            if found == len(self.state):
                self.state.append(state)
                fresh[i] = True
            numbers[i] = found
        if len(self.state) > LIMIT:
            raise RegretError(
                f"reward must remember finitely many things, got more than {LIMIT} pairs of state "
                "and memory. Leave out what runs on without end, e.g. Normalize."
            )
        return (numbers, fresh)

    def _expand(self, layer: Any, carry: Any, first: bool) -> tuple[Any, Any]:
        states = np.array(self.state)[layer]
        counts = self.first_row[states + 1] - self.first_row[states]
        owner = np.repeat(np.arange(len(layer)), counts)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = self.order[self.first_row[states][owner] + offset]
        w = self.world
        after, paid = self.reward.step(tree.take(carry, owner), self._batch(rows, first))
        if not np.isfinite(paid).all():
            i = int(np.flatnonzero(~np.isfinite(paid))[0])
            raise RegretError(
                f"reward must be finite, got {paid[i]} from state {w.state[rows[i]]} by action "
                f"{w.action[rows[i]]}. Guard the division or the logarithm that made it."
            )
        on = ~w.terminated[rows]
        going = tree.take(after, on)
        numbers, fresh = self._number(w.next_state[rows][on], going, first=False)
        next_node = np.full(len(rows), -1, np.int64)
        next_node[on] = numbers
        self.edges.append(
            (layer[owner], w.action[rows], w.chance[rows], next_node, w.next_state[rows],
             w.reward[rows], np.asarray(paid, np.float64))
        )  # fmt: skip
        return numbers[fresh], tree.take(going, fresh)

    def _batch(self, rows: Any, first: bool) -> Transitions:
        w = self.world
        return Transitions(
            obs=w.state[rows],
            action=w.action[rows],
            next_obs=w.next_state[rows],
            reward=w.reward[rows],
            terminated=w.terminated[rows],
            truncated=np.zeros(len(rows), bool),
            first=np.full(len(rows), first),
            training=False,
            task=self.task,
        )
