"""Rewards on logged episodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, cast, overload

import numpy as np

from rewardwrap.adapters.host import RewardLike, reward_of
from rewardwrap.adapters.limit import require_limit
from rewardwrap.adapters.tasks import shared_discount, task_of_recipe
from rewardwrap.core import episode as core
from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.info import NO_INFO, PARTS, ColumnInfo, Info
from rewardwrap.core.reward import SHAPED, TRUE, Named, Reward
from rewardwrap.core.task import NO_TASK, Task
from rewardwrap.core.terms import with_every_term_named
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.scores.contract import Score
from rewardwrap.scores.grouped import Grouped
from rewardwrap.scores.till import in_logs

Columns: TypeAlias = Mapping[str, Any]
Episode: TypeAlias = Mapping[str, Any] | core.Episode
Payable: TypeAlias = RewardLike | Score | Grouped
COLUMNS = ("obs", "action", "reward", "terminated", "truncated")


@overload
def relabel(
    reward: Payable,
    episodes: Episode,
    *,
    env: str | Task | None = ...,
    gamma: float | None = ...,
    training: bool = ...,
    limit: str = ...,
) -> FloatArray: ...
@overload
def relabel(
    reward: Payable,
    episodes: Iterable[Episode],
    *,
    env: str | Task | None = ...,
    gamma: float | None = ...,
    training: bool = ...,
    limit: str = ...,
) -> list[FloatArray]: ...
def relabel(
    reward: Payable,
    episodes: Episode | Iterable[Episode],
    *,
    env: str | Task | None = None,
    gamma: float | None = None,
    training: bool = False,
    limit: str = "bootstrap",
) -> FloatArray | list[FloatArray]:
    """The rewards that logged episodes would have paid.

    Args:
        reward: A reward or its configuration; rewards that need later steps are welcome here. Or a score of
            finished episodes, paid on the last step; or `Grouped`, which pays neighbours in groups as
            `rw.make_grouped` does. Both take a cut episode as over unless `Grouped` says otherwise.
        episodes: One episode, a list or a whole `EpisodeStore`. An episode is one of a store, or maps ``obs``
            to ``(T+1, ...)`` (the true terminal observation last; nested dicts allowed), ``action, reward,
            terminated, truncated`` to ``(T,)`` (a vector reward to ``(T, k)``) and, where a reward reads it,
            ``info`` to a mapping of columns ``(T,)`` or, with reset's first, ``(T+1,)``. An episode may be
            cut: nothing has to end at its last row.
        env: Recipe (or task) whose named fields the reward reads.
        gamma: Discount of the agent, for potentials that have none of their own.
        training: Whether the reward may learn from the episodes.
        limit: ``"end"`` reads a truncated row as terminated, as `rw.make` with that word pays it.

    Returns:
        ``(T,)`` float64 for one episode, a list of them for a list.

    Raises:
        ConfigError: A column is missing or has another length.
        RewardValueError: The reward of some step is not finite.
    """
    terms = relabel_terms(reward, episodes, env=env, gamma=gamma, training=training, limit=limit)
    return terms[SHAPED] if isinstance(terms, dict) else [each[SHAPED] for each in terms]


def relabel_terms(
    reward: Payable,
    episodes: Episode | Iterable[Episode],
    *,
    env: str | Task | None = None,
    gamma: float | None = None,
    training: bool = False,
    limit: str = "bootstrap",
) -> dict[str, FloatArray] | list[dict[str, FloatArray]]:
    """`relabel` with every term: ``{"env": (T,), <term>: (T,), "shaped": (T,)}`` for each episode."""
    rule, one = _as_rule(reward), isinstance(episodes, core.Episode | Mapping)
    columns = [_columns(episode) for episode in _several(episodes)]
    if rule is not None:
        scored = _scored_terms(rule, columns)
        return scored[0] if one else scored
    built = with_every_term_named(reward_of(cast(RewardLike, reward)))
    if any(isinstance(node, Grouped) for node in built.walk()):
        raise ConfigError(
            "Grouped must be paid alone from logs, got it inside of another reward. Relabel with each "
            "and add the columns."
        )
    task = _task(env, shared_discount(built, [gamma]))
    for node in built.walk():
        node.validate(task)
    ends = require_limit(limit) == "end"
    paid = [_one(built, episode, task, training, ends) for episode in columns]
    return paid[0] if one else paid


def _several(given: Any) -> Iterable[Any]:
    if isinstance(given, core.Episode | Mapping):
        return (given,)
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ConfigError(
            f"episodes must be episodes, a list of them or a store, got {given!r:.80}. "
            "Load a folder first: rw.EpisodeStore.load(folder)."
        )
    return given


def _columns(episode: Any) -> Columns:
    if isinstance(episode, core.Episode):
        return {**episode.columns(), "id": episode.id}
    if not isinstance(episode, Mapping):
        raise ConfigError(
            f"an episode must be a mapping of columns or one of a store, got {episode!r:.80}. "
            f"Give {', '.join(COLUMNS)}."
        )
    return episode


def _as_rule(given: Payable) -> Grouped | None:
    """How a score is paid; None for a reward."""
    while isinstance(given, Named):
        given = given.base
    if isinstance(given, Grouped):
        return given
    if callable(given) and not isinstance(given, Reward):
        return Grouped(given, group=1, centred=False)
    return None


def _scored_terms(rule: Grouped, episodes: Sequence[Columns]) -> list[dict[str, FloatArray]]:
    finished = [_finished(episode) for episode in episodes]
    return [
        {TRUE: episode.reward, "score": paid, SHAPED: paid}
        for episode, paid in zip(finished, in_logs(rule, finished), strict=True)
    ]


def _finished(columns: Columns) -> core.Episode:
    """One episode as a score sees it.

    Raises:
        ConfigError: A column is missing or has another length, or the episode goes on.
    """
    rows = transitions(columns)
    if not rows.lanes or not (rows.terminated | rows.truncated)[-1]:
        raise ConfigError(
            f"a score must see finished episodes, got one of {rows.lanes} steps whose last neither "
            "terminated nor truncated. Leave it out, or mark its last step as truncated."
        )
    return core.Episode(
        obs=_arrays(columns["obs"]),
        action=rows.action,
        reward=rows.reward,
        terminated=rows.terminated,
        truncated=rows.truncated,
        info={name: rows.info[name] for name in rows.info.keys()},  # noqa: SIM118 - a reader, no dict
        id=str(columns.get("id", "")),
    )


def _task(env: str | Task | None, gamma: float | None) -> Task:
    if isinstance(env, Task):
        return env if gamma is None else replace(env, gamma=gamma)
    if env is None:
        return Task(gamma=gamma) if gamma is not None else NO_TASK
    from rewardwrap_envs import recipe

    return task_of_recipe(recipe(env), gamma=gamma)


def _one(
    reward: Reward, episode: Columns, task: Task, training: bool, limit_ends: bool
) -> dict[str, FloatArray]:
    batch = transitions(episode, task=task, training=training)
    if limit_ends:
        batch.terminated, batch.truncated = (
            batch.terminated | batch.truncated,
            np.zeros_like(batch.truncated),
        )
    value = reward.over_time(batch)
    if np.shape(value) != (batch.lanes,):
        raise RewardValueError(
            f"reward must have shape ({batch.lanes},), one number per step, got {np.shape(value)}. "
            "Reduce over the last axes, e.g. .sum(axis=-1)."
        )
    terms = {TRUE: batch.reward, **batch.terms, SHAPED: value}
    # filled inside first, and a NaN in a term shows in everything around it
    for name, column in terms.items():
        wrong = np.flatnonzero(~np.isfinite(column))
        if wrong.size:
            subject = "reward" if name in (TRUE, SHAPED) else "term"
            raise RewardValueError(
                f'{subject} "{name}" must be finite, got {column[wrong[0]]} at step {wrong[0]}. '
                "Guard the division or the logarithm that made it, or bound its input."
            )
    return terms


def transitions(episode: Columns, *, task: Task = NO_TASK, training: bool = False) -> Transitions:
    """The rows of one episode, in order.

    Raises:
        ConfigError: A column is missing or has another length.
    """
    for name in COLUMNS:
        if name not in episode:
            raise ConfigError(
                f"episode must have {', '.join(COLUMNS)}, got {', '.join(map(str, episode))}. "
                f"Add {name}."
            )
    reward = np.asarray(episode["reward"], np.float64)
    columns = episode.get("info")
    if reward.ndim == 2:
        # one number for each objective: the true reward is their sum, as on every host
        columns, reward = {**(columns or {}), PARTS: reward}, reward.sum(axis=1)
    steps = len(reward)
    obs = _arrays(episode["obs"])
    for name, column, rows in (
        *((n, episode[n], steps) for n in ("terminated", "truncated")),
        *(("action", leaf, steps) for leaf in tree.leaves(_arrays(episode["action"]))),
        *(("obs", leaf, steps + 1) for leaf in tree.leaves(obs)),
    ):
        if len(column) != rows:
            raise ConfigError(
                f"episode: {name} must have {rows} rows for {steps} steps, got {len(column)}. "
                "obs holds one more than the rest: the terminal observation comes last."
            )
    first = np.zeros(steps, bool)
    first[:1] = True
    terminated = np.asarray(episode["terminated"], bool)
    info, before = _info(columns, steps)
    return Transitions(
        obs=tree.take(obs, slice(0, steps)),
        action=_arrays(episode["action"]),
        next_obs=tree.take(obs, slice(1, steps + 1)),
        reward=reward,
        terminated=terminated,
        truncated=np.asarray(episode["truncated"], bool) & ~terminated,
        first=first,
        info=info,
        info_before=before,
        training=training,
        task=task,
    )


def _arrays(value: Any) -> Any:
    """Arrays at the leaves; a list is an array, a tuple or a dict is a nested observation."""
    if isinstance(value, dict | tuple):
        return tree.map_leaves(np.asarray, value)
    return np.asarray(value)


def _info(columns: Mapping[str, Any] | None, steps: int) -> tuple[Info, Info]:
    if columns is None:
        return NO_INFO, NO_INFO
    after, before = {}, {}
    for key, column in columns.items():
        values = np.asarray(column)
        if len(values) not in (steps, steps + 1):
            raise ConfigError(
                f'episode: info["{key}"] must have {steps} or {steps + 1} rows, got {len(values)}. '
                "With reset's info first it has one more than there are steps."
            )
        if len(values) == steps + 1:
            before[key] = values[:-1]
        after[key] = values[len(values) - steps :]
    return ColumnInfo(after), ColumnInfo(before)
