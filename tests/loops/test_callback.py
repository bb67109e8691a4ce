"""A second source is one small class: everything else is the loop's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw
from rewardwrap.core.errors import ConfigError, StackError
from rewardwrap.loops.callback import Loop, Verdict
from rewardwrap.nets.folder import Model
from rewardwrap.nets.reward_recipe import fit_regression


class TrueRewards(Loop):
    """Learns the environment's own reward from the tape; the gate is what the test says it is."""

    source = "true_rewards"

    def __init__(self, folder: Path, *, gate: bool = True, every: int = 128) -> None:
        super().__init__(folder, keep=1000)
        self.gate, self.every, self.seen, self.least = gate, every, 0, 4

    def collect(self, step: int) -> bool:
        due = step - self.seen >= self.every
        self.seen = step if due else self.seen
        return due

    def fit(self, place: Path, seed: int) -> Mapping[str, Any] | None:
        store = self.tape.store()
        if len(store) < self.least:
            return None
        options = {"hidden": (8,), "members": 1, "epochs": 1}
        fit_regression(store, reads=("obs", "action"), seed=seed, **options).save(place)
        return {"steps": store.steps}

    def judge(self, candidate: Model, running: Model | None) -> Verdict:
        return Verdict(self.gate, "as the test says", 1, {"r2": 0.5}, {"r2": 0.1})

    def measures(self, found: Mapping[str, float] | None) -> dict[str, Any]:
        return {"true_rewards/r2": found["r2"]} if found else {}


def ppo(loop: Loop, reward: rw.Reward | None = None) -> PPO:
    lanes = [lambda: gym.make("Pendulum-v1", max_episode_steps=20)] * 2
    env = rw.wrap(DummyVecEnv(lanes), reward or loop.reward)
    return PPO("MlpPolicy", env, n_steps=64, batch_size=64, n_epochs=1, device="cpu", seed=0)


def events(loop: Loop) -> list[str]:
    return [line["event"] for line in loop.folder.journal()]


def test_a_candidate_that_passes_the_gate_pays_from_the_next_rollout_on(tmp_path: Path) -> None:
    loop = TrueRewards(tmp_path / "loop")
    ppo(loop).learn(256, callback=loop)
    assert events(loop) == ["start", "deploy", "deploy", "end"]
    assert loop.reward.ready
    assert Path(loop.path).name == "0002"
    assert loop.folder.journal()[1]["steps"] == 128
    assert loop._shown["true_rewards/r2"] == 0.5
    assert loop._shown["true_rewards/deployed"] == 2


def test_a_candidate_that_fails_is_kept_and_not_paid(tmp_path: Path) -> None:
    loop = TrueRewards(tmp_path / "loop", gate=False)
    ppo(loop).learn(128, callback=loop)
    assert events(loop) == ["start", "roll back", "end"]
    assert not loop.reward.ready
    assert (tmp_path / "loop" / "models" / "0001").is_dir()


def test_a_loop_goes_on_with_the_model_that_ran(tmp_path: Path) -> None:
    loop = TrueRewards(tmp_path / "loop")
    ppo(loop).learn(128, callback=loop)
    again = TrueRewards(tmp_path / "loop", every=10**6)
    assert again.reward.ready
    assert again.reward.version == loop.reward.version
    ppo(again).learn(128, callback=again)
    assert events(again) == ["start", "deploy", "end", "start", "end"]


def test_a_source_with_too_little_fits_nothing(tmp_path: Path) -> None:
    loop = TrueRewards(tmp_path / "loop")
    loop.least = 100
    ppo(loop).learn(128, callback=loop)
    assert events(loop) == ["start", "end"]


def test_the_learner_must_be_paid_by_the_loop_and_the_folder_be_a_loop_s(tmp_path: Path) -> None:
    loop = TrueRewards(tmp_path / "loop")
    with pytest.raises(StackError, match="TrueRewards must find its own reward"):
        ppo(loop, rw.EnvReward()).learn(128, callback=loop)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").touch()
    with pytest.raises(ConfigError, match="folder must be new or that of a loop"):
        TrueRewards(tmp_path / "other")
