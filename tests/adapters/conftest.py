"""Every host as a function that plays one tape of actions and returns what was paid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

from rewardwrap.adapters.host import lane_spaces
from rewardwrap.adapters.offline import relabel_terms
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.adapters.single import RewardWrapper
from rewardwrap.adapters.vector import VectorRewardWrapper
from rewardwrap.testing.examples import TASK

SEED = 3


@dataclass
class Trace:
    """What a host paid: ``(steps, lanes)`` each, and the sums it reported where episodes ended."""

    reward: np.ndarray
    terms: dict[str, np.ndarray] = field(default_factory=dict)
    sums: dict[tuple[int, int], dict[str, float]] = field(default_factory=dict)

    @classmethod
    def empty(cls, steps: int, lanes: int, names: tuple[str, ...]) -> Trace:
        column = np.full((steps, lanes), np.nan)
        return cls(column.copy(), {name: column.copy() for name in names})

    def agrees_with(self, other: Trace, tolerance: float) -> None:
        np.testing.assert_allclose(self.reward, other.reward, rtol=tolerance, atol=tolerance)
        assert self.terms.keys() == other.terms.keys()
        for name, column in self.terms.items():
            np.testing.assert_allclose(
                column, other.terms[name], rtol=tolerance, atol=tolerance, err_msg=name
            )
        assert self.sums.keys() == other.sums.keys()
        for at, sums in self.sums.items():
            assert sums.keys() == other.sums[at].keys()
            for name, value in sums.items():
                assert value == pytest.approx(other.sums[at][name], rel=tolerance, abs=tolerance)


def single(make: Any, reward: Any, actions: np.ndarray, **options: Any) -> Trace:
    steps, lanes = actions.shape[:2]
    trace = None
    for i in range(lanes):
        env = RewardWrapper(make(), reward, **options)
        trace = trace or Trace.empty(steps, lanes, env.term_names)
        env.reset(seed=SEED + i)
        for t in range(steps):
            _, trace.reward[t, i], terminated, truncated, info = env.step(actions[t, i])
            for name, value in info["reward_terms"].items():
                trace.terms[name][t, i] = value
            if terminated or truncated:
                trace.sums[t, i] = info["episode_terms"]
                env.reset()
        env.close()
    assert trace is not None
    return trace


def vector(
    make: Any, reward: Any, actions: np.ndarray, *, mode: Any, build: Any, **options: Any
) -> Trace:
    steps, lanes = actions.shape[:2]
    env = VectorRewardWrapper(build([make] * lanes, autoreset_mode=mode), reward, **options)
    trace = Trace.empty(steps, lanes, env.term_names)
    at, dead = np.zeros(lanes, int), np.zeros(lanes, bool)
    env.reset(seed=SEED)
    while (at < steps).any():
        tape = actions[np.minimum(at, steps - 1), np.arange(lanes)]
        _, paid, terminated, truncated, info = env.step(tape)
        ended = terminated | truncated
        for i in np.flatnonzero(dead):
            assert paid[i] == 0.0
            assert not env.reward_terms[i].any()
        for i in np.flatnonzero(~dead & (at < steps)):
            trace.reward[at[i], i] = paid[i]
            for k, name in enumerate(env.term_names):
                trace.terms[name][at[i], i] = env.reward_terms[i, k]
            if ended[i]:
                assert info["_episode_terms"][i]
                trace.sums[int(at[i]), int(i)] = {
                    name: float(info["episode_terms"][name][i]) for name in env.term_names
                }
        at[~dead] += 1
        dead = ended if mode is AutoresetMode.NEXT_STEP else np.zeros(lanes, bool)
        if mode is AutoresetMode.DISABLED and ended.any():
            env.reset(options={"reset_mask": ended})
    env.close()
    return trace


def sb3(make: Any, reward: Any, actions: np.ndarray, *, build: Any, **options: Any) -> Trace:
    steps, lanes = actions.shape[:2]
    env = RewardVecEnv(build([make] * lanes), reward, **options)
    trace = Trace.empty(steps, lanes, env.term_names)
    env.seed(SEED)
    env.reset()
    for t in range(steps):
        _, trace.reward[t], dones, infos = env.step(actions[t])
        for k, name in enumerate(env.term_names):
            trace.terms[name][t] = env.reward_terms[:, k]
        for i in np.flatnonzero(dones):
            trace.sums[t, int(i)] = infos[i]["episode_terms"]
    env.close()
    return trace


def logged(make: Any, reward: Any, actions: np.ndarray, **options: Any) -> Trace:
    steps, lanes = actions.shape[:2]
    training = options.get("training", False)
    task = options.get("task")
    if task is not None:
        # a log does not say what could have been observed and done
        task = replace(task, spaces=lane_spaces(make()))
    known = {"gamma": options.get("gamma"), "env": task or options.get("env")}
    trace = None
    for i in range(lanes):
        episodes = log(make(), actions[:, i], seed=SEED + i)
        paid = relabel_terms(reward, episodes, training=training, **known)
        trace = trace or Trace.empty(steps, lanes, tuple(paid[0]))
        for name in trace.terms:
            trace.terms[name][:, i] = np.concatenate([terms[name] for terms in paid])
        ends = np.cumsum([len(terms["env"]) for terms in paid]) - 1
        for episode, terms, t in zip(episodes, paid, ends, strict=True):
            if episode["terminated"][-1] or episode["truncated"][-1]:
                trace.sums[int(t), i] = {name: float(c.sum()) for name, c in terms.items()}
    assert trace is not None
    trace.reward = trace.terms["shaped"]
    return trace


def log(env: Any, actions: np.ndarray, *, seed: int | None = None) -> list[dict[str, Any]]:
    """The episodes of an environment, as `rw.relabel` takes them."""
    episodes = []
    rows: dict[str, list[Any]] = {}
    for t, action in enumerate(actions):
        if not rows:
            obs, info = env.reset(seed=seed if t == 0 else None)
            rows = {k: [] for k in ("action", "reward", "terminated", "truncated")}
            rows |= {"obs": [obs], "info": [info]}
        obs, reward, terminated, truncated, info = env.step(action)
        for key, value in zip(rows, (action, reward, terminated, truncated), strict=False):
            rows[key].append(value)
        rows["obs"].append(obs)
        rows["info"].append(info)
        if terminated or truncated or t == len(actions) - 1:
            episodes.append(_episode(rows))
            rows = {}
    env.close()
    return episodes


def _episode(rows: dict[str, list[Any]]) -> dict[str, Any]:
    from rewardwrap.core import tree

    obs, infos = rows.pop("obs"), rows.pop("info")
    steps = infos[1:]
    shared = [k for k in steps[0] if all(k in info for info in steps)]
    return {
        **{key: np.array(column) for key, column in rows.items()},
        "obs": tree.stack(obs),
        "info": {
            key: np.array([i[key] for i in (infos if key in infos[0] else steps)]) for key in shared
        },
    }


NEXT, SAME, OFF = AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED
HOSTS: dict[str, Callable[..., Trace]] = {
    "single": single,
    "sync_next_step": partial(vector, mode=NEXT, build=SyncVectorEnv),
    "sync_same_step": partial(vector, mode=SAME, build=SyncVectorEnv),
    "sync_disabled": partial(vector, mode=OFF, build=SyncVectorEnv),
    "sync_one_buffer": partial(vector, mode=NEXT, build=partial(SyncVectorEnv, copy=False)),
    "async_next_step": partial(vector, mode=NEXT, build=AsyncVectorEnv),
    "async_same_step": partial(vector, mode=SAME, build=AsyncVectorEnv),
    "dummy": partial(sb3, build=DummyVecEnv),
    "subproc_fork": partial(sb3, build=partial(SubprocVecEnv, start_method="fork")),
    "subproc_server": partial(sb3, build=partial(SubprocVecEnv, start_method="forkserver")),
    "logged": logged,
}
# SB3 hands out float32 rewards, and reads the environment's own as such
TOLERANCE = {"dummy": 2e-6, "subproc_fork": 2e-6, "subproc_server": 2e-6}


@pytest.fixture(scope="session")
def play() -> Callable[..., Trace]:
    """``play(host, make, reward, actions, **options)``: what that host pays."""
    return lambda host, *args, **options: HOSTS[host](*args, **options)


@pytest.fixture(scope="session")
def tolerance() -> Callable[[str], float]:
    """How closely a host must agree with a single environment."""
    return lambda host: TOLERANCE.get(host, 1e-9)


@pytest.fixture(scope="session")
def tape() -> Callable[..., np.ndarray]:
    """``tape(env, steps, lanes)``: random actions, ``(steps, lanes, ...)``."""

    def make(env: Any, steps: int = 40, lanes: int = 3) -> np.ndarray:
        space = env.action_space
        space.seed(1)
        drawn = np.array([space.sample() for _ in range(steps * lanes)])
        return drawn.reshape(steps, lanes, *drawn.shape[1:])

    return make


@pytest.fixture(scope="session")
def record() -> Callable[..., list[dict[str, Any]]]:
    """``record(env, actions, seed=)``: its episodes, as `rw.relabel` takes them."""
    return log


@pytest.fixture(scope="session")
def toy_task() -> Any:
    return TASK
