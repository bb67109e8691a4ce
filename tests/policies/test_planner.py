"""Sampling MPC on copies of the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from rewardwrap_policies.planner import CEMPlanner, PlannerError, snapshot_of


def upright(obs: Any, action: Any, next_obs: Any, info: Mapping[str, Any]) -> Any:
    return next_obs[:, 0] - 0.01 * np.square(next_obs[:, 2])


def forward(obs: Any, action: Any, next_obs: Any, info: Mapping[str, Any]) -> Any:
    return np.asarray(info["x_velocity"])


@pytest.mark.parametrize("name", ["HalfCheetah-v5", "Hopper-v5", "Pendulum-v1"])
def test_a_restored_state_goes_on_in_the_same_way(name: str) -> None:
    env = gym.make(name)
    env.reset(seed=0)
    env.action_space.seed(0)
    snapshot = snapshot_of(env)
    for _ in range(5):
        env.step(env.action_space.sample())
    state, actions = snapshot.take(), [env.action_space.sample() for _ in range(6)]
    runs = []
    for _ in range(2):
        snapshot.restore(state)
        runs.append([env.unwrapped.step(action)[0] for action in actions])
    np.testing.assert_array_equal(runs[0], runs[1])


def test_planning_leaves_the_environment_where_it_was() -> None:
    env = gym.make("HalfCheetah-v5")
    obs, _ = env.reset(seed=0)
    snapshot = snapshot_of(env)
    before = snapshot.take()
    CEMPlanner(env, forward, horizon=4, samples=6, elites=2).act(obs)
    np.testing.assert_array_equal(snapshot.take(), before)


def test_the_pendulum_is_swung_up_and_held() -> None:
    env = gym.make("Pendulum-v1")
    obs, _ = env.reset(seed=0)
    planner = CEMPlanner(env, upright, samples=32)
    cosines = []
    for _ in range(120):
        obs, *_ = env.step(planner.act(obs))
        cosines.append(obs[0])
    assert np.mean(cosines[-20:]) > 0.95


def test_the_cheetah_runs_at_once() -> None:
    env = gym.make("HalfCheetah-v5")
    obs, _ = env.reset(seed=0)
    planner = CEMPlanner(env, forward, horizon=12, samples=16, elites=4)
    speeds = []
    for _ in range(40):
        obs, *_, info = env.step(planner.act(obs))
        speeds.append(info["x_velocity"])
    assert np.mean(speeds[-20:]) > 1.0


def test_what_cannot_be_planned_in_is_refused() -> None:
    cart = gym.make("CartPole-v1")
    cart.reset()
    with pytest.raises(PlannerError, match="must be a bounded Box"):
        CEMPlanner(cart, upright)
    lake = gym.make("FrozenLake-v1")
    lake.reset()
    with pytest.raises(PlannerError, match="taken back to an earlier state"):
        snapshot_of(lake)
