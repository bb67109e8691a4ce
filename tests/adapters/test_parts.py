"""Environments that pay a vector: what counts is said by part, and every part that counts is a term."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import rewardwrap as rw
from rewardwrap.core.config import from_config


class Treasure(gym.Env[Any, Any]):
    """Three steps that pay (t, -1): a treasure and the time, as mo-gymnasium's environments say it."""

    observation_space = spaces.Box(-10, 10, (1,))
    action_space = spaces.Discrete(2)
    reward_space = spaces.Box(-10, 10, (2,))

    def __init__(self) -> None:
        self._t = 0

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        self._t += 1
        obs = np.full(1, self._t, np.float32)
        return obs, np.array([self._t, -1.0]), self._t == 3, False, {}


class TreasureVector(gym.vector.VectorEnv[Any, Any, Any]):
    """Two of them, natively vectorised, with rewards ``(2, 2)``."""

    reward_space = Treasure.reward_space
    num_envs = 2
    single_observation_space, single_action_space = (
        Treasure.observation_space,
        Treasure.action_space,
    )
    observation_space = spaces.Box(-10, 10, (2, 1))
    action_space = spaces.MultiDiscrete([2, 2])
    metadata = {"autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012 - gymnasium's own form

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        return np.zeros((2, 1), np.float32), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        nobody = np.zeros(2, bool)
        return np.ones((2, 1), np.float32), np.array([[3.0, -1], [5, -2]]), nobody, nobody, {}


gym.register("Treasure-v0", Treasure, disable_env_checker=True)
WEIGHED = rw.EnvReward(part=0).named("treasure") + 0.5 * rw.EnvReward(part=1)


def test_a_single_environment_is_paid_by_part() -> None:
    env = rw.wrap(Treasure(), WEIGHED)
    env.reset(seed=0)
    for t in (1, 2, 3):
        _, paid, _, _, info = env.step(0)
        assert paid == t - 0.5
        want = {"env": t - 1.0, "treasure": t, "part_1": -0.5, "shaped": t - 0.5}
        assert info["reward_terms"] == want
    assert info["episode_terms"] == {"env": 3.0, "treasure": 6.0, "part_1": -1.5, "shaped": 4.5}
    rw.check(env)


@pytest.mark.parametrize("lanes", [1, 3, 25])
def test_lanes_of_sb3_are_paid_by_part_and_the_monitor_sees_the_sum(lanes: int) -> None:
    venv = rw.make("Treasure-v0", WEIGHED, n_envs=lanes)
    venv.reset()
    paid = [venv.step(np.zeros(lanes, int)) for _ in range(3)]
    assert [row[1].tolist() for row in paid] == [[t - 0.5] * lanes for t in (1, 2, 3)]
    info = paid[-1][3][0]
    assert info["episode"]["r"] == info["episode_terms"]["env"] == 3.0


def test_a_vector_environment_is_paid_by_part() -> None:
    env = rw.wrap(TreasureVector(), WEIGHED)
    env.reset(seed=0)
    assert env.step(np.zeros(2, int))[1].tolist() == [2.5, 4.0]
    assert env.reward_terms.tolist() == [[2.0, 3.0, -0.5, 2.5], [3.0, 5.0, -1.0, 4.0]]


def test_logs_are_paid_by_part() -> None:
    episode = {
        "obs": np.zeros((3, 1)),
        "action": [0, 0],
        "reward": [[1.0, -1.0], [4.0, -1.0]],
        "terminated": [False, True],
        "truncated": [False, False],
    }
    assert rw.relabel(WEIGHED, episode).tolist() == [0.5, 3.5]


def test_the_part_is_configuration() -> None:
    assert from_config(WEIGHED.to_config()).to_config() == WEIGHED.to_config()
    assert rw.EnvReward().to_config() == from_config("env").to_config()


@pytest.mark.parametrize("part", [-1, 1.0, "fuel", True])
def test_a_part_that_is_no_index_is_refused(part: Any) -> None:
    with pytest.raises(rw.ConfigError, match="part must be an index"):
        rw.EnvReward(part=part)


@pytest.mark.parametrize("reward", ["env", rw.EnvReward(part=2), WEIGHED + 1.0 * rw.EnvReward()])
def test_the_reward_of_several_must_say_which(reward: Any) -> None:
    for build in (
        lambda: rw.wrap(Treasure(), reward),
        lambda: rw.make("Treasure-v0", reward),
        lambda: rw.wrap(TreasureVector(), reward),
    ):
        with pytest.raises(rw.ConfigError, match="part must be one of 0 to 1, since .* pays 2"):
            build()


def test_hosts_that_hold_one_number_a_lane_are_refused() -> None:
    with pytest.raises(rw.StackError, match="SyncVectorEnv must be given one number a lane"):
        rw.wrap(SyncVectorEnv([Treasure]), WEIGHED)
    from stable_baselines3.common.vec_env import DummyVecEnv

    with pytest.raises(rw.StackError, match=r"Use rw\.make"):
        rw.wrap(DummyVecEnv([Treasure]), WEIGHED)


def test_an_environment_of_one_number_has_no_parts() -> None:
    env = rw.wrap(gym.make("CartPole-v1"), rw.EnvReward(part=0))
    env.reset(seed=0)
    with pytest.raises(rw.RewardValueError, match='info must hold "reward_parts"'):
        env.step(0)
