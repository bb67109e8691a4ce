"""Designs that follow a learner, and rewards that an agent designs for itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import A2C, DQN, SAC

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError, StackError
from rewardwrap.design.adaptive import Adaptive
from rewardwrap.design.program import DesignError
from rewardwrap.design.redesigning import chances_of
from rewardwrap.training.teachers import teachers

LAKE: dict[str, Any] = {"is_slippery": False}


@pytest.fixture(scope="module")
def lake() -> Adaptive:
    return Adaptive("FrozenLake-v1", states=3, env_kwargs=LAKE)


def test_the_weights_are_those_worked_by_hand(lake: Adaptive) -> None:
    # one state, pi = (1/2, 1/2), advantages (0, -1), both occupancies 1: R = (1, 0) is worth 1/4
    made = lake.again()
    made._advantage, made._teacher = np.array([[0.0, -1.0]]), np.ones(1)
    weight = made.weights(np.array([[0.5, 0.5]]), visits=np.ones(1))
    assert weight.tolist() == [[0.25, -0.25]]
    # a constant in a state is worth nothing
    assert weight.sum() == 0.0


def test_a_redesign_pays_where_the_learner_errs_and_keeps_the_task(lake: Adaptive) -> None:
    adaptive = lake.again()
    uniform = np.full(adaptive.shape, 0.25)
    assert float(adaptive.redesign(uniform)) == 0.0
    assert len(adaptive.reward.values) <= 3
    erring = set(adaptive.reward.values)
    best = adaptive._goal.best / adaptive._goal.best.sum(axis=1, keepdims=True)
    # who errs nowhere leaves nothing to pay for but what keeps the task
    adaptive.redesign(best)
    assert set(adaptive.reward.values) <= set(adaptive._needed) <= erring
    assert adaptive.regrets == [0.0, 0.0]
    assert lake.regrets == []
    with pytest.raises(DesignError, match="must be chances"):
        adaptive.redesign(uniform[:3])


def test_the_callback_redesigns_for_the_agent_and_is_installed(tmp_path: Path) -> None:
    file = tmp_path / "adaptive.yml"
    asked = ["design", "FrozenLake-v1", "--env-kwargs", "is_slippery:False", "--states", "3"]
    assert main([*asked, "--adaptive", "64", "--out", str(file)]) == 0
    reward = rw.read_reward(file)
    first = dict(reward.values)
    (callback,) = teachers(reward, seed=0)
    env = gym.make("FrozenLake-v1", **LAKE)
    agent = A2C("MlpPolicy", rw.wrap(env, reward), n_steps=32, gamma=0.95, seed=0)
    agent.learn(160, callback=callback)
    assert reward.values != first
    assert np.allclose(chances_of(agent).sum(axis=1), 1.0)
    twin = rw.from_config(reward.to_config())
    twin.load_state_arrays(reward.state_arrays())
    assert twin.values == reward.values


def test_chances_of_a_value_learner_and_of_one_that_has_none() -> None:
    env = gym.make("FrozenLake-v1", **LAKE)
    chances = chances_of(DQN("MlpPolicy", env, buffer_size=10))
    assert chances.shape == (16, 4)
    assert np.allclose(chances.sum(axis=1), 1.0)
    with pytest.raises(StackError, match="must know the policy in every state"):
        chances_of(SAC("MlpPolicy", gym.make("Pendulum-v1"), buffer_size=10))
    with pytest.raises(ConfigError, match="env must be a recipe or id"):
        rw.Redesigned({0: [1.0]})


def test_what_an_agent_designs_is_worked_by_hand() -> None:
    own = rw.SelfDesigned(eta=0.05, rate=0.5, lam=1.0, bonus=0.5)
    for seen, paid in ((1, 0.5), (2, 0.4472), (6, 0.3333), (13, 0.25)):
        own._seen[b"s"] = seen
        assert own.bonus_of(b"s") == pytest.approx(paid, abs=1e-4)
    assert own.adapt([b"s"], [1], [1.0], [[0.5, 0.5]]) == 1.0
    assert own._phi[b"s"].tolist() == pytest.approx([-0.0125, 0.0125])
    # a return that was expected teaches nothing
    own._value[b"s"] = 2.0
    before = own._phi[b"s"].copy()
    own.adapt([b"s"], [0], [2.0], [[0.3, 0.7]])
    assert np.array_equal(own._phi[b"s"], before)
    # where an episode ends there is nothing left to explore
    assert own.pay_one(b"s", 1, b"t", True) == pytest.approx(0.0125)
    assert own.pay_one(b"s", 1, b"u", False) == pytest.approx(0.0125 + 0.5)


def test_an_agent_designs_for_itself_and_only_some_can() -> None:
    own = rw.SelfDesigned(eta=0.5)
    reward = rw.EnvReward() + own
    (callback,) = teachers(reward, seed=0)
    venv = rw.make("CartPole-v1", reward, n_envs=2, gamma=0.99)
    A2C("MlpPolicy", venv, n_steps=32, seed=0).learn(200, callback=callback)
    assert own._phi
    assert all(abs(row.sum()) < 1e-9 for row in own._phi.values())
    twin = rw.SelfDesigned(eta=0.5)
    twin.load_state_arrays(own.state_arrays())
    assert twin._seen == own._seen
    assert {k: v.tolist() for k, v in twin._phi.items() if v.any()} == {
        k: v.tolist() for k, v in own._phi.items()
    }
    venv = rw.make("Pendulum-v1", rw.SelfDesigned(), gamma=0.99)
    with pytest.raises(StackError, match="chances of Discrete actions"):
        A2C("MlpPolicy", venv).learn(10, callback=own.update())
