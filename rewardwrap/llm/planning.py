"""Let a planner play a reward at once, to see what it asks for before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rewardwrap.adapters.tasks import task_of_recipe
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.info import ColumnInfo
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Transitions
from rewardwrap_envs import Recipe
from rewardwrap_policies.planner import CEMPlanner

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
Score = Callable[[Any, Any, Any, Mapping[str, Any]], FloatArray]


@dataclass(frozen=True)
class Played:
    """One planned episode.

    Args:
        true: True reward of each step, ``(T,)``.
        fields: Named numbers of each successor, ``(T,)``.
    """

    true: FloatArray
    fields: Mapping[str, FloatArray]


def score_of(reward: Reward, task: Task) -> Score:
    """The reward as a function of transitions, for planners.

    Raises:
        ConfigError: It carries state from step to step, which a planner cannot branch.
    """
    if not reward.memoryless:
        raise ConfigError(
            "a reward to plan with must depend on one step alone, got one that carries state. "
            "Train an agent on it instead."
        )
    for node in reward.walk():
        node.validate(task)

    def score(obs: Any, action: Any, next_obs: Any, info: Mapping[str, Any]) -> FloatArray:
        rows = len(next_obs)
        zeros, no = np.zeros(rows), np.zeros(rows, bool)
        batch = Transitions(
            obs,
            action,
            next_obs,
            zeros,
            no,
            no,
            no,
            info=ColumnInfo(info),
            training=False,
            task=task,
        )
        return reward(batch)

    return score


def play(recipe: Recipe, reward: Reward, *, steps: int, seed: int, **options: Any) -> Played:
    """Play one episode with a sampling planner.

    Args:
        recipe: The environment; MuJoCo or classic control with continuous actions.
        reward: What the planner maximises.
        steps: Most steps.
        seed: Of the reset and of the planner.
        **options: Of `rewardwrap_policies.planner.CEMPlanner`.
    """
    env = recipe.build()
    obs, _ = env.reset(seed=seed)
    task = task_of_recipe(recipe, gamma=recipe.gamma)
    planner = CEMPlanner(env, score_of(reward, task), seed=seed, **options)
    true: list[float] = []
    fields: dict[str, list[float]] = {}
    ended = False
    while not ended and len(true) < steps:
        obs, paid, terminated, truncated, info = env.step(planner.act(obs))
        ended = terminated or truncated
        true.append(float(paid))
        for name, field in recipe.fields.items():
            fields.setdefault(name, []).append(float(field.read(obs, info, radix=recipe.radix)))
    env.close()
    return Played(np.array(true), {name: np.array(column) for name, column in fields.items()})
