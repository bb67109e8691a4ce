"""Rewards designed anew for a learner as it learns: they pay where it still errs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from scipy.optimize import linprog

from rewardwrap.core.transitions import FloatArray
from rewardwrap.design.exprd import HORIZONS, Design, design, goal_of, world_of
from rewardwrap.design.program import FEASIBLE, DesignError, Program
from rewardwrap.evaluate.mdp import require_discount
from rewardwrap.evaluate.regret.policies import Regret, policy_regret
from rewardwrap.rewards.table import Table


class Adaptive:
    """A reward in at most ``states`` states that `redesign` fits to what a learner does now.

    With the learner's policy ``pi`` and the task's advantage ``A``, the table R solves the linear program::

        max  sum_s mu_L(s) mu_T(s) sum_a pi(a|s) (A(s, a) - A(s, pi)) (R(s, a) - R(s, pi))
        s.t. the task's gaps are kept, |R| <= limit, R = 0 in all other states

    ``mu_L`` and ``mu_T`` are how often the learner and the task's best policies are in a state. A state in
    which the learner already takes best actions alone weighs nothing. It pays in the states without which
    no gap can be kept, and in those that weigh most.

    Args:
        env: A recipe, id or environment with ``env.unwrapped.P``.
        states: How many states may pay at a time.
        gamma: Discount of the agent, in [0, 1).
        limit: Largest number that is paid, in units of the task's own largest.
        env_kwargs: Arguments for the environment, where ``env`` is a name.
        catalog: Folders with recipes of your own.

    Attributes:
        reward: What is paid now: a `Table` that changes in place. At first that of `rw.design.design`.
        values: ``(S,)`` the task's optimal value.
        paid: ``(S, A)`` the task's own mean reward.
        moves: ``(S, A, S)`` its chances to go on.
        start: ``(S,)`` where it begins.
        regrets: Certificate of each redesign, normalised: 0.

    Raises:
        DesignError: As `rw.design.design`.

    Source: Devidze et al., "Informativeness of reward functions in reinforcement learning", 2024, arXiv
        2402.07019 (EXPADARD), informativeness for h = 1. Deviations: a budget of states takes the place of
        its features and trees; ``mu_T`` is that of the uniform mix of best actions.

    Example:
        >>> import rewardwrap as rw
        >>> adaptive = rw.design.Adaptive("FrozenLake-v1", states=3, env_kwargs={"is_slippery": False})
        >>> before = set(adaptive.reward.values)
        >>> float(adaptive.redesign([[0.25] * 4] * 16))
        0.0
    """

    def __init__(
        self,
        env: str | gym.Env[Any, Any],
        *,
        states: int = 5,
        gamma: float = 0.95,
        limit: float = 10.0,
        env_kwargs: Mapping[str, Any] | None = None,
        catalog: Iterable[str] = (),
    ) -> None:
        self.env, self.gamma, self.states = env, require_discount(gamma), states
        self._options: dict[str, Any] = {"env_kwargs": dict(env_kwargs or {}), "catalog": catalog}
        first: Design = design(env, states=states, gamma=gamma, limit=limit, **self._options)
        self.reward = first.reward
        self.regrets: list[float] = []
        world = world_of(env, **self._options)
        goal, largest = goal_of(world, self.gamma, HORIZONS)
        self._goal, self._limit, self.start = goal, limit * largest, world.start
        self._keep = Program(goal, self._limit)
        self.moves, self.paid = goal.moves, np.zeros(goal.best.shape)
        np.add.at(self.paid, (world.state, world.action), world.chance * world.reward)
        even = goal.best / goal.best.sum(axis=1, keepdims=True)
        self.values = self._solve(even, (even * self.paid).sum(1))
        self._advantage = self.paid + self.gamma * self.moves @ self.values - self.values[:, None]
        self._teacher = self.visits(even)
        self._needed = self._fewest(first.states)

    @property
    def shape(self) -> tuple[int, int]:
        """States and actions of the task."""
        return self._goal.best.shape[0], self._goal.best.shape[1]

    def redesign(self, policy: Any, *, visits: Any = None) -> Regret:
        """Pay where this policy errs and may be; returns the certificate, whose value is 0.

        Args:
            policy: ``(S, A)`` chances of the learner's actions.
            visits: ``(S,)`` how often the learner is in each state; those of the policy where left out.

        Raises:
            DesignError: Chances of another shape, or that do not sum to 1.
        """
        chances = np.asarray(policy, np.float64)
        if chances.shape != self.shape or not np.allclose(chances.sum(axis=1), 1.0):
            raise DesignError(
                f"policy must be chances {self.shape} that sum to 1 in each state, got shape "
                f"{chances.shape}. Give pi(a|s) for every state."
            )
        weight = self.weights(chances, visits)
        order = np.argsort(-np.abs(weight).sum(axis=1), kind="stable")
        others = [s for s in order.tolist() if s not in self._needed and weight[s].any()]
        chosen = [*self._needed, *others][: max(self.states, len(self._needed))]
        table = self._best(weight, chosen)
        values = {s: table[s].tolist() for s in chosen if table[s].any()}
        regret = policy_regret(Table(values), self.env, gamma=self.gamma, **self._options)
        if regret.changed:
            raise DesignError(
                f"a design must keep the task, got normalised regret {regret.value:.2g}. Gaps of the task "
                "are too small for the solver; use another gamma."
            )
        # in place: whoever pays by this object pays the new design from the next step on
        object.__setattr__(self.reward, "values", Table(values).values)
        self.regrets.append(float(regret))
        return regret

    def again(self) -> Adaptive:
        """One for another learner, which begins with this one's present reward."""
        made = copy.copy(self)
        made.reward, made.regrets = Table(dict(self.reward.values)), []
        return made

    def weights(self, chances: FloatArray, visits: Any = None) -> FloatArray:
        """``(S, A)``: what a unit of R(s, a) adds to the objective; each row sums to 0."""
        seen = self.visits(chances) if visits is None else np.asarray(visits, np.float64)
        here = (chances * self._advantage).sum(axis=1, keepdims=True)
        return np.asarray((seen * self._teacher)[:, None] * chances * (self._advantage - here))

    def visits(self, chances: FloatArray) -> FloatArray:
        """``(1 - gamma) sum_t gamma^t P(s_t = s)`` of a policy, ``(S,)``."""
        moves = np.einsum("sa,sat->st", chances, self.moves)
        system = np.eye(len(moves)) - self.gamma * moves.T
        return np.asarray((1 - self.gamma) * np.linalg.solve(system, self.start))

    def _solve(self, chances: FloatArray, paid: FloatArray) -> FloatArray:
        moves = np.einsum("sa,sat->st", chances, self.moves)
        return np.asarray(np.linalg.solve(np.eye(len(moves)) - self.gamma * moves, paid))

    def _fewest(self, picked: tuple[int, ...]) -> tuple[int, ...]:
        """States without which no gap can be kept: the first ones of a design."""
        for count in range(1, len(picked)):
            if self._keep.solve(picked[:count])[1] < FEASIBLE:
                return picked[:count]
        return picked

    def _best(self, weight: FloatArray, chosen: list[int]) -> FloatArray:
        states, actions = self.shape
        columns = (np.array(chosen)[:, None] * actions + np.arange(actions)).ravel()
        keep, asked = self._keep.constraints
        found = linprog(
            -weight.ravel()[columns] / max(np.abs(weight).max(), 1e-300),
            A_ub=-keep[:, columns], b_ub=-asked,
            bounds=[(-self._limit, self._limit)] * len(columns), method="highs",
        )  # fmt: skip
        if found.status != 0:
            raise DesignError(
                f"the program of a design must have a solution, got: {found.message} "
                "Allow more states or a larger limit."
            )
        table = np.zeros(states * actions)
        table[columns] = found.x
        return table.reshape(states, actions)
