"""Lanes that begin in groups and are paid together, over the bare vector environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

import rewardwrap as rw
from rewardwrap.adapters.group_lanes import GroupLanes
from tests.bench.table import Row, at_most
from tests.bench.timing import Block, Times, measure

LANES, STEPS, GOAL = 8, 100, 1.03
Rule = Callable[[Any, Any, int], Any]


def balancing(obs: Any, drawn: Any, step: int) -> Any:
    """Keeps the pole up: episodes of 500 steps."""
    return (obs[:, 2] + 0.5 * obs[:, 3] > 0).astype(np.int64)


def alike(obs: Any, drawn: Any, step: int) -> Any:
    """One random action for all lanes: short episodes of one length where starts are alike."""
    return np.full(LANES, drawn[step % len(drawn), 0])


def unlike(obs: Any, drawn: Any, step: int) -> Any:
    """Random actions: short episodes, each of its length."""
    return drawn[step % len(drawn)]


def lengths(episodes: Any) -> list[float]:
    """The cheapest score."""
    return [float(len(e)) for e in episodes]


def groups(pairs: int) -> Iterator[Row]:
    """G12: groups of lanes."""
    for name, rule in (("500 steps", balancing), ("22, alike", alike), ("22, unlike", unlike)):
        yield from _rows(name, rule, pairs)


def _rows(name: str, rule: Rule, pairs: int) -> Iterator[Row]:
    def bare() -> VecEnv:
        return DummyVecEnv([lambda: gym.make("CartPole-v1")] * LANES)

    grouped = rw.make_grouped("CartPole-v1", lengths, group=LANES, n_envs=LANES)
    venvs: dict[str, VecEnv] = {
        "bare": bare(),
        "bare2": bare(),
        "monitored": make_vec_env("CartPole-v1", LANES),
        "rw.make": rw.make("CartPole-v1", rw.EnvReward(), n_envs=LANES),
        "grouped": grouped,
    }
    blocks = {key: _block(venv, rule) for key, venv in venvs.items()}
    times = measure(blocks, steps=STEPS, pairs=pairs, warmup=5)
    lanes: Any = grouped.venv
    assert isinstance(lanes, GroupLanes)
    what = f"CartPole, {LANES} lanes in one group, episodes of {name}: grouped / bare"
    yield at_most(GOAL, "G12", what, times.ratio("grouped"), times, beside=times.over_bare())
    what = "the same: grouped / make_vec_env, which monitors too"
    yield at_most(None, "G12", what, times.ratio("grouped", "monitored"), times)
    waiting = lanes.lockstep.figures()["waiting_share"]
    played = Times({**times.ns, "grouped": times.ns["grouped"] / (1.0 - waiting)})
    what = f"the same for each step that was played; {waiting:.0%} of the rows wait"
    yield at_most(None, "G12", what, played.ratio("grouped", "monitored"), times)


def _block(venv: VecEnv, rule: Rule) -> Block:
    venv.seed(0)
    at, step = [venv.reset()], [0]
    drawn = np.random.default_rng(0).integers(2, size=(1009, LANES))

    def block() -> None:
        for _ in range(STEPS):
            at[0] = venv.step(rule(at[0], drawn, step[0]))[0]
            step[0] += 1

    return block
