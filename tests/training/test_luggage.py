"""What has no name travels to this machine's workers, and is written down as such."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core import unnamed
from rewardwrap.training.fingerprint import fingerprint
from rewardwrap.training.luggage import Luggage, env_name, unpacked
from rewardwrap_envs.trust import references


def scaled(by: Any) -> Any:
    return lambda obs: by * obs[:, 0]


def test_a_fingerprint_is_what_is_computed() -> None:
    assert fingerprint(scaled(2)) == fingerprint(scaled(2)) != fingerprint(scaled(3))
    assert fingerprint(scaled(np.arange(3))) != fingerprint(scaled(np.arange(4)))
    assert fingerprint(lambda obs: obs[0]) != fingerprint(lambda obs: obs[1])
    assert fingerprint(functools.partial(scaled, 1)) != fingerprint(functools.partial(scaled, 2))


def test_a_fingerprint_does_not_depend_on_the_line_it_stands_on() -> None:
    one: dict[str, Any] = {}
    other: dict[str, Any] = {}
    exec("f = lambda obs: {'a', 'b', 'c'} and obs[0]", one)
    exec("\n\n\nf = lambda obs: {'a', 'b', 'c'} and obs[0]", other)
    assert fingerprint(one["f"]) == fingerprint(other["f"])


def test_a_fingerprint_is_the_same_in_another_process() -> None:
    written = "f = lambda obs: obs[0] in {'a', 'b', 'c', 'd'}"
    here: dict[str, Any] = {}
    exec(written, here)
    code = (
        f"from rewardwrap.training.fingerprint import fingerprint\n{written}\nprint(fingerprint(f))"
    )
    there = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": "1"}, capture_output=True, text=True
    )
    assert there.stdout.strip() == fingerprint(here["f"])


def test_a_lambda_has_a_name_only_while_it_is_carried() -> None:
    reward = rw.EnvReward() + rw.function(scaled(0.5))
    luggage = Luggage.of([reward])
    with luggage.at_hand():
        config = reward.to_config()
        (name,) = luggage.functions
        assert name.startswith("unnamed:lambda_")
        assert rw.from_config(config).to_config() == config
    assert unnamed.carried(name) is None
    with pytest.raises(rw.ConfigError, match="must be a function that can be imported"):
        reward.to_config()
    with pytest.raises(rw.ConfigError, match=f'got "{name}": a lambda'):
        rw.from_config(config)


def test_luggage_arrives_as_it_was_packed() -> None:
    luggage = Luggage.of([rw.function(scaled(0.5))])
    arrived = unpacked(luggage.packed())
    assert arrived.functions.keys() == luggage.functions.keys()
    (function,) = arrived.functions.values()
    assert function(np.full((1, 1), 4.0)) == 2.0
    assert fingerprint(function) == fingerprint(scaled(0.5))


def test_named_rewards_need_no_luggage() -> None:
    assert Luggage.of([rw.EnvReward(), rw.Potential("torso_z")], "Hopper-v5").packed() == {}


def test_what_cannot_be_carried_is_a_sentence() -> None:
    with pytest.raises(rw.ConfigError, match="cloudpickle can carry"):
        Luggage.of([rw.function(scaled(threading.Lock()))])


def test_an_unnamed_function_asks_for_no_trust_but_an_environment_does() -> None:
    assert list(references({"function": {"function": "unnamed:lambda_00000000"}})) == []
    assert list(references({"env": "unnamed:Any-v0"})) == ["unnamed"]


class Still(gym.Env[Any, Any]):
    observation_space = gym.spaces.Box(-1.0, 1.0, (2,))
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> Any:
        return np.zeros(2, np.float32), 1.0, False, False, {}


def test_an_environment_may_be_given_as_what_makes_it() -> None:
    assert env_name("CartPole-v1") == "CartPole-v1"
    assert env_name(gym.make("CartPole-v1")) == "CartPole-v1"
    name = env_name(Still)
    assert name.startswith("given/Still-")
    assert env_name(Still) == name
    assert isinstance(gym.make(env_name(lambda: Still())).unwrapped, Still)
    (spec,) = unpacked(Luggage.of([rw.EnvReward()], name).packed()).envs
    assert spec.id == name


def test_an_environment_object_is_made_again_as_it_is() -> None:
    lake = gym.make("FrozenLake-v1", map_name="8x8")
    again = gym.make(env_name(lake))
    assert again.observation_space == lake.observation_space


@pytest.mark.parametrize(
    ("env", "sentence"),
    [(Still(), "must know how it was made"), (3, "got int")],
)
def test_what_makes_no_environment_is_a_sentence(env: Any, sentence: str) -> None:
    with pytest.raises(rw.ConfigError, match=sentence):
        env_name(env)
