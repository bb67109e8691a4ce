"""Observations that are no arrays: texts, graphs, sequences, one-ofs, alone and inside dicts."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

import rewardwrap as rw
from rewardwrap.core import tree

NUMBERS = spaces.Box(-1.0, 1.0, (3,), np.float64)
ODD = {
    "text": spaces.Text(5),
    "graph": spaces.Graph(spaces.Box(0, 1, (2,)), spaces.Discrete(3)),
    "sequence": spaces.Sequence(spaces.Discrete(4)),
    "one_of": spaces.OneOf([spaces.Discrete(3), spaces.Box(0, 1, (2,))]),
    "mission": spaces.Dict(image=NUMBERS, mission=spaces.Text(8)),
    "pair": spaces.Tuple([spaces.Text(4), NUMBERS]),
}


class Odd(gym.Env[Any, Any]):
    """Episodes of three steps whose observations are drawn from any space; pays 1, 2, 3."""

    action_space = spaces.Discrete(2)

    def __init__(self, space: gym.Space[Any]) -> None:
        self.observation_space = space
        self._t = 0

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        if seed is not None:
            self.observation_space.seed(seed)
        self._t = 0
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._t += 1
        return self.observation_space.sample(), float(self._t), self._t == 3, False, {}


def lanes(name: str, mode: AutoresetMode, build: Any = SyncVectorEnv) -> Any:
    def one() -> Odd:
        # each lane draws from a space of its own
        return Odd(copy.deepcopy(ODD[name]))

    options = {"shared_memory": False} if build is AsyncVectorEnv else {}
    return build([one] * 2, autoreset_mode=mode, **options)


@pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda mode: mode.name)
@pytest.mark.parametrize("name", ODD)
def test_a_reward_that_reads_no_observation_leaves_them_alone(
    name: str, mode: AutoresetMode
) -> None:
    bare, ours = lanes(name, mode), lanes(name, mode)
    env = rw.wrap(ours, rw.EnvReward() + rw.Constant(-0.5).named("time"))
    seen, want = env.reset(seed=3)[0], bare.reset(seed=3)[0]
    assert data_equivalence(seen, want)
    for _ in range(9):
        actions = np.zeros(2, np.int64)
        got, expected = env.step(actions), bare.step(actions)
        assert data_equivalence(got[0], expected[0])
        transition = expected[1] > 0
        np.testing.assert_allclose(got[1], np.where(transition, expected[1] - 0.5, 0.0))
        if "final_obs" in expected[4]:
            assert data_equivalence(got[4]["final_obs"], expected[4]["final_obs"])
        ended = got[2] | got[3]
        if ended.any():
            assert got[4]["episode_terms"]["env"][ended].tolist() == [6.0] * ended.sum()
            if mode is AutoresetMode.DISABLED:
                for host in (env, bare):
                    host.reset(options={"reset_mask": ended.copy()})


@pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda mode: mode.name)
def test_a_potential_of_the_picture_carries_the_text_along(mode: AutoresetMode) -> None:
    reward = rw.Potential(lambda obs: 2 + obs["image"][:, 0], gamma=0.9).named("left")
    env = rw.wrap(lanes("mission", mode), reward)
    obs, _ = env.reset(seed=1)
    before, started = 2 + obs["image"][:, 0], np.ones(2, bool)
    for _ in range(8):
        obs, paid, terminated, _, _ = env.step(np.zeros(2, np.int64))
        after = 2 + obs["image"][:, 0]
        # an end leaves nothing behind it, whatever the mode shows there
        want = np.where(terminated, 0.0, 0.9 * after) - before
        np.testing.assert_allclose(paid[started], want[started])
        started = np.ones(2, bool)
        if terminated.any() and mode is AutoresetMode.NEXT_STEP:
            started = ~terminated
        if terminated.any() and mode is AutoresetMode.DISABLED:
            after = env.reset(options={"reset_mask": terminated.copy()})[0]["image"][:, 0] + 2
        before = after


def test_a_function_may_read_the_text() -> None:
    def told(obs: Any) -> Any:
        return np.array([len(text) for text in obs["mission"]], float)

    env = rw.wrap(lanes("mission", AutoresetMode.SAME_STEP), rw.function(told, each="batch"))
    obs, _ = env.reset(seed=1)
    for _ in range(5):
        want = [len(text) for text in obs["mission"]]
        obs, paid, *_ = env.step(np.zeros(2, np.int64))
        assert paid.tolist() == want


def test_lanes_in_other_processes_may_show_graphs() -> None:
    env = rw.wrap(lanes("graph", AutoresetMode.SAME_STEP, AsyncVectorEnv), "env")
    env.reset(seed=0)
    paid = [env.step(np.zeros(2, np.int64))[1].tolist() for _ in range(4)]
    env.close()
    assert paid == [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [1.0, 1.0]]


def test_columns_of_one_array_are_no_reused_buffer() -> None:
    history = np.zeros((4, 9))
    assert not tree.shares_memory(history[:, 1], history[:, 2])
    assert tree.shares_memory(history[:, 1], history[2])


class Listed(gym.Env[Any, Any]):
    """Returns its observations as lists, which gymnasium's vectors and SB3's turn into arrays."""

    observation_space, action_space = spaces.Box(-1, 9, (2,)), spaces.Discrete(2)

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self._t = 0
        return [0.0, 1.0], {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._t += 1
        return [float(self._t), 1.0], 1.0, False, self._t == 3, {}


FIRST = rw.Potential(lambda obs: obs[:, 0], gamma=0.5).named("first")


@pytest.mark.parametrize("reward", [FIRST, rw.EnvReward() + rw.function(lambda obs: obs[0])])
def test_lists_are_read_in_lanes_and_refused_alone(reward: rw.Reward) -> None:
    from stable_baselines3.common.vec_env import DummyVecEnv

    venv = rw.wrap(DummyVecEnv([Listed, Listed]), reward)
    env = rw.wrap(SyncVectorEnv([Listed] * 2), reward)
    venv.reset()
    env.reset(seed=0)
    for _ in range(3):
        actions = np.zeros(2, np.int64)
        np.testing.assert_allclose(venv.step(actions)[1], env.step(actions)[1], atol=1e-6)
    with pytest.raises(rw.StackError, match="observations must be arrays .* got a list"):
        rw.wrap(Listed(), reward).reset()
    alone = rw.wrap(Listed(), "env")
    alone.reset()
    assert alone.step(0)[1] == 1.0
