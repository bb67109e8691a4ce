"""A function that is written into a lane pays what it pays where it is called."""

from __future__ import annotations

import functools
import linecache
import math
import types
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw

CALLED = ".one(next_obs)"
SCALE = 0.5


def documented(obs):
    """Says what it does."""
    angle = obs[2]
    return 2.0 + angle / 0.2095


SMOOTH = {
    "row": lambda obs: 2.0 + obs[2] / 0.2095,
    "batch": lambda obs: 2.0 + obs[:, 2] / 0.2095,
    "from the end": lambda s: -abs(s[-2]),
    "functions": lambda o: np.tanh(o[:, 0]) * np.exp(-np.square(o[:, 1])) + np.clip(o[:, 2], -0.1, 0.1),
    "math": lambda obs: math.cos(obs[2]) ** 2 - math.hypot(obs[0], obs[1]),
    "division": lambda obs: obs[0] / (1.0 + obs[1] ** 2),
    "all of it": lambda obs: -np.square(obs).sum(axis=-1),
    "norm": lambda obs: np.linalg.norm(obs[:2]),
    "statements": documented,
}  # fmt: skip


class Double(gym.ObservationWrapper):
    """CartPole in float64."""

    def __init__(self, env: gym.Env) -> None:
        super().__init__(env)
        self.observation_space = Box(-10.0, 10.0, (4,), np.float64)

    def observation(self, observation: Any) -> Any:
        return observation.astype(np.float64)


def cart() -> gym.Env:
    return gym.make("CartPole-v1")


def double() -> gym.Env:
    return Double(cart())


def source(phi: Any, make: Any = cart, each: Any = None) -> str:
    return rw.wrap(make(), rw.Potential(phi, gamma=0.9, each=each)).source


def paid(phi: Any, make: Any = cart, lanes: int = 0) -> np.ndarray:
    reward = rw.Potential(phi, gamma=0.9)
    if lanes:
        venv = rw.wrap(DummyVecEnv([make] * lanes), reward)
        venv.seed(0)
        venv.reset()
        return np.array([venv.step(np.full(lanes, int(t % 3 == 0)))[1] for t in range(40)])
    env = rw.wrap(make(), reward)
    env.reset(seed=0)
    found = []
    for t in range(40):
        _, value, terminated, truncated, _ = env.step(int(t % 3 == 0))
        found.append(value)
        if terminated or truncated:
            env.reset(seed=t)
    return np.array(found)


@pytest.mark.filterwarnings("ignore:Potential")
@pytest.mark.parametrize("lanes", [0, 3])
@pytest.mark.parametrize("name", SMOOTH)
def test_a_smooth_function_is_written_and_pays_what_it_pays_where_it_is_called(name, lanes):
    phi = SMOOTH[name]
    assert CALLED not in source(phi)
    # a partial is called
    called = functools.partial(phi)
    assert CALLED in source(called)
    np.testing.assert_allclose(paid(phi, lanes=lanes), paid(called, lanes=lanes), atol=1e-6)


def branch(obs):
    if obs[2] > 0.05:
        return -obs[2]
    return obs[2] if obs[0] < 0.0 else 0.5


@pytest.mark.filterwarnings("ignore:Potential")
@pytest.mark.parametrize(
    "phi", [branch, lambda obs: np.where(obs[:, 2] > 0.05, 1.0, 0.0), lambda obs: obs[0] // 0.1]
)
def test_what_jumps_is_called_in_float32_and_written_in_float64(phi):
    assert CALLED in source(phi)
    assert CALLED not in source(phi, double)
    called = paid(functools.partial(phi), double)
    np.testing.assert_allclose(paid(phi, double), called, rtol=1e-12, atol=1e-12)


weight = 2.0


def test_what_something_else_can_change_is_called():
    kept = 2.0
    state = {"weight": 2.0}
    for phi in (
        lambda obs: kept * obs[2],
        lambda obs: state["weight"] * obs[2],
        lambda obs: weight * obs[2],
        lambda obs, kept=kept: kept * obs[2],
        lambda obs: print(end="") or obs[2],
        functools.partial(SMOOTH["row"]),
    ):
        assert CALLED in source(phi)
    # each says how a function is called, and a batch it is not
    assert CALLED in source(SMOOTH["row"], each="batch")


def test_a_name_must_stand_for_what_it_says():
    phi = SMOOTH["all of it"]
    other = types.SimpleNamespace(square=lambda x: 7.0 * x)
    assert CALLED in source(types.FunctionType(phi.__code__, {"np": other}))
    assert CALLED not in source(types.FunctionType(phi.__code__, {"np": np}))


def test_a_source_that_was_edited_since_is_not_believed():
    names: dict[str, Any] = {}
    file = "<edited>"
    exec(compile("def phi(obs):\n    return obs[2]\n", file, "exec"), names)
    for text, written in (("obs[2]", True), ("obs[3]", False)):
        lines = f"def phi(obs):\n    return {text}\n".splitlines(keepends=True)
        linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
        phi = types.FunctionType(names["phi"].__code__, {})
        assert (CALLED not in source(phi)) == written
