"""LaneDrive as tables, value iteration on them, and a policy gradient that costs a second."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

import rewardwrap as rw
from rewardwrap.core.info import ColumnInfo
from rewardwrap_envs.lane_drive import CAP, CELLS, WAIT, LaneDrive

GAMMA, STATIC, RATE = 0.98, 24, 1.0
REWARDS = {
    "carl": 0.1 * rw.RouteCompletion(
        "route", over_speed="speeding", slack=2.0, close="close", lasting=2, hard=("collision", "red_light")
    ),
    "sum": 0.3 * rw.Native("speed") + rw.Constant(0.1)
    - (rw.Native("collision") + rw.Native("red_light") + 0.2 * rw.Native("speeding")),
}  # fmt: skip


@dataclass
class Roads:
    """Every drive from every start as tables: states of the road and of the reward's memory."""

    after: Any
    paid: Any
    over: Any
    score: Any
    seen: Any
    starts: list[int]


def row_of(before: Any, action: int, step: tuple[Any, ...], *, first: bool) -> rw.Transitions:
    """One step of the environment as a reward reads it."""
    after, reward, over, _, info = step
    return rw.Transitions(
        before[None], np.array([action]), after[None], np.array([reward]), np.array([over]),
        np.array([False]), np.array([first]), ColumnInfo({k: np.array([v]) for k, v in info.items()}),
    )  # fmt: skip


@functools.cache
def roads(name: str, starts: int) -> Roads:
    """The tables of a reward, from so many different starts; behind `STATIC` steps nothing else moves."""
    reward, number, rows, seen, todo = REWARDS[name], {}, {}, [], []

    def of(env: LaneDrive, obs: Any, carry: Any) -> int:
        key = (
            env._other,
            env._green,
            min(env._clock, STATIC),
            env._cell,
            round(env._score, 6),
            repr(carry),
        )
        if key not in number:
            number[key] = len(number)
            # behind STATIC the clock says nothing any more
            seen.append((*np.round(obs[:4] * 100).astype(int).tolist(), min(env._clock, STATIC)))
            todo.append((number[key], copy.copy(env), obs, carry))
        return number[key]

    first, seed, found = {}, 0, LaneDrive()
    while len(first) < starts:
        obs, _ = found.reset(seed=seed)
        first.setdefault((found._other, found._green), of(copy.copy(found), obs, reward.init(1)))
        seed += 1
    while todo:
        state, env, obs, carry = todo.pop()
        for action in range(3):
            world = copy.copy(env)
            step = world.step(np.int64(action))
            kept, paid = reward.step(carry, row_of(obs, action, step, first=env._clock == 0))
            worth = world._score * world._cell / CELLS
            still = action == WAIT and env._clock >= STATIC
            then = state if still or step[2] else of(world, step[0], kept)
            rows[state, action] = (then, float(paid[0]), float(step[2]), worth)
    table = np.array([[rows[s, a] for a in range(3)] for s in range(len(number))])
    _, kinds = np.unique(np.array(seen), axis=0, return_inverse=True)
    return Roads(
        table[..., 0].astype(int), table[..., 1], table[..., 2] > 0, table[..., 3], kinds.ravel(),
        list(first.values()),
    )  # fmt: skip


def best_score(table: Roads) -> float:
    """Mean driving score of the drives that value iteration finds best; waiting for good is never done."""
    value = np.zeros(len(table.paid))
    for _ in range(600):
        q = table.paid + GAMMA * np.where(table.over, 0.0, value[table.after])
        value = q.max(axis=1)
    best, found = q.round(6).argmax(axis=1), []
    for state in table.starts:
        for _ in range(CAP):
            action = best[state]
            score = table.score[state, action]
            if table.over[state, action]:
                break
            state = table.after[state, action]
        found.append(score)
    return float(np.mean(found))


def driven(table: Roads, rng: np.random.Generator, batch: int, updates: int) -> float:
    """Mean driving score of sampled drives after so many steps uphill, each of ``batch`` drives."""
    logits = np.zeros((table.seen.max() + 1, 3))
    value = np.zeros(len(logits))
    for update in range(updates + 1):
        size = 300 if update == updates else batch
        state = rng.choice(table.starts, size)
        alive, score = np.ones(size, bool), np.zeros(size)
        steps = []
        for _ in range(CAP):
            kind = table.seen[state]
            chance = np.exp(logits[kind] - logits[kind].max(axis=1, keepdims=True))
            chance /= chance.sum(axis=1, keepdims=True)
            action = (chance.cumsum(axis=1)[:, :2] < rng.random((size, 1))).sum(axis=1)
            steps.append((kind, action, chance, table.paid[state, action] * alive, alive.copy()))
            score = np.where(alive, table.score[state, action], score)
            alive &= ~table.over[state, action]
            state = table.after[state, action]
        if update == updates:
            return float(score.mean())
        total, gradient = value[table.seen[state]] * alive, np.zeros_like(logits)
        visits = np.zeros(len(logits))
        for kind, action, chance, paid, was in reversed(steps):
            total = paid + GAMMA * total
            gain = np.where(was, total - value[kind], 0.0)
            np.add.at(gradient, (kind, action), gain)
            visits += np.bincount(kind, was, len(logits))
            np.add.at(gradient, kind, -gain[:, None] * chance)
            value += 0.3 * _mean_by(kind, gain, was, len(value))
        logits += RATE * gradient / np.maximum(1, visits)[:, None]
    raise AssertionError


def _mean_by(kind: Any, gain: Any, was: Any, count: int) -> Any:
    total = np.bincount(kind, gain, count)
    return total / np.maximum(1, np.bincount(kind, was, count))
