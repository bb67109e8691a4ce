"""Heads that train the body of a policy."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, DQN, PPO

import rewardwrap as rw
from rewardwrap import cli
from rewardwrap.training import bundle
from rewardwrap.training.folder import RunFolder

PPO_SIZE = {"n_steps": 128, "batch_size": 64, "n_epochs": 2}


def learn(heads, algo=PPO, env="Pendulum-v1", steps=256, **options):
    options = options or (PPO_SIZE if algo is PPO else {})
    return algo("MlpPolicy", env, seed=0, **options).learn(steps, callback=heads)


def weights(model):
    return torch.nn.utils.parameters_to_vector(model.policy.parameters()).detach().numpy()


@pytest.mark.parametrize(("algo", "steps"), [(PPO, 256), (A2C, 60)])
def test_weights_of_0_leave_the_training_bit_by_bit_as_it_is(algo, steps):
    plain, none, some = (
        learn(heads, algo, steps=steps)
        for heads in (None, rw.Auxiliary({"reward": 0, "state": 0}), rw.Auxiliary())
    )
    np.testing.assert_array_equal(weights(plain), weights(none))
    assert not np.array_equal(weights(plain), weights(some))


def test_losses_fall_by_more_than_half():
    heads = rw.Auxiliary()
    learn(heads, steps=2048, n_steps=128, batch_size=64, n_epochs=4)
    for name, losses in heads.losses.items():
        assert len(losses) == 16, name
        assert losses[-1] < 0.5 * losses[0], name


def test_what_is_saved_is_a_plain_policy(tmp_path):
    model = learn(rw.Auxiliary())
    model.save(tmp_path / "policy.zip")
    np.testing.assert_array_equal(weights(PPO.load(tmp_path / "policy.zip")), weights(model))


@pytest.mark.parametrize("env", ["FrozenLake-v1", "CartPole-v1"])
def test_discrete_states_are_reconstructed_too(env):
    heads = rw.Auxiliary(["state"])
    learn(heads, env=env)
    assert np.isfinite(heads.losses["state"]).all()


def test_dictionaries_of_observations_are_reconstructed_side_by_side():
    class Pair(gym.Env):
        observation_space = gym.spaces.Dict(
            {"a": gym.spaces.Box(-1, 1, (3,)), "b": gym.spaces.Discrete(4)}
        )
        action_space = gym.spaces.Discrete(2)

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return {"a": np.zeros(3, np.float32), "b": 1}, {}

        def step(self, action):
            return {"a": self.np_random.random(3, np.float32), "b": 2}, 1.0, False, False, {}

    heads = rw.Auxiliary()
    PPO("MultiInputPolicy", Pair(), **PPO_SIZE).learn(128, callback=heads)
    assert {name: len(losses) for name, losses in heads.losses.items()} == {"reward": 1, "state": 1}


@pytest.mark.parametrize(
    ("heads", "sentence"),
    [
        (["rewards"], 'No auxiliary head "rewards". Did you mean "reward"?'),
        ({"state": -1}, "auxiliary state must have a weight of at least 0, got -1"),
        ({"state": "high"}, "auxiliary state must have a weight of at least 0, got 'high'"),
        ([], "auxiliary must name a head, got none"),
    ],
)
def test_heads_that_nobody_knows_are_refused(heads, sentence):
    with pytest.raises(rw.ConfigError, match=sentence):
        rw.Auxiliary(heads)


def test_learners_without_a_shared_step_are_refused():
    with pytest.raises(rw.ConfigError, match="must go with PPO or A2C, got DQN"):
        DQN("MlpPolicy", "CartPole-v1").learn(1, callback=rw.Auxiliary())


def test_frames_are_not_reconstructed():
    space = gym.spaces.Box(0, 1, (40, 40), np.float32)

    class Wide(gym.Env):
        observation_space, action_space = space, gym.spaces.Discrete(2)

    with pytest.raises(rw.ConfigError, match="at most 1024 numbers to reconstruct, got 1600"):
        rw.Auxiliary(["state"]).attach(PPO("MlpPolicy", Wide()))


def test_a_run_keeps_its_heads_and_goes_on_with_them(tmp_path):
    common = ["--eval-freq", "256", "--eval-episodes", "1", "--verbose", "0"]
    start = ["train", "Pendulum-v1", "--auxiliary", "reward,state:0.5", "-n", "256", "-params"]
    start += ["n_steps:128", "n_envs:1", "batch_size:64", "n_epochs:1", "--out", str(tmp_path)]
    assert cli.main([*start, *common]) == 0
    folder = RunFolder(tmp_path / "ppo" / "Pendulum-v1_1")
    first = bundle.read(folder.bundle("last"))
    assert first.settings.auxiliary == {"reward": 1, "state": 0.5}
    assert cli.main(["train", "--resume", str(folder.path), "-n", "512", *common[4:]]) == 0
    second = bundle.read(folder.bundle("last"))
    kept, on = first.auxiliary.arrays(), second.auxiliary.arrays()
    assert on["state.count"] > kept["state.count"] > 0
    assert not np.array_equal(on["state.0.weight"], kept["state.0.weight"])


def test_the_command_refuses_what_is_no_head(tmp_path, capsys):
    asked = ["train", "CartPole-v1", "--out", str(tmp_path / "runs"), "--auxiliary"]
    assert cli.main([*asked, "reward,goal"]) == 2
    assert 'No auxiliary head "goal". Known: reward, state.' in capsys.readouterr().err
    assert cli.main([*asked, "reward", "--algo", "dqn"]) == 2
    assert "must go with PPO or A2C, got DQN" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
