"""The callback on real trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecNormalize

import rewardwrap as rw
from rewardwrap.evaluate.audit import record as records
from rewardwrap.evaluate.audit.live import Audit, Tap


def shaped() -> rw.Reward:
    potential = rw.Potential({"pole_angle": -1.0, "bias": 1.0}).named("potential")
    return rw.EnvReward() + potential + 0.1 * rw.Constant(1.0).named("alive")


def ppo(venv: Any, **options: Any) -> PPO:
    return PPO("MlpPolicy", venv, n_steps=64, batch_size=64, n_epochs=1, seed=0, **options)


def test_it_follows_a_training_and_writes_its_record(tmp_path: Path) -> None:
    seen: list[Any] = []
    venv = rw.make("CartPole-v1", shaped(), n_envs=4, seed=0, gamma=0.99)
    audit = Audit(tmp_path / "run", on_finding=seen.append)
    ppo(venv).learn(1024, callback=audit)
    assert not isinstance(venv.venv, Tap)
    made = audit.record()
    assert made.episodes > 20
    assert made.potentials == ("potential",)
    assert np.abs(made.residual).max() < 1e-9
    assert list(audit.findings) == seen
    written = records.read(tmp_path / "run" / "audit.npz")
    assert written.episodes == made.episodes
    assert written.names == made.names
    assert np.array_equal(written.sums, made.sums)
    assert written.facts["env"] == "CartPole-v1"


def test_potentials_telescope_under_normalised_and_stacked_observations() -> None:
    for above in (lambda venv: VecNormalize(venv, gamma=0.99), lambda venv: VecFrameStack(venv, 2)):
        venv = rw.make("CartPole-v1", shaped(), n_envs=2, seed=0, gamma=0.99)
        audit = Audit()
        ppo(above(venv)).learn(512, callback=audit)
        assert np.abs(audit.record().residual).max() < 1e-9
        assert not any(f.bug for f in audit.findings)


def test_an_off_policy_learner_is_followed() -> None:
    venv = rw.make("CartPole-v1", shaped(), n_envs=1, seed=0, gamma=0.99)
    audit = Audit()
    DQN("MlpPolicy", venv, learning_starts=50, seed=0).learn(300, callback=audit)
    assert audit.record().columns["length"].sum() <= 300


def test_a_second_learn_goes_on_in_the_middle_of_an_episode() -> None:
    venv = rw.make("CartPole-v1", shaped(), n_envs=2, seed=0, gamma=0.99)
    model = ppo(venv)
    model.learn(128)
    audit = Audit()
    model.learn(512, callback=audit, reset_num_timesteps=False)
    assert np.abs(audit.record().residual).max() < 1e-9


def test_a_changed_weight_is_noted_and_is_no_bug() -> None:
    class Change(rw.LogTerms):
        def _on_step(self) -> bool:
            if self.num_timesteps == 256:
                venv.set_weight("potential", 2.0)
            return super()._on_step()

    venv = rw.make("CartPole-v1", shaped(), n_envs=2, seed=0, gamma=0.99)
    audit = Audit()
    ppo(venv).learn(768, callback=[Change(), audit])
    assert any("changed at step 256" in note for note in audit.record().notes)
    assert not any(f.bug for f in audit.findings)


def test_wrappers_inside_the_lanes_are_followed_without_states() -> None:
    made = DummyVecEnv([lambda: rw.wrap(gym.make("CartPole-v1"), shaped(), gamma=0.99)] * 2)
    audit = Audit()
    ppo(made).learn(512, callback=audit)
    assert audit.record().episodes > 5
    assert "Observations could not be had" in audit.record().notes[0]


def test_without_a_reward_of_ours_it_refuses() -> None:
    with pytest.raises(rw.StackError, match="Audit must find a rewardwrap reward"):
        ppo(make_vec_env("CartPole-v1")).learn(64, callback=Audit())


def test_before_a_training_there_is_no_record() -> None:
    assert len(Audit().findings) == 0
    with pytest.raises(rw.StackError, match="must have followed a training"):
        Audit().record()
