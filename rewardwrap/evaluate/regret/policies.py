"""What a reward's best policy is worth on the task itself, exactly, where the dynamics are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike

from rewardwrap.adapters.build import builder_of
from rewardwrap.adapters.tasks import task_of, task_of_recipe
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import BoolArray
from rewardwrap.evaluate.dynamics import outcomes
from rewardwrap.evaluate.mdp import (
    require_discount,
    require_distribution,
    require_dynamics,
    require_reward,
)
from rewardwrap.evaluate.payment import RewardLike, as_reward
from rewardwrap.evaluate.regret.cycle import Step, exploiting_cycle, route
from rewardwrap.evaluate.regret.planning import Planner, best_actions
from rewardwrap.evaluate.regret.product import Product, of_arrays, of_reward
from rewardwrap.pages.frames import Shown
from rewardwrap_envs import find

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEGLIGIBLE = 1e-6
"""Normalised regret that is rounding."""


@dataclass(frozen=True, repr=False)
class Regret(Shown):
    """The regret of a reward, with what shows it; ``float(regret)`` is its value.

    Args:
        value: ``(best - achieved) / (best - worst)`` in [0, 1]: of the reward's optimal policies
            the one that does the task worst, since a learner may find any.
        kindest: The same of the one that does it best.
        best: True discounted return of the task's own optimum.
        achieved: True discounted return of the reward's optimal policy.
        worst: True discounted return of the worst policy there is.
        gamma: Discount.
        nodes: Size of the process that was solved: states times what the reward remembers.
        cycle: Shortest cycle of the reward's optimal policies that pays more than the task does.
        route: Likeliest episode of the reward's optimal policy.
        task: Names of the state's digits.
    """

    value: float
    kindest: float
    best: float
    achieved: float
    worst: float
    gamma: float
    nodes: int
    cycle: tuple[Step, ...]
    route: tuple[Step, ...]
    task: Task

    def __float__(self) -> float:
        return self.value

    def plot(self) -> Axes:
        """Draw the three returns that the regret is made of; returns the matplotlib axes."""
        from rewardwrap.pages.drawing import drawing
        from rewardwrap.pages.palette import STRATEGIES

        shown = self._shown()
        with drawing(5.4, 2.2) as (_, axes):
            names, values = shown["policy"], shown["true discounted return"]
            axes.barh(names[::-1], values[::-1], color=STRATEGIES[1][0], height=0.5)
            axes.set_xlabel("true discounted return")
            return axes

    def _title(self) -> str:
        said = "prefers something else" if self.changed else "keeps the task"
        return f"Regret {self.value:.4g} of 1, gamma {self.gamma:g}: the reward {said}."

    def _columns(self) -> dict[str, Sequence[Any]]:
        return {
            "policy": ["best for the task", "best for this reward", "worst possible"],
            "true discounted return": [self.best, self.achieved, self.worst],
        }

    @property
    def changed(self) -> bool:
        """Whether the reward has an optimal policy that the task has not."""
        return self.value > NEGLIGIBLE

    @property
    def ends(self) -> bool:
        """Whether the likeliest episode of the reward's optimal policy comes to an end."""
        return bool(self.route) and self.route[-1].ends

    def name_of(self, state: int) -> str:
        """A state in the environment's own words: ``row 3, column 4``, or its number."""
        digits = [name for name, place in self.task.fields.items() if place.info is None]
        if not (self.task.radix and digits):
            return str(state)
        return ", ".join(f"{name} {self.task.read_lane(name)(state, {}):g}" for name in digits)


def policy_regret(
    reward: RewardLike | ArrayLike,
    env: str | gym.Env[Any, Any] | None = None,
    *,
    gamma: float = 0.99,
    true: ArrayLike | None = None,
    T: ArrayLike | None = None,
    start: ArrayLike | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    catalog: Iterable[str] = (),
) -> Regret:
    """Whether the best policy under a reward is the best one for the task, by dynamic programming.

    ``regret = (J(pi*) - J(pi_R)) / (J(pi*) - J(pi_worst))`` in true discounted return, where ``pi_R``
    is optimal for the reward. A potential has 0; a bonus that can be farmed shows the cycle it is
    farmed on. Time limits are not part of the table: episodes go on until they terminate.

    The process solved is state times the reward's carry, so potentials and finite memories are
    exact. What learns is used as it is; what draws numbers, looks ahead or remembers without end is
    refused.

    Args:
        reward: A reward, a configuration, a file, a function, or an array (S, A, S) with ``T``.
        env: A recipe, id or environment with ``env.unwrapped.P``: FrozenLake, Taxi, CliffWalking.
        gamma: Discount of the agent, in [0, 1). A potential with a discount of its own keeps it.
        true: Arrays: ``(S, A, S)`` reward of the task.
        T: Arrays: ``(S, A, S)`` dynamics, terminal states absorbing.
        start: Arrays: ``(S,)`` where episodes start; uniform by default.
        env_kwargs: Arguments for the environment, where ``env`` is a name.
        catalog: Folders with recipes of your own.

    Raises:
        MdpError: No tabular environment, arrays that are no MDP, gamma outside [0, 1).
        RegretError: A reward that cannot be made exact.

    Example:
        >>> import rewardwrap as rw
        >>> shaped = rw.EnvReward() + rw.Potential({"row": 0.07, "column": 0.07})
        >>> policy_regret(shaped, "FrozenLake-8x8").changed
        False
        >>> policy_regret(rw.Field({"row": 0.07, "column": 0.07}), "FrozenLake-8x8").changed
        True
    """
    discount = require_discount(gamma)
    if T is not None:
        if env is not None or true is None:
            got = "both T and env" if env is not None else "T alone"
            raise ConfigError(
                f"T must come with true (S, A, S) and without env, got {got}. "
                "Give both arrays, or env alone."
            )
        dynamics = require_dynamics(T)
        begin = require_distribution(start, (len(dynamics),), "start")
        arrays = [
            require_reward(r, dynamics.shape, n)  # type: ignore[arg-type]
            for r, n in ((reward, "reward"), (true, "true"))
        ]
        return _regret(
            of_arrays(arrays[0], arrays[1], dynamics, begin), discount, Task(gamma=discount)
        )
    if env is None:
        raise ConfigError('policy_regret must have env or T, got none. Give env="FrozenLake-8x8".')
    built = as_reward(reward)  # type: ignore[arg-type]
    world = (
        env
        if isinstance(env, gym.Env)
        else builder_of(env, tuple(catalog))("eval", dict(env_kwargs or {}))
    )
    try:
        recipe = find(env, catalog) if isinstance(env, str) else None
        task = (
            task_of(world, discount) if recipe is None else task_of_recipe(recipe, gamma=discount)
        )
        table = outcomes(world)
    finally:
        if world is not env:
            world.close()
    for node in built.walk():
        node.validate(task)
    return _regret(of_reward(built, table, task), discount, task)


def _regret(product: Product, gamma: float, task: Task) -> Regret:
    planner = Planner(product, gamma)
    true, paid = planner.mean(product.true), planner.mean(product.paid)
    chosen = best_actions(*planner.optimum(paid))
    best = float(product.start @ planner.optimum(true)[0])
    # 0.0 - x, since -0.0 would be printed with its sign
    worst = 0.0 - float(product.start @ planner.optimum(-true)[0])
    careless, scores = planner.optimum(-true, chosen)
    achieved = 0.0 - float(product.start @ careless)
    kind = float(product.start @ planner.optimum(true, chosen)[0])
    value = _share(best - achieved, best - worst, best, worst)
    cheats = value > NEGLIGIBLE
    return Regret(
        value,
        _share(best - kind, best - worst, best, worst),
        best,
        achieved,
        worst,
        gamma,
        product.nodes,
        exploiting_cycle(product, _only(chosen, cheats), gamma),
        route(product, scores.argmax(axis=1)),
        task,
    )


def _only(chosen: BoolArray, cheats: bool) -> BoolArray:
    return chosen if cheats else np.zeros_like(chosen)


def _share(part: float, whole: float, best: float, worst: float) -> float:
    """Regret in units of what there is to lose; 0 where all policies are worth the same."""
    if whole <= 1e-12 * max(abs(best), abs(worst), 1e-300):
        return 0.0
    return min(max(part / whole, 0.0), 1.0)
