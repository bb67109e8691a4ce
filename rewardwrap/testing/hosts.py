"""The ways to step one reward, without an environment: all of them must pay the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.few_lanes import FewLanes
from rewardwrap.core.info import ColumnInfo
from rewardwrap.core.reward import SHAPED, TRUE, Reward
from rewardwrap.core.scalar import OneLane
from rewardwrap.core.stream import Stream, prepare
from rewardwrap.core.transitions import Carry, FloatArray
from rewardwrap.testing.tapes import Tape, columns_of

Paid = dict[str, FloatArray]


def step(
    reward: Reward, tape: Tape, *, training: bool = False, carry: Carry = None
) -> tuple[Carry, FloatArray]:
    """Step all lanes by hand; returns the last carry and ``(steps, lanes)`` rewards."""
    carry = reward.init(tape.lanes) if carry is None else carry
    values = np.empty((tape.steps, tape.lanes))
    for t in range(tape.steps):
        carry, values[t] = reward.step(carry, tape.batch(t, training=training))
    return carry, values


def over_time(reward: Reward, tape: Tape, *, training: bool = False) -> FloatArray:
    """Every lane as one log; ``(steps, lanes)``."""
    batches = [tape.batch((slice(None), i), training=training) for i in range(tape.lanes)]
    return np.stack([reward.over_time(batch) for batch in batches], axis=1)


def pay(reward: Reward, tape: Tape) -> FloatArray:
    """What the reward pays while it learns nothing; ``(steps, lanes)``."""
    return over_time(reward, tape) if reward.lookahead else step(reward, tape)[1]


def by_step(reward: Reward, tape: Tape, *, training: bool = False) -> Paid:
    """Every term, stepped by hand."""
    named = prepare(reward, tape.task)
    carry, found = named.init(tape.lanes), []
    for t in range(tape.steps):
        batch = tape.batch(t, training=training)
        carry, value = named.step(carry, batch)
        found.append({TRUE: batch.reward, **batch.terms, SHAPED: value})
    return {name: np.array([row[name] for row in found]) for name in found[0]}


def by_log(reward: Reward, tape: Tape, *, training: bool = False) -> Paid:
    """Every term, as `rw.relabel` computes it."""
    named = prepare(reward, tape.task)
    lanes = []
    for i in range(tape.lanes):
        batch = tape.batch((slice(None), i), training=training)
        value = named.over_time(batch)
        lanes.append({TRUE: batch.reward, **batch.terms, SHAPED: value})
    return {name: np.stack([lane[name] for lane in lanes], axis=1) for name in lanes[0]}


def by_lane(reward: Reward, tape: Tape, *, training: bool = False) -> Paid:
    """Every term, on the scalar path of a single environment."""
    lanes = []
    for i in range(tape.lanes):
        lane, rows = OneLane(reward, task=tape.task, training=training), []
        logged = iter([tape.take(t).take(i) for t in range(tape.steps)])
        step = lane.stepper(_replayed(logged), copies=False)
        for t in range(tape.steps):
            now = tape.take(t).take(i)
            if now.first:
                lane.begin(now.obs, _plain(now.info_before))
            rows.append(step(now.action)[-1]["reward_terms"])
        lanes.append({name: np.array([row[name] for row in rows]) for name in lane.names})
    return {name: np.stack([lane[name] for lane in lanes], axis=1) for name in lanes[0]}


def _replayed(logged: Iterator[Tape]) -> Callable[[Any], Any]:
    """The ``step`` of an environment that repeats its log."""

    def step(action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        row = next(logged)
        ends = bool(row.terminated), bool(row.truncated)
        return row.next_obs, float(row.reward), *ends, _plain(row.info)

    return step


def _plain(info: Any) -> dict[str, Any]:
    return {k: v.item() if np.ndim(v) == 0 else np.array(v) for k, v in info.items()}


def by_few_lanes(reward: Reward, tape: Tape, *, training: bool = False) -> Paid:
    """Every term, lane by lane in one loop, as a small SB3 VecEnv is stepped."""
    few = FewLanes(reward, tape.lanes, task=tape.task, training=training)
    before = [[_plain(row) for row in _lanes(tape, t, tape.info_before)] for t in range(tape.steps)]
    few.begin(tape.batch(0).obs, before[0])
    found = np.empty((tape.steps, *few.terms.shape))
    for t in range(tape.steps):
        after = min(t + 1, tape.steps - 1)
        infos = [_plain(row) for row in _lanes(tape, t, tape.info)]
        ends = tape.terminated[t] | tape.truncated[t]
        for i in np.flatnonzero(ends):
            infos[i]["TimeLimit.truncated"] = not tape.terminated[t, i]
            infos[i]["terminal_observation"] = tree.take(tape.next_obs, (t, i))
        now = tape.batch(t)
        obs = tape.batch(after).obs if after > t else now.next_obs
        few.advance(now.action, obs, now.reward, ends, infos, before[after])
        found[t] = few.terms
    return {name: found[:, k] for k, name in enumerate(few.names)}


def _lanes(tape: Tape, t: int, columns: Any) -> list[Any]:
    return [tree.take(dict(columns), (t, i)) for i in range(tape.lanes)]


def by_stream(reward: Reward, tape: Tape, *, training: bool = False) -> Paid:
    """Every term, in a batch of lanes that all move on at once, as an SB3 VecEnv does."""
    stream = Stream(reward, tape.lanes, task=tape.task, training=training)
    stream.begin(tape.batch(0).obs, tape.batch(0).info_before)
    found = np.empty((tape.steps, *stream.terms.shape))
    for t in range(tape.steps):
        now, after = tape.batch(t), tape.batch(min(t + 1, tape.steps - 1))
        stream.advance(
            now.action,
            now.next_obs,
            now.reward,
            tape.terminated[t],
            tape.truncated[t],
            now.info,
            ends=bool((tape.terminated[t] | tape.truncated[t]).any()),
            upcoming=after.obs,
            upcoming_info=after.info_before,
        )
        found[t] = stream.terms
    return {name: found[:, k] for k, name in enumerate(stream.names)}


def by_stream_with_resets(reward: Reward, tape: Tape, *, training: bool = False) -> Paid:
    """Every term, with a row between episodes that only resets, as NEXT_STEP autoreset has it."""
    lanes, everyone = tape.lanes, np.arange(tape.lanes)
    stream = Stream(reward, lanes, task=tape.task, training=training)
    stream.begin(tape.batch(0).obs, tape.batch(0).info_before)
    found = np.empty((tape.steps, *stream.terms.shape))
    at, dead = np.zeros(lanes, int), np.zeros(lanes, bool)
    while (at < tape.steps).any():
        finished = at >= tape.steps
        rows = (np.minimum(at, tape.steps - 1), everyone)
        now, idle = tape.batch(rows), dead | finished
        info = columns_of(now.info)
        for key, column in columns_of(now.info_before).items():
            info[key] = _where(idle, column, info[key])
        stream.advance(
            now.action,
            tree.map_leaves(lambda a, b, idle=idle: _where(idle, a, b), now.obs, now.next_obs),
            np.where(idle, 0.0, now.reward),
            tape.terminated[rows] & ~idle,
            tape.truncated[rows] & ~idle,
            ColumnInfo(info),
            resets=idle if idle.any() else None,
        )
        live = np.flatnonzero(~idle)
        found[at[live], :, live] = stream.terms[:, live].T
        at[live] += 1
        dead = (tape.terminated[rows] | tape.truncated[rows]) & ~idle
    return {name: found[:, k] for k, name in enumerate(stream.names)}


def _where(rows: Any, one: Any, other: Any) -> Any:
    mask = rows.reshape(rows.shape + (1,) * (np.ndim(one) - 1))
    return np.where(mask, one, other)


HOSTS: dict[str, Callable[..., Paid]] = {
    "logged data": by_log,
    "a single lane": by_lane,
    "a few lanes": by_few_lanes,
    "a batch of lanes": by_stream,
    "a batch with resets": by_stream_with_resets,
}
