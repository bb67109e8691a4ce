"""A fitted network as a reward: on every host, from its folder, and without it."""

from __future__ import annotations

import copy
import json
import pickle
import shutil

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw
from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError
from rewardwrap.nets.folder import save_model
from rewardwrap.nets.network import RewardNet
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.parts import plain_space
from rewardwrap.testing import Chain, DictChain, ImageChain, check_reward
from rewardwrap.testing.tapes import random_episodes


def model(
    folder, obs, action, reads=("obs", "action", "next_obs", "terminated"), seed=0, **options
):
    inputs = Inputs.of({"obs": plain_space(obs), "action": plain_space(action)}, reads)
    net = RewardNet(inputs, seed=seed, **{"hidden": (8,), **options})
    return str(save_model(net, folder, objective="regression", metrics={"heldout": {}}))


@pytest.fixture
def on_chain(tmp_path):
    """A model for the toy environment."""
    return model(tmp_path / "chain", Chain.observation_space, Chain.action_space, members=2)


def test_a_linear_model_by_hand(tmp_path):
    inputs = Inputs.of({"obs": plain_space(spaces.Box(-1, 1, (2,))), "action": {}}, ("obs",))
    net = RewardNet(inputs, hidden=(), dtype="float64")
    arrays = net.arrays()
    arrays["layer0.weight"][:] = [[[2.0], [-1.0]]]
    arrays["layer0.bias"][:] = 0.5
    arrays["input.mean"][:], arrays["input.sd"][:] = [1.0, 0.0], [2.0, 1.0]
    arrays["output.scale"][:], arrays["output.shift"][:] = 3.0, 10.0
    net.load_arrays(arrays)
    path = save_model(net, tmp_path / "m", objective="regression", metrics={"heldout": {}})
    episode = {"obs": [[3.0, 1.0], [0.0, 0.0]], "action": [0], "reward": [0], "terminated": [1],
               "truncated": [0]}  # fmt: skip
    # 3 * (2 * (3 - 1) / 2 - 1 * 1 + 0.5) + 10
    assert rw.relabel(rw.Learned(str(path)), episode)[0] == pytest.approx(14.5, abs=1e-5)


@pytest.mark.parametrize("rule", ["mean", "sd", "min", "uwo"])
@pytest.mark.parametrize("options", [{}, {"members": 3, "activation": "silu"}, {"bound": 2.0}])
def test_it_keeps_the_contract(tmp_path, rule, options, rng):
    box = spaces.Box(-1, 1, (4,), np.float32)
    path = model(tmp_path / "m", box, spaces.Box(-1, 1, (2,), np.float32), **options)
    reward = rw.Learned(path, rule=rule)
    task = rw.Task(name="check", gamma=0.99)
    made = random_episodes(rng, task=task, width=4)
    assert check_reward(reward, task=task, episodes=made, tolerance=1e-5) == ()


@pytest.mark.parametrize("make", [Chain, DictChain, ImageChain], ids=lambda m: m.__name__)
def test_single_vector_and_logged_environments_pay_the_same(tmp_path, make):
    env = make()
    path = model(tmp_path / "m", env.observation_space, env.action_space, features=8)
    single = rw.wrap(make(), rw.Learned(path))
    many = rw.wrap(DummyVecEnv([make, make]), rw.Learned(path))
    paid = []
    obs, _ = single.reset(seed=0)
    rows = {"obs": [obs], "action": [], "reward": [], "terminated": [], "truncated": []}
    many.seed(0)
    many.reset()
    env.action_space.seed(0)
    for _ in range(4):
        action = env.action_space.sample()
        obs, reward, terminated, truncated, info = single.step(action)
        _, both, _, _ = many.step(np.array([action, action]))
        assert both[0] == pytest.approx(reward, abs=1e-5)
        for name, value in zip(rows, (obs, action, info["reward_terms"]["env"], terminated, truncated),
                               strict=True):  # fmt: skip
            rows[name].append(value)
        paid.append(reward)
        if terminated or truncated:
            break
    rows["obs"] = tree.stack(rows["obs"])
    np.testing.assert_allclose(rw.relabel(rw.Learned(path), rows), paid, rtol=1e-5, atol=1e-5)


def test_it_is_written_down_by_its_folder(on_chain):
    reward = rw.EnvReward() + 0.5 * rw.Learned(on_chain, rule="sd", k=2.0).named("said")
    again = rw.from_config(json.loads(json.dumps(reward.to_config())))
    assert again.to_config() == reward.to_config()


def test_a_saved_reward_pays_the_same_when_the_folder_is_gone(on_chain, tmp_path):
    episode = a_walk()
    reward = rw.Learned(on_chain)
    want, version = rw.relabel(reward, episode), reward.version
    folder = rw.save(reward, tmp_path / "saved")
    shutil.rmtree(on_chain)
    back = rw.load(folder)
    np.testing.assert_array_equal(rw.relabel(back, episode), want)
    assert back.version == version
    for other in (copy.deepcopy(back), pickle.loads(pickle.dumps(back))):
        np.testing.assert_array_equal(rw.relabel(other, episode), want)


def test_a_reward_whose_folder_is_gone_says_so(tmp_path):
    with pytest.raises(ConfigError, match="model folder must hold model.json"):
        rw.relabel(rw.Learned(str(tmp_path / "nothing")), a_walk())


def a_walk():
    env, rows = Chain(), []
    obs, _ = env.reset(seed=0)
    seen = [obs]
    for action in (1, 0, 2):
        obs, reward, terminated, truncated, _ = env.step(action)
        seen.append(obs)
        rows.append((action, reward, terminated, truncated))
    action, reward, terminated, truncated = map(np.array, zip(*rows, strict=True))
    return {"obs": np.array(seen), "action": action, "reward": reward, "terminated": terminated,
            "truncated": truncated}  # fmt: skip


def test_another_observation_space_is_refused_before_the_first_step(on_chain):
    with pytest.raises(ConfigError, match=r"must see observations of shape \(3,\), got \(4,\)"):
        rw.wrap(gym.make("CartPole-v1"), rw.Learned(on_chain))


def test_another_action_space_is_refused_at_the_first_step(on_chain):
    class Continuous(Chain):
        action_space = spaces.Box(-1, 1, (2,))

        def move(self, action):
            return 1.0

    env = rw.wrap(Continuous(), rw.Learned(on_chain))
    env.reset()
    with pytest.raises(
        ConfigError, match=r"action must be what the model was trained for, shape \(\)"
    ):
        env.step(np.zeros(2, np.float32))


def test_deploying_another_model_changes_what_is_paid_and_the_version(on_chain, tmp_path):
    other = model(tmp_path / "b", Chain.observation_space, Chain.action_space, seed=9, members=2)
    reward, episode = rw.Learned(on_chain), a_walk()
    before, version = rw.relabel(reward, episode), reward.version
    assert reward.deploy(other) != version
    assert not np.allclose(rw.relabel(reward, episode), before)
    np.testing.assert_array_equal(
        rw.relabel(reward, episode), rw.relabel(rw.Learned(other), episode)
    )
    wide = model(tmp_path / "c", spaces.Box(-1, 1, (9,)), Chain.action_space)
    with pytest.raises(ConfigError, match="must read the inputs of the one before"):
        reward.deploy(wide)


def test_a_version_that_is_meant_is_checked(on_chain):
    version = rw.Learned(on_chain).version
    assert rw.Learned(on_chain, sha256=version).version == version
    with pytest.raises(ConfigError, match="must have the SHA-256 0123"):
        rw.Learned(on_chain, sha256="0123")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"rule": "median"}, 'rule must be "mean" or "sd"'),
        ({"k": -1.0}, "k must be at least 0"),
        ({"path": 3}, "path must be a model folder, got 3"),
    ],
)
def test_settings_that_make_no_sense_are_refused(on_chain, fields, sentence):
    with pytest.raises(ConfigError, match=sentence):
        rw.Learned(**{"path": on_chain, **fields})


def test_a_tampered_saved_reward_is_refused(on_chain):
    reward = rw.Learned(on_chain)
    state = reward.state_dict()
    state["0.model"][-3] ^= 1
    with pytest.raises(ConfigError, match="weights must have the SHA-256 that their model names"):
        reward.load_state_dict(state)


def test_fields_are_read_from_info_where_there_is_no_recipe(tmp_path):
    net = RewardNet(Inputs.of_fields(["place"]), hidden=(), dtype="float64")
    path = save_model(net, tmp_path / "m", objective="preferences", metrics={"heldout": {}})
    weight, bias = (
        float(a.item()) for a in (net.arrays()["layer0.weight"], net.arrays()["layer0.bias"])
    )
    episode = {**a_walk(), "info": {"place": [1.0, 2.0, 3.0]}}
    paid = rw.relabel(rw.Learned(str(path)), episode)
    np.testing.assert_allclose(paid, weight * np.array([1.0, 2.0, 3.0]) + bias)
