"""Networks as rewards: fed with tensors, in chunks."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

import rewardwrap as rw
from rewardwrap.evaluate import payment
from rewardwrap.evaluate.distance.coverage import gather
from rewardwrap.evaluate.distance.rewards import reward_distance
from rewardwrap.evaluate.modules import Network, is_module
from rewardwrap.evaluate.payment import Payment, as_reward

FEW = {"samples": 64, "means": 32}


class Net(torch.nn.Module):
    """A net of state, action and next state that notes what it was given."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.body = torch.nn.Linear(7, 1)
        self.drop = torch.nn.Dropout(0.5)
        self.seen: list[tuple[int, torch.dtype, bool]] = []

    def forward(self, s: Any, a: Any, y: Any) -> Any:
        self.seen.append((len(s), s.dtype, self.training))
        return self.drop(self.body(torch.cat([s, a, y], dim=1)))[:, 0]


class ByName(torch.nn.Module):
    def forward(self, next_obs: Any) -> Any:
        return next_obs[:, 0]


def _by_hand(net: Net) -> Any:
    weight = net.body.weight.detach().numpy()[0].astype(np.float64)

    def pay(obs: Any, action: Any, next_obs: Any) -> Any:
        return np.concatenate([obs, action, next_obs], axis=1) @ weight

    return pay


def test_a_net_is_the_function_it_computes() -> None:
    net = Net()
    found = reward_distance(net, _by_hand(net), env="Pendulum-v1", **FEW)
    assert found.value < 1e-6
    assert {dtype for _, dtype, _ in net.seen} == {torch.float32}
    assert not any(training for *_, training in net.seen)
    assert net.training


def test_nets_lie_apart_and_columns_may_be_named() -> None:
    assert reward_distance(Net(0), Net(1), env="Pendulum-v1", **FEW).value > 0.05
    named = reward_distance(ByName(), rw.Field("pole_cos"), env="Pendulum-v1", **FEW)
    assert named.value < 1e-6
    method = as_reward(ByName().forward)
    assert is_module(ByName().forward)
    assert isinstance(method, rw.Reward)


def test_what_is_paid_does_not_depend_on_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    env = gym.make("Pendulum-v1")
    batch = gather(env, seed=0, episodes=2).batch
    env.close()
    net = Net()
    whole = Payment(as_reward(net)).on(batch)
    monkeypatch.setattr(payment, "CHUNK", 64)
    net.seen.clear()
    assert Payment(as_reward(net)).on(batch) == pytest.approx(whole, abs=1e-6)
    assert max(rows for rows, *_ in net.seen) == 64
    tilt = rw.Potential(lambda obs: obs[:, 1], gamma=0.9)
    shaped = rw.function(lambda obs: obs[:, 0]) + tilt
    chunked = Payment(shaped).on(batch)
    monkeypatch.undo()
    assert np.array_equal(Payment(shaped).on(batch), chunked)


def test_a_net_that_takes_something_else_is_refused() -> None:
    class Two(torch.nn.Module):
        def forward(self, s: Any, a: Any) -> Any:
            return s

    with pytest.raises(rw.ConfigError, match=r"must take \(obs, action, next_obs\), got one that"):
        Network(Two())


class Columns(torch.nn.Module):
    """The first columns of the observation."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, obs: Any) -> Any:
        return obs[:, : self.count]


def test_a_net_with_two_numbers_for_each_row_is_refused() -> None:
    said = r"must return shape \(\d+,\), one number per lane, got \(\d+, 2\)"
    with pytest.raises(rw.RewardwrapError, match=said):
        reward_distance(Columns(2), rw.Field("pole_cos"), env="Pendulum-v1", **FEW)


def test_a_net_with_a_last_axis_of_one_pays_what_is_in_it() -> None:
    found = reward_distance(Columns(1), lambda obs: obs[:, 0], env="Pendulum-v1", **FEW)
    assert found.value < 1e-6


@pytest.mark.parametrize("function", [lambda s, a: s[:, 0], lambda s, a, y, z: s[:, 0], lambda: 0])
def test_a_function_of_another_number_of_things_gets_a_sentence(function: Any) -> None:
    with pytest.raises(rw.ConfigError, match=r"a function as reward must take \(obs, action, next"):
        reward_distance(function, rw.Field("pole_cos"), env="Pendulum-v1", **FEW)
