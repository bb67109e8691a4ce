"""The linear program behind explicable rewards, on a task written out as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.core.transitions import BoolArray, FloatArray

ROUNDED = 1e-5
"""Gaps are asked for a little smaller than they are, so that rounding cannot make them infeasible."""
PENALTY = 1e4
"""What a unit of a gap that is missing costs, in units of the loss: feasibility comes first."""
FEASIBLE = 1e-6


class DesignError(RewardwrapError, ValueError):
    """A task for which no such reward can be had."""


@dataclass(frozen=True, eq=False)
class Goal:
    """What a design must keep, and what it is judged by.

    Args:
        moves: ``(S, A, S)`` chance to go on in each state; the rest ends the episode.
        best: ``(S, A)`` the task's optimal actions, ties included.
        gap: ``(S,)`` by how much the best action beats the best of the others; 0 where all are best.
        gamma: Discount.
        horizons: ``h``: informative is what tells actions apart within h steps.
    """

    moves: FloatArray
    best: BoolArray
    gap: FloatArray
    gamma: float
    horizons: Sequence[int]


class Program:
    """The designs of one goal, for any set of states that may pay.

    Everything is linear in the reward table ``R`` (S, A). With ``a*`` the first optimal action and
    ``pi`` the policy that takes it, the advantage over ``h`` steps is::

        A_h(s, a) = Q_h(s, a*) - Q_h(s, a),   Q_h(s, a) = R(s, a) + gamma E V_{h-1}(s'),
        V_h = sum_{i < h} (gamma P_pi)^i R_pi

    and the program, over ``R`` on the chosen states alone and ``|R| <= limit``::

        min  mean_h mean_s max_a max(0, gap_s - A_h(s, a))         a not optimal
        s.t. A_inf(s, a) >= gap_s  (a not optimal),   A_inf(s, a) >= 0  (a optimal)
    """

    def __init__(self, goal: Goal, limit: float) -> None:
        self.limit = limit
        states, actions = goal.best.shape
        self.shape = (states, actions)
        first = goal.best.argmax(axis=1)
        rows = np.arange(states)
        moves = goal.moves[rows, first]
        self._other = np.argwhere(~goal.best & (goal.gap > 0)[:, None])
        tied = np.argwhere(goal.best & (np.arange(actions) != first[:, None]))
        asked = np.concatenate([goal.gap[self._other[:, 0]] / (1 + ROUNDED), np.zeros(len(tied))])
        # V_h of the policy that follows `first`, as a map from R: choose[s, (s, first_s)] = 1
        choose = np.zeros((states, states * actions))
        choose[rows, rows * actions + first] = 1.0
        whole = np.linalg.solve(np.eye(states) - goal.gamma * moves, choose)

        def advantage(pairs: NDArray[np.int64], later: FloatArray) -> FloatArray:
            s, a = pairs.T
            step = np.zeros((len(pairs), states * actions))
            step[np.arange(len(pairs)), s * actions + first[s]] += 1.0
            step[np.arange(len(pairs)), s * actions + a] -= 1.0
            ahead = goal.moves[s, first[s]] - goal.moves[s, a]
            return np.asarray(step + goal.gamma * ahead @ later)

        self._keep = advantage(np.concatenate([self._other, tied]), whole)
        self._asked = asked
        within, later = {}, np.zeros_like(choose)
        for h in range(1, max(goal.horizons) + 1):
            within[h] = later
            later = choose + goal.gamma * moves @ later
        self._near = [advantage(self._other, within[h]) for h in goal.horizons]
        self._gap = goal.gap

    @property
    def constraints(self) -> tuple[FloatArray, FloatArray]:
        """``(rows, S * A)`` and ``(rows,)``: ``keep @ R >= asked`` keeps every gap of the task."""
        return self._keep, self._asked

    def solve(self, chosen: Sequence[int]) -> tuple[float, float, FloatArray]:
        """The loss, how much of the asked gaps is missing, and the best ``R`` (S, A) on these states."""
        states, actions = self.shape
        columns = (np.array(chosen)[:, None] * actions + np.arange(actions)).ravel()
        n, rows, other = len(columns), len(self._keep), len(self._other)
        judged = np.unique(self._other[:, 0])
        spots = np.searchsorted(judged, self._other[:, 0])
        short = len(self._near) * len(judged)
        blocks = []
        for k, near in enumerate(self._near):
            slots = sparse.csr_matrix(
                (-np.ones(other), (np.arange(other), k * len(judged) + spots)), (other, short)
            )
            blocks.append(
                [sparse.csr_matrix(-near[:, columns]), slots, sparse.csr_matrix((other, rows))]
            )
        keep = [sparse.csr_matrix(-self._keep[:, columns]), sparse.csr_matrix((rows, short))]
        blocks.append([*keep, -sparse.identity(rows, format="csr")])
        upper = [-self._gap[self._other[:, 0]]] * len(self._near) + [-self._asked]
        weight = 1.0 / (len(self._near) * states)
        cost = np.concatenate([np.zeros(n), np.full(short, weight), np.full(rows, PENALTY)])
        bounds = [(-self.limit, self.limit)] * n + [(0, None)] * (short + rows)
        found = linprog(
            cost, A_ub=sparse.bmat(blocks, format="csr"), b_ub=np.concatenate(upper),
            bounds=bounds, method="highs",
        )  # fmt: skip
        if found.status != 0:
            raise DesignError(
                f"the program of a design must have a solution, got: {found.message} "
                "Check that rewards and gamma are of an ordinary size."
            )
        table = np.zeros(states * actions)
        table[columns] = found.x[:n]
        missing = found.x[n + short :]
        return (
            float(found.x[n : n + short].sum() * weight),
            float(missing.sum()),
            table.reshape(self.shape),
        )

    def worst(self, table: FloatArray) -> int:
        """The state whose gap a table misses most."""
        s = np.concatenate([self._other[:, 0], np.full(len(self._keep) - len(self._other), -1)])
        lack = (self._asked - self._keep @ table.ravel())[: len(self._other)]
        return int(s[: len(self._other)][lack.argmax()])


def greedy(program: Program, states: int, *, first: Sequence[int] = ()) -> Picked:
    """Add one state after the other, each time the one that helps most.

    What helps most is what makes gaps feasible, then what lowers the loss; among equals the lowest
    number.

    Args:
        program: Of the goal.
        states: How many may pay, those of ``first`` included.
        first: States to begin with.
    """
    chosen, losses = list(first), list[float]()
    missing, table = np.inf, np.zeros(program.shape)
    if chosen:
        loss, missing, table = program.solve(chosen)
        losses.append(loss)
    while len(chosen) < states and not (losses and losses[-1] < 1e-9 and missing < FEASIBLE):
        tried = []
        for s in range(program.shape[0]):
            if s not in chosen:
                loss, lack, made = program.solve([*chosen, s])
                tried.append((round(lack, 7), round(loss, 9), s, loss, lack, made))
        _, _, s, loss, missing, table = min(tried, key=lambda row: row[:3])
        chosen.append(s)
        losses.append(loss)
    return Picked(tuple(chosen), tuple(losses), missing, table)


@dataclass(frozen=True, eq=False)
class Picked:
    """What `greedy` found.

    Args:
        states: In the order in which they were picked.
        losses: After each.
        missing: How much of the asked gaps is missing; 0 where the design keeps the task.
        table: ``(S, A)``.
    """

    states: tuple[int, ...]
    losses: tuple[float, ...]
    missing: float
    table: FloatArray
