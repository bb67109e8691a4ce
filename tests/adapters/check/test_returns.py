"""ARS plays by `evaluate_policy`: it learns from the composed return, or is refused."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from sb3_contrib import ARS
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecMonitor

import rewardwrap as rw

R = -2.0 * rw.EnvReward() + rw.Constant(-1.0).named("time")


class Spy(rw.LogTerms):
    found: Any = None

    def _on_training_end(self) -> None:
        self.found = [dict(e) for e in self._episodes]


def lanes(*layers: Any) -> VecEnv:
    def made() -> Any:
        env: Any = gym.make("CartPole-v1", max_episode_steps=30)
        for layer in layers:
            env = layer(env)
        return env

    return DummyVecEnv([made] * 2)


def ours(env: Any) -> Any:
    return rw.wrap(env, R)


HONEST = {
    "made": lambda: rw.make("CartPole-v1", R, n_envs=2, env_kwargs={"max_episode_steps": 30}),
    "no Monitor": lambda: ours(lanes()),
    "VecMonitor above": lambda: VecMonitor(ours(lanes(Monitor))),
}


@pytest.mark.parametrize("name", HONEST)
def test_ars_learns_from_what_was_composed(name: str) -> None:
    venv = HONEST[name]()
    rw.check(venv, "ars")
    read: list[float] = []

    class Reads(ARS):
        def _mimic_monitor_wrapper(self, episode_rewards: Any, episode_lengths: Any) -> None:
            read.extend(episode_rewards)
            super()._mimic_monitor_wrapper(episode_rewards, episode_lengths)

    spy = Spy()
    Reads("LinearPolicy", venv, n_delta=2, seed=0).learn(200, callback=spy)
    episodes = spy.found
    assert all(e["shaped"] == -3 * e["env"] for e in episodes)
    assert set(np.round(read)) <= {e["shaped"] for e in episodes}


def test_a_monitor_that_is_read_instead_is_named() -> None:
    inside = lanes(Monitor, ours)
    with pytest.raises(
        rw.StackError, match="ARS must learn from the return of the composed reward"
    ):
        rw.check(inside, "ars")
    with pytest.raises(rw.StackError, match="a learner must show its steps"):
        ARS("LinearPolicy", inside, n_delta=1).learn(10, callback=rw.LogTerms())
    below = ours(VecMonitor(lanes()))
    with pytest.raises(
        rw.StackError, match="ARS must learn from the return of the composed reward"
    ):
        rw.check(below, ARS)
    with pytest.raises(rw.StackError, match="VecMonitor below"):
        ARS("LinearPolicy", below, n_delta=1).learn(10, callback=rw.LogTerms())
    rw.check(lanes(ours, Monitor), "ars")


def test_an_evaluation_env_reports_the_true_return() -> None:
    model = ARS("LinearPolicy", HONEST["made"](), seed=0)
    venv = rw.make("CartPole-v1", R, training=False)
    assert evaluate_policy(model, venv, 2)[0] > 0
    assert evaluate_policy(model, rw.make("CartPole-v1"), 2)[0] > 0
