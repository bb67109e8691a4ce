"""An implicit reward is a model like any other, and a policy that acts."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, DQN, PPO

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError, StackError
from rewardwrap.data import EpisodeStore
from rewardwrap.nets import ImplicitReward, load_model
from rewardwrap.nets.paid import NetError
from tests.nets.conftest import pendulum


class Match(gym.Env[np.ndarray, int]):
    """The right one of three actions is where the observation is largest."""

    observation_space = spaces.Box(-5.0, 5.0, (3,), np.float32)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._obs, self._left = self.np_random.normal(size=3).astype(np.float32), 6
        return self._obs, {}

    def step(self, action):
        paid = float(self._obs.argmax() == action)
        self._obs, self._left = self.np_random.normal(size=3).astype(np.float32), self._left - 1
        return self._obs, paid, self._left == 0, False, {}


def matched(episodes: int = 80) -> EpisodeStore:
    env, recorded = Match(), []
    env.action_space.seed(0)
    for number in range(episodes):
        obs, _ = env.reset(seed=number)
        rows, over = {"obs": [obs], "action": [], "reward": []}, False
        while not over:
            action = env.action_space.sample()
            obs, paid, over, _, _ = env.step(action)
            for name, value in (("obs", obs), ("action", action), ("reward", paid)):
                rows[name].append(value)
        ends = np.arange(6) == 5
        recorded.append({**rows, "terminated": ends, "truncated": ~ends & False, "id": str(number)})
    return EpisodeStore.from_episodes(
        recorded, observation_space=env.observation_space, action_space=env.action_space
    )


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of the data and of a policy fitted to 300 answers about clips of three steps."""
    place = tmp_path_factory.mktemp("implicit")
    matched().save(place / "data")
    asked = ["--pairs", "300", "--length", "3", "--epochs", "30", "--members", "2", "--quiet"]
    start = ["fit", "preferences", str(place / "data"), "--out", str(place / "model")]
    assert main([*start, "--objective", "dpo", *asked]) == 0
    return place / "data", place / "model"


def test_what_is_paid_is_what_was_fitted(fitted) -> None:
    data, folder = fitted
    batch = EpisodeStore.load(data).transitions()
    net = load_model(folder).net
    rows = net.prepare(net.encode(batch))
    np.testing.assert_allclose(
        rw.Learned(str(folder)).members(batch), net.all(rows).numpy(), atol=1e-5
    )
    np.testing.assert_allclose(rw.Learned(str(folder))(batch), net.freeze()(batch), atol=1e-12)
    low = rw.Learned(str(folder), rule="min")(batch)
    assert (low <= rw.Learned(str(folder))(batch) + 1e-12).all()


def test_it_orders_clips_is_validated_and_trains_on(fitted, tmp_path: Path) -> None:
    data, folder = fitted
    model = load_model(folder)
    assert model.metrics["heldout"]["pair_accuracy"] > 0.75
    assert model.document["settings"]["objective"] == "dpo"
    assert main(["validate", str(folder), str(data), "--length", "3", "--out", str(tmp_path)]) == 0
    env = rw.make(Match, rw.Learned(str(folder)), n_envs=2)
    PPO("MlpPolicy", env, n_steps=16, batch_size=16, n_epochs=1).learn(32)


def test_the_policy_has_the_same_logits_and_does_the_task(fitted) -> None:
    data, folder = fitted
    net = load_model(folder).net
    assert isinstance(net, ImplicitReward)
    batch = EpisodeStore.load(data).transitions()
    rows = net.prepare(net.encode(batch))
    obs = torch.as_tensor(np.asarray(batch.obs))
    for member in range(2):
        policy = net.policy(Match(), member=member)
        with torch.no_grad():
            logits = policy.get_distribution(obs).distribution.logits
            want = torch.log_softmax(net.outputs(rows.x[:, :3])[member], dim=-1)
        torch.testing.assert_close(logits, want, atol=2e-6, rtol=1e-5)
    actions, _ = net.policy(Match()).predict(np.asarray(batch.obs), deterministic=True)
    assert (actions == np.asarray(batch.obs).argmax(axis=1)).mean() > 0.6


def test_an_agent_goes_there_and_comes_back() -> None:
    agent = PPO("MlpPolicy", Match(), n_steps=8, batch_size=8, seed=0, device="cpu")
    net = ImplicitReward.from_sb3(agent)
    store = matched(4)
    batch = store.transitions()
    assert np.abs(net.freeze()(batch)).max() == 0.0
    obs = torch.as_tensor(np.asarray(batch.obs))
    with torch.no_grad():
        want = agent.policy.get_distribution(obs).distribution.logits
        found = net.policy(Match()).get_distribution(obs).distribution.logits
    torch.testing.assert_close(found, want, atol=2e-6, rtol=1e-5)


def test_box_actions_come_in_the_environments_unit() -> None:
    store = pendulum(6)
    net = ImplicitReward.of(store, hidden=(8,), activation="tanh", sd=0.5)
    rows = net.encode(store.transitions())
    net.normalise(rows)
    policy = net.policy("Pendulum-v1")
    obs = np.asarray(store.transitions().obs)
    with torch.no_grad():
        found = policy.get_distribution(torch.as_tensor(obs)).distribution
        mean = net.outputs(net.prepare(rows).x[:, :3])[0] * net.sd[3:] + net.mean[3:]
    torch.testing.assert_close(found.mean, mean, atol=2e-6, rtol=1e-5)
    torch.testing.assert_close(found.stddev[0], 0.5 * net.sd[3:])
    agent = A2C("MlpPolicy", "Pendulum-v1", device="cpu", seed=0)
    agent.policy.log_std.data.fill_(-1.0)
    back = ImplicitReward.from_sb3(agent).policy("Pendulum-v1")
    one, other = (
        p.get_distribution(torch.as_tensor(obs)).distribution for p in (agent.policy, back)
    )
    torch.testing.assert_close(one.mean, other.mean, atol=2e-6, rtol=1e-5)
    torch.testing.assert_close(one.stddev, other.stddev)


def test_the_reference_is_kept_on_disk_and_counts_as_0() -> None:
    net = ImplicitReward.of(pendulum(2), hidden=(4,))
    rows = net.prepare(net.encode(pendulum(2).transitions()))
    assert float(net(rows).abs().max().detach()) == 0.0
    with torch.no_grad():
        net.actor.weights[0].mul_(2.0)
    other = ImplicitReward.of(pendulum(2), hidden=(4,), seed=5)
    other.load_arrays(net.arrays())
    torch.testing.assert_close(other(rows), net(rows))
    assert float(net(rows).abs().max().detach()) > 0


def test_what_cannot_act_is_refused(fitted) -> None:
    net = load_model(fitted[1]).net
    assert isinstance(net, ImplicitReward)
    with pytest.raises(StackError, match="must act in the spaces it was fitted for"):
        net.policy("CartPole-v1")
    with pytest.raises(
        StackError, match="must come from PPO or A2C with an MlpPolicy, got DQNPolicy"
    ):
        ImplicitReward.from_sb3(DQN("MlpPolicy", "CartPole-v1", buffer_size=10))
    with pytest.raises(StackError, match="must see one Box, or a Discrete that begins at 0"):
        net.policy(type("Env", (), {"observation_space": spaces.Dict(), "action_space": None}))
    with pytest.raises(NetError, match="weights must fit the network"):
        net.load_arrays({**net.arrays(), "policy.layer0.bias": np.zeros(1)})
    with pytest.raises(ConfigError, match="beta and sd must be above 0"):
        rw.fit("preferences", matched(4), objective="dpo", objective_kwargs={"beta": 0})
