"""A learned reward under every learner, its version in the log and in the bundle."""

from __future__ import annotations

import json

import numpy as np
import pytest
from stable_baselines3 import DQN, PPO, SAC, TD3
from stable_baselines3.common.logger import KVWriter, Logger

import rewardwrap as rw
from rewardwrap.core.errors import ConfigError
from rewardwrap.loops.deployment import NOBODY, Deployed
from rewardwrap.nets.folder import save_model
from rewardwrap.nets.network import RewardNet
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.parts import plain_space
from rewardwrap.training import bundle
from rewardwrap.training.agent import Settings, build
from rewardwrap.training.evaluation import Protocol


def model(folder, env_id, reads=("obs", "action"), seed=0):
    venv = rw.make(env_id)
    spaces = {"obs": plain_space(venv.observation_space), "action": plain_space(venv.action_space)}
    venv.close()
    net = RewardNet(Inputs.of(spaces, reads), hidden=(8,), members=2, seed=seed)
    return str(save_model(net, folder, objective="preferences", metrics={"heldout": {}}))


class Kept(KVWriter):
    def __init__(self):
        self.rows = []

    def write(self, key_values, key_excluded, step=0):
        self.rows.append(dict(key_values))

    def close(self):
        pass


@pytest.mark.parametrize(
    ("algo", "env_id", "lanes", "options"),
    [
        (PPO, "Pendulum-v1", 2, {"n_steps": 64, "batch_size": 64, "n_epochs": 1}),
        (SAC, "Pendulum-v1", 2, {"learning_starts": 390 * 2, "batch_size": 16}),
        (TD3, "Pendulum-v1", 1, {"learning_starts": 390 * 2, "batch_size": 16}),
        (DQN, "CartPole-v1", 1, {"learning_starts": 390 * 2, "batch_size": 16}),
    ],
)
def test_a_learned_reward_pays_every_learner(tmp_path, algo, env_id, lanes, options):
    reward = rw.Learned(model(tmp_path / "m", env_id))
    venv = rw.make(env_id, reward, n_envs=lanes, seed=0, gamma=0.99)
    learner = algo("MlpPolicy", venv, seed=0, device="cpu", **options)
    kept = Kept()
    learner.set_logger(Logger(None, [kept]))
    # off-policy learners write at the end of an episode what was recorded by then
    learner.learn(410 * lanes, callback=rw.LogTerms(), log_interval=1)
    logged = [row for row in kept.rows if "reward/model_version" in row]
    assert {row["reward/model_version"] for row in logged} == {reward.version}
    assert "reward/learned/step_mean" in logged[-1]
    assert np.isfinite(venv.reward_terms).all()


def test_the_version_of_a_sum_of_models_names_both(tmp_path):
    one, two = (rw.Learned(model(tmp_path / str(s), "Pendulum-v1", seed=s)) for s in (0, 1))
    venv = rw.make("Pendulum-v1", one + two, gamma=0.99)
    learner = PPO("MlpPolicy", venv, n_steps=64, batch_size=64, n_epochs=1, device="cpu")
    kept = Kept()
    learner.set_logger(Logger(None, [kept]))
    learner.learn(64, callback=rw.LogTerms())
    assert kept.rows[-1]["reward/model_version"] == f"{one.version} {two.version}"


def test_a_bundle_names_the_models_that_paid(tmp_path):
    reward = rw.Learned(model(tmp_path / "m", "Pendulum-v1"))
    row = {
        "n_envs": 1,
        "n_steps": 64,
        "batch_size": 64,
        "n_epochs": 1,
        "policy": "MlpPolicy",
        "n_timesteps": 64,
    }
    settings = Settings(
        env="Pendulum-v1", algo="ppo", reward=reward.to_config(), row=row, seed=0, device="cpu"
    )
    agent = build(settings)
    bundle.write(agent, tmp_path / "bundle", protocol=Protocol(episodes=1))
    agent.close()
    written = json.loads((tmp_path / "bundle" / "bundle.json").read_text())
    assert written["models"] == [reward.version]


def test_another_model_pays_from_the_next_step_on(tmp_path):
    reward = Deployed(str(tmp_path / "none"))
    venv = rw.make("Pendulum-v1", reward, n_envs=2, seed=0)
    venv.reset()
    still = np.zeros((2, 1), np.float32)
    assert venv.step(still)[1].tolist() == [0.0, 0.0]
    versions = [NOBODY]
    for seed in (1, 2):
        path = model(tmp_path / str(seed), "Pendulum-v1", seed=seed)
        versions.append(reward.deploy(path))
        paid = venv.step(still)[1]
        assert paid == pytest.approx(rw.Learned(path)(venv.last_step), abs=1e-6)
        assert reward.path == path
    assert len(set(versions)) == 3
    venv.close()


def test_a_model_with_other_inputs_does_not_take_over(tmp_path):
    reward = Deployed(model(tmp_path / "a", "Pendulum-v1"))
    before = reward.version
    with pytest.raises(ConfigError, match="must read the inputs of the one before"):
        reward.deploy(model(tmp_path / "b", "CartPole-v1"))
    assert reward.version == before


def test_it_is_written_down_as_the_model_that_runs(tmp_path):
    reward = Deployed(str(tmp_path / "none"))
    path = model(tmp_path / "a", "Pendulum-v1")
    reward.deploy(path)
    assert reward.to_config()["learned"]["path"] == path
    assert rw.from_config(reward.to_config()).version == reward.version
