"""Explicable rewards: a few states that pay, chosen so that a learner soon sees what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from rewardwrap.adapters.build import builder_of
from rewardwrap.core.transitions import BoolArray, FloatArray
from rewardwrap.design.program import FEASIBLE, DesignError, Goal, Program, greedy
from rewardwrap.evaluate.dynamics import Outcomes, outcomes, writes_out
from rewardwrap.evaluate.mdp import require_discount
from rewardwrap.evaluate.regret.planning import TIE
from rewardwrap.evaluate.regret.policies import Regret, policy_regret
from rewardwrap.rewards.table import Table

HORIZONS = (1, 4, 8, 16, 32)
SWEEPS = 100_000


@dataclass(frozen=True)
class Design:
    """A designed reward and what shows that it keeps the task.

    Args:
        reward: What to pay instead of the environment's own.
        states: Those that pay, in the order in which they were picked.
        losses: How uninformative the design was after each pick; 0 is as informative as can be.
        regret: The certificate: each of the reward's best policies is best for the task.
    """

    reward: Table
    states: tuple[int, ...]
    losses: tuple[float, ...]
    regret: Regret


def explicable(env: str | gym.Env[Any, Any], **options: Any) -> Table:
    """The reward of `design` alone, ready for `rewardwrap.make`.

    Example:
        >>> import rewardwrap as rw
        >>> reward = rw.design.explicable("FrozenLake-v1", states=2, env_kwargs={"is_slippery": False})
        >>> sorted(reward.values)
        [9, 14]
    """
    return design(env, **options).reward


def design(
    env: str | gym.Env[Any, Any],
    *,
    states: int = 5,
    gamma: float = 0.95,
    horizons: Sequence[int] = HORIZONS,
    limit: float = 10.0,
    env_kwargs: Mapping[str, Any] | None = None,
    catalog: Iterable[str] = (),
) -> Design:
    """A reward that pays in a few states, keeps every best policy, and tells actions apart early.

    States are added one by one, each time the one that helps most, and a linear program finds what
    they pay: as informative as can be within ``h`` steps, while in every state each action that is
    not best stays behind by the task's own gap; see `rewardwrap.design.program.Program`. It replaces the
    environment's reward and is not added to it.

    Args:
        env: A recipe, id or environment with ``env.unwrapped.P``: FrozenLake, Taxi, CliffWalking.
        states: How many states may pay.
        gamma: Discount of the agent, in [0, 1).
        horizons: Within how many steps what is best should show.
        limit: Largest number that is paid, in units of the task's own largest.
        env_kwargs: Arguments for the environment, where ``env`` is a name.
        catalog: Folders with recipes of your own.

    Raises:
        DesignError: No table of dynamics, nothing to tell apart, numbers outside their range, or a gap
            that so few states cannot keep; the sentence names the state.

    Source: Devidze et al., "Explicable reward design for reinforcement learning agents", NeurIPS 2021
        (EXPRD). Deviations: ``h`` steps count the one whose action is judged; optimal actions that tie
        need not stay apart; and states are picked from none, gaps first, instead of from a given goal.
    """
    discount, kwargs = require_discount(gamma), dict(env_kwargs or {})
    _require_counts(states, horizons, limit)
    world = world_of(env, env_kwargs=kwargs, catalog=catalog)
    goal, largest = goal_of(world, discount, horizons)
    program = Program(goal, limit * largest)
    found = greedy(program, min(states, world.states))
    if found.missing > FEASIBLE:
        worst = program.worst(found.table)
        raise DesignError(
            f"{states} states must suffice to keep every best action ahead, got a gap of "
            f"{goal.gap[worst]:.4g} in state {worst} that cannot be kept. Allow more states or a larger "
            f"limit than {limit:g}."
        )
    reward = Table({s: found.table[s].tolist() for s in found.states if found.table[s].any()})
    regret = policy_regret(reward, env, gamma=discount, env_kwargs=kwargs, catalog=catalog)
    if regret.changed:
        raise DesignError(
            f"a design must keep the task, got normalised regret {regret.value:.2g}. Gaps of the task "
            "are too small for the solver; use another gamma."
        )
    return Design(reward, found.states, found.losses, regret)


def world_of(
    env: str | gym.Env[Any, Any],
    *,
    env_kwargs: Mapping[str, Any] | None = None,
    catalog: Iterable[str] = (),
) -> Outcomes:
    """Everything that can happen in an environment that writes its dynamics out.

    Raises:
        DesignError: It does not.
    """
    kwargs = dict(env_kwargs or {})
    made = env if isinstance(env, gym.Env) else builder_of(env, tuple(catalog))("eval", kwargs)
    try:
        if not writes_out(made):
            raise DesignError(
                f"a design needs dynamics, env.unwrapped.P and Discrete observations, got {made}. "
                "Number its states and write P[s][a] = [(chance, next state, reward, terminated), ..]."
            )
        return outcomes(made)
    finally:
        if made is not env:
            made.close()


def goal_of(world: Outcomes, gamma: float, horizons: Sequence[int]) -> tuple[Goal, float]:
    """What a design of this task must keep, and the task's largest reward.

    Raises:
        DesignError: All actions are best everywhere.
    """
    shape = (world.states, world.actions)
    moves, paid = np.zeros((*shape, world.states)), np.zeros(shape)
    on = ~world.terminated
    place = (world.state, world.action)
    np.add.at(moves, (world.state[on], world.action[on], world.next_state[on]), world.chance[on])
    np.add.at(paid, place, world.chance * world.reward)
    best, gap = best_of(paid, moves, gamma)
    if not gap.any():
        raise DesignError(
            "a task must prefer some action somewhere, got one where all are best. "
            "There is nothing to design."
        )
    return Goal(moves, best, gap, gamma, tuple(horizons)), float(np.abs(world.reward).max())


def best_of(paid: FloatArray, moves: FloatArray, gamma: float) -> tuple[BoolArray, FloatArray]:
    """``(S, A)`` which actions are optimal, and ``(S,)`` by how much; 0 where all are."""
    value = np.zeros(len(paid))
    for _ in range(SWEEPS):
        q = paid + gamma * moves @ value
        before, value = value, q.max(axis=1)
        if np.abs(value - before).max() <= 1e-13 * (1.0 + np.abs(value).max()):
            break
    best = q >= value[:, None] - TIE * (np.abs(value).max() or 1.0)
    others = np.where(best, -np.inf, q).max(axis=1)
    return best, np.where(np.isfinite(others), value - others, 0.0)


def _require_counts(states: int, horizons: Sequence[int], limit: float) -> None:
    if isinstance(states, bool) or not isinstance(states, int) or states < 1:
        raise DesignError(f"states must be a whole number of at least 1, got {states!r}. Use 5.")
    if not horizons or not all(isinstance(h, int) and h >= 1 for h in horizons):
        raise DesignError(
            f"horizons must be whole numbers of at least 1, got {horizons!r}. Leave them out."
        )
    if not limit > 0.0 or not np.isfinite(limit):
        raise DesignError(f"limit must be a positive number, got {limit!r}. Leave it out.")
