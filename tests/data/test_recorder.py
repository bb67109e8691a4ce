"""A recorder for any VecEnv: what really happened, terminal observations included."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from rewardwrap.data import DataError
from rewardwrap.data.recorder import Recorder


class Count(gym.Env[Any, int]):
    """Observes its clock; terminates at ``end``; reports the clock's square."""

    observation_space = gym.spaces.Box(0, 99, (1,), np.float32)
    action_space = gym.spaces.Discrete(5)

    def __init__(self, end: int) -> None:
        self.end = end

    def reset(self, **_: Any) -> Any:
        self.t = 0
        return self._obs(), {}

    def step(self, action: int) -> Any:
        self.t += 1
        return self._obs(), float(action), self.t == self.end, False, {"square": self.t**2}

    def _obs(self) -> Any:
        return np.array([self.t], np.float32)


class Nested(Count):
    """The same with Dict observations."""

    observation_space = gym.spaces.Dict(
        {"t": Count.observation_space, "n": gym.spaces.Discrete(99)}
    )

    def _obs(self) -> Any:
        return {"t": super()._obs(), "n": self.t}


def record(*envs: gym.Env[Any, Any], steps: int, **settings: Any) -> Recorder:
    recorder = Recorder(DummyVecEnv([lambda env=env: env for env in envs]), **settings)
    recorder.reset()
    for t in range(steps):
        recorder.step(np.array([t % 5] * len(envs)))
    return recorder


def test_episodes_of_several_lanes_end_with_their_true_terminal_observation() -> None:
    store = record(Count(2), Count(3), steps=5, info=["square"]).store()
    assert [e.obs.ravel().tolist() for e in store] == [
        [0, 1, 2],
        [0, 1, 2, 3],
        [0, 1, 2],
        [0, 1],
        [0, 1, 2],
    ]
    assert store.action.tolist() == [0, 1, 0, 1, 2, 2, 3, 4, 3, 4]
    assert [bool(e.terminated[-1]) for e in store] == [True, True, True, False, False]
    assert store.info["square"].tolist() == [1, 4, 1, 4, 9, 1, 4, 1, 1, 4]


def test_finished_episodes_alone_can_be_read_and_forgotten() -> None:
    recorder = record(Count(2), steps=5)
    assert len(recorder.store(finished_only=True)) == recorder.episodes == 2
    recorder.clear()
    assert recorder.store().lengths.tolist() == [1]
    with pytest.raises(DataError, match="at least one episode"):
        recorder.store(finished_only=True)


def test_what_is_forgotten_does_not_move_what_goes_on() -> None:
    recorder = record(Count(2), Count(5), steps=3)
    recorder.clear()
    for t in range(3):
        recorder.step(np.array([t, t]))
    store = recorder.store()
    assert [e.obs.ravel().tolist() for e in store] == [
        [0, 1, 2],
        [0, 1, 2, 3, 4, 5],
        [0, 1, 2],
        [0, 1],
    ]
    assert [e.action.tolist() for e in store] == [[2, 0], [0, 1, 2, 0, 1], [1, 2], [2]]


def test_a_reset_in_mid_episode_keeps_what_ran_as_cut() -> None:
    recorder = record(Count(9), steps=3)
    recorder.reset()
    assert recorder.store().lengths.tolist() == [3]
    assert not recorder.store().terminated.any()


def test_a_time_limit_is_a_truncation() -> None:
    limited = gym.wrappers.TimeLimit(Count(9), 4)
    store = record(limited, steps=4).store()
    assert store.truncated.tolist() == [False, False, False, True]
    assert not store.terminated.any()


def test_dict_observations_are_recorded_by_key() -> None:
    store = record(Nested(2), steps=4).store()
    assert store.obs["n"].tolist() == [0, 1, 2, 0, 1, 2]
    assert store.obs["t"].shape == (6, 1)
    assert store.observation_space == Nested.observation_space


def test_nothing_that_passes_is_changed() -> None:
    settings = {"n_steps": 32, "device": "cpu", "seed": 0, "batch_size": 32, "n_epochs": 1}
    bare = PPO("MlpPolicy", make_vec_env("CartPole-v1", 2, seed=0), **settings).learn(128)
    recorder = Recorder(make_vec_env("CartPole-v1", 2, seed=0))
    recorded = PPO("MlpPolicy", recorder, **settings).learn(128)
    for one, other in zip(bare.policy.parameters(), recorded.policy.parameters(), strict=True):
        assert one.equal(other)
    assert recorder.store().steps == 128


def test_under_a_normaliser_it_sees_the_environments_own_numbers() -> None:
    recorder = Recorder(DummyVecEnv([lambda: Count(3)]))
    venv = VecNormalize(recorder)
    venv.reset()
    for _ in range(3):
        venv.step(np.array([4]))
    assert recorder.store().reward.tolist() == [4, 4, 4]
    assert recorder.store().obs.ravel().tolist() == [0, 1, 2, 3]


def test_stepping_before_the_first_reset_is_refused() -> None:
    with pytest.raises(DataError, match="recorder must be reset before its first step"):
        Recorder(DummyVecEnv([lambda: Count(3)])).step(np.array([0]))
