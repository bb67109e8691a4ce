"""The layer alone, over environments that do nothing: one lane."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium as gym
from gymnasium.wrappers import NormalizeReward, TransformReward

import rewardwrap as rw
from tests.bench.nulls import ACTIONS, NullEnv
from tests.bench.table import Row, at_least, at_most
from tests.bench.tapes import play_env, tape
from tests.bench.timing import Times, measure

STEPS = 4000


def constant_potential(pairs: int) -> Iterator[Row]:
    """G1: the floor of one lane, in units of gymnasium's cheapest wrapper."""
    shaping = rw.Potential({"bias": 1.0}, gamma=0.99)
    times = _measured(
        {
            "TransformReward": TransformReward(NullEnv(), lambda r: r),
            "ours": rw.wrap(NullEnv(), rw.EnvReward() + shaping.named("shaping")),
            "ours, EnvReward() only": rw.wrap(NullEnv(), rw.EnvReward()),
        },
        pairs,
    )
    yield at_most(
        2.0,
        "G1",
        "PBRS, constant phi, terms recorded: added time / identity TransformReward",
        times.added("ours", "TransformReward"),
        times,
        beside=times.above_bare(),
        unit="ns",
    )
    yield at_most(
        None,
        "G1",
        "EnvReward() only, recorded: the same (recording cannot be switched off; the goal without it is 1.2)",
        times.added("ours, EnvReward() only", "TransformReward"),
        times,
    )


def chains(pairs: int) -> Iterator[Row]:
    """G4: a chain of affine terms on one lane, against nested wrappers."""
    envs: dict[str, gym.Env[Any, Any]] = {}
    for k in (1, 3, 6):
        nested: gym.Env[Any, Any] = NullEnv()
        reward: rw.Reward = rw.EnvReward()
        many: rw.Reward = rw.EnvReward()
        for i in range(k):
            nested = TransformReward(nested, _times if i % 2 else _plus)
            reward = reward * 0.9 if i % 2 else reward + 0.1
            many = many + rw.Constant(0.1 * i).named(f"term{i}")
        envs[f"nested x{k}"] = nested
        envs[f"ours x{k}"] = rw.wrap(NullEnv(), reward)
        envs[f"ours, {k} recorded terms"] = rw.wrap(NullEnv(), many)
    times = _measured(envs, pairs)
    for k, bound in ((3, 2.2), (6, 2.6)):
        yield at_least(
            bound,
            "G4",
            f"chain of {k}: added time of nested TransformReward / ours",
            times.added(f"nested x{k}", f"ours x{k}"),
            times,
            beside=times.above_bare() if k == 3 else {},
            unit="ns",
        )
    what = "growth of ours from 1 to 6 links"
    yield at_most(2.5, "G4", what, times.added("ours x6", "ours x1"), times)
    what = "6 terms added up and recorded one by one: 6 nested TransformReward / ours"
    yield at_least(None, "G4", what, times.added("nested x6", "ours, 6 recorded terms"), times)


def normaliser(pairs: int) -> Iterator[Row]:
    """G7, one lane."""
    times = _measured(
        {
            "NormalizeReward": NormalizeReward(NullEnv(), gamma=0.99),
            "ours": rw.wrap(NullEnv(), rw.EnvReward().normalize()),
        },
        pairs,
        steps=STEPS // 8,
    )
    yield at_least(
        10.0,
        "G7",
        "normaliser, 1 env: added time of NormalizeReward / ours",
        times.added("NormalizeReward", "ours"),
        times,
        beside=times.above_bare(),
        unit="ns",
    )


def _plus(reward: Any) -> Any:
    return reward + 0.1


def _times(reward: Any) -> Any:
    return reward * 0.9


def _measured(envs: dict[str, Any], pairs: int, *, steps: int = STEPS) -> Times:
    actions = tape(ACTIONS, steps)
    all_envs = {"bare": NullEnv(), "bare2": NullEnv(), **envs}
    blocks = {name: play_env(env, actions) for name, env in all_envs.items()}
    return measure(blocks, steps=steps, pairs=pairs)
