"""Inside real environments: ours beside what a user writes by hand, and over the bare environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

import rewardwrap as rw
from tests.bench.handwritten import ShapedVecEnv
from tests.bench.table import Row, at_most
from tests.bench.tapes import play_env, play_venv, require_same_rewards, tape
from tests.bench.timing import Times, measure
from tests.bench.worlds import WORLDS, World

LANES = 8


def single_lane(pairs: int) -> Iterator[Row]:
    """H1: one gymnasium environment."""
    for world in WORLDS:
        if world.single is not None:
            yield from _single(world, pairs)


def eight_lanes(pairs: int) -> Iterator[Row]:
    """H8 and G3: DummyVecEnv."""
    for world in WORLDS:
        yield from _eight(world, pairs if world.phi is not None else (pairs + 1) // 2)


def _single(world: World, pairs: int) -> Iterator[Row]:
    assert world.tuned is not None
    plain: dict[str, Any] = {"bare": world.make(), "bare2": world.make()}
    paying = {
        "hand": world.natural(world.make()),
        "hand .item()": world.tuned(world.make()),
        "ours": rw.wrap(world.make(), world.reward()),
        **{n: rw.wrap(world.make(), reward()) for n, reward in _functions(world).items()},
    }
    plain["ours, EnvReward() only"] = rw.wrap(world.make(), rw.EnvReward())
    actions = tape(plain["bare"].action_space, world.steps)
    require_same_rewards(paying, actions, batched=False)
    blocks = {name: play_env(env, actions) for name, env in {**plain, **paying}.items()}
    times = measure(blocks, steps=world.steps, pairs=pairs)
    what = f"{world.name}, 1 env: ours / hand-written wrapper"
    yield at_most(
        world.single, "H1", what, times.ratio("ours", "hand"), times, beside=times.over_bare()
    )
    what = f"{world.name}, 1 env: ours / hand-written, Python floats"
    yield at_most(None, "H1", what, times.ratio("ours", "hand .item()"), times)
    bound = None if world.function is None else world.function[0]
    yield from _by_function(f"{world.name}, 1 env", bound, "hand", times)


def _eight(world: World, pairs: int) -> Iterator[Row]:
    # a single pair, which measures nothing, has fewer lanes to make
    count = LANES if pairs > 1 else 2

    def lanes(wrapper: Any = None) -> VecEnv:
        return DummyVecEnv([lambda: wrapper(world.make()) if wrapper else world.make()] * count)

    plain: dict[str, VecEnv] = {"bare": lanes(), "bare2": lanes()}
    paying = {
        "hand, VecEnv": ShapedVecEnv(lanes(), world.batch_phi),
        "hand, in each env": lanes(world.natural),
        "ours": rw.wrap(lanes(), world.reward()),
    }
    if world.phi is not None:
        paying |= {n: rw.wrap(lanes(), reward()) for n, reward in _functions(world).items()}
        plain["ours, EnvReward() only"] = rw.wrap(lanes(), rw.EnvReward())
    steps = max(2, world.steps // count)
    actions = tape(plain["bare"].action_space, steps, count)
    require_same_rewards(paying, actions, batched=True)
    blocks = {name: play_venv(venv, actions) for name, venv in {**plain, **paying}.items()}
    times = measure(blocks, steps=steps, pairs=pairs)
    bare = float(np.median(times.ns["bare"])) / 1e3
    what = f"{world.name}, 8 lanes ({bare:.0f} us): ours / bare"
    yield at_most(world.situ, "G3", what, times.ratio("ours"), times, beside=times.over_bare())
    for name in ("hand, VecEnv", "hand, in each env"):
        what = f"{world.name}, 8 lanes: ours / hand-written{name[4:]}"
        yield at_most(world.lanes, "H8", what, times.ratio("ours", name), times)
    if world.phi is not None:
        bound = None if world.function is None else world.function[1]
        yield from _by_function(f"{world.name}, 8 lanes", bound, "hand, VecEnv", times)


def _functions(world: World) -> dict[str, Any]:
    """The ways to give a potential as a function; a partial is called, the others are written out."""
    return {"a row": world.by_row, "a batch": world.by_function, "a row, called": world.by_call}


def _by_function(where: str, bound: float | None, hand: str, times: Times) -> Iterator[Row]:
    for name in ("a row", "a batch", "a row, called"):
        what = f"{where}: ours, phi a function of {name} / hand-written wrapper"
        most = None if "called" in name else bound
        yield at_most(most, "H2", what, times.ratio(name, hand), times)
