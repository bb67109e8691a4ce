"""The numbers of an episode by name: fields of its environment, numbers in info, and what all have."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import BoolArray, FloatArray
from rewardwrap.scores.statements import Preference, Quantity, Rule, Statement

STEPS = ("reward", "terminated", "truncated")
"""What every step has."""
HOLDS = {"<=": operator.le, "<": operator.lt, ">=": operator.ge, ">": operator.gt}
OVER: dict[str, Callable[[FloatArray], Any]] = {
    "mean": np.mean, "total": np.sum, "highest": np.max, "lowest": np.min, "last": lambda x: x[-1],
}  # fmt: skip
ALIASES = {"success": "is_success", "steps": "time"}


def _energy(episode: Episode) -> float:
    action = [np.asarray(leaf) for leaf in tree.leaves(episode.action)]
    if any(leaf.dtype.kind != "f" for leaf in action):
        raise ConfigError(
            "energy must be that of continuous actions, got whole numbers. Name a field or a number in "
            "info that says what an action costs."
        )
    return float(sum(np.square(leaf, dtype=np.float64).sum() for leaf in action))


WHOLE: dict[str, Callable[[Episode], float]] = {
    "time": len,
    "return": lambda episode: float(episode.reward.sum()),
    "energy": _energy,
}
"""What an episode has once: its steps, the true return, the sum of squared actions."""


def kept(rule: Rule, episodes: Sequence[Episode], task: Task) -> BoolArray:
    """Whether each episode keeps a rule, ``(n,)``.

    Raises:
        UnknownName: An episode has no such number.
        ConfigError: Another unit, or a span of steps for a number that there is once.
    """
    require_unit(rule, task)
    found = np.array([_keeps(rule, episode, task) for episode in episodes], bool)
    return ~found if rule.negated else found


def _keeps(rule: Rule, episode: Episode, task: Task) -> bool:
    holds = HOLDS[rule.relation]
    if rule.span == "whole":
        return bool(holds(measure(rule.of, episode, task), rule.limit))
    steps = holds(series(rule.of, episode, task), rule.limit)
    if rule.span == "never":
        return not steps.any()
    if rule.span == "end":
        return bool(steps[-1])
    return bool(steps.all() if rule.span == "always" else steps.any())


def measure(of: Quantity, episode: Episode, task: Task) -> float:
    """A number of a whole episode; of what it has at every step the mean, unless another is asked for."""
    name = _resolved(of.name, episode, task)
    if name not in WHOLE:
        return float(OVER[of.statistic or "mean"](series(of, episode, task)))
    if of.statistic not in (None, "total"):
        raise ConfigError(
            f'"{of.name}" must be one number of an episode, got "{of.statistic}". Leave that word out.'
        )
    found = WHOLE[name](episode)
    return abs(found) if of.absolute else found


def series(of: Quantity, episode: Episode, task: Task) -> FloatArray:
    """A number of every step, after it, ``(T,)`` float64."""
    name = _resolved(of.name, episode, task)
    if name in WHOLE:
        raise ConfigError(
            f'"{of.name}" must be compared once, got a rule about single steps. Write e.g. '
            f'"{of.name} <= 200".'
        )
    if name in task.fields:
        batch = episode.transitions()
        found = task.read(name, batch.next_obs, batch.info)
    else:
        found = getattr(episode, name) if name in STEPS else episode.info[name]
    found = np.asarray(found, np.float64)
    return np.abs(found) if of.absolute else found


def known(episode: Episode, task: Task) -> list[str]:
    """Every name that a statement about this episode may use."""
    numbers = [n for n, column in episode.info.items() if np.asarray(column).dtype.kind in "biuf"]
    return list(dict.fromkeys([*task.fields, *numbers, *WHOLE, *STEPS]))


def _resolved(name: str, episode: Episode, task: Task) -> str:
    names = known(episode, task)
    found = name if name in names else ALIASES.get(name, name)
    if found not in names:
        raise UnknownName("number of an episode called", name, names)
    return found


def require_unit(statement: Statement, task: Task) -> None:
    """Refuse a number in another unit than its field has.

    Raises:
        ConfigError: It is.
    """
    if isinstance(statement, Preference) or not statement.unit:
        return
    written = statement.unit.removesuffix("s") if len(statement.unit) > 2 else statement.unit
    field: Any = task.fields.get(statement.of.name)
    has = getattr(field, "unit", "step" if statement.of.name in ("time", "steps") else "")
    if has and written != has:
        raise ConfigError(
            f'"{statement.text}" must be in the unit of {statement.of.name}, {has}, got '
            f'"{statement.unit}". Convert the number, and write {has} or nothing.'
        )
