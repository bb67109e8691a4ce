"""Gymnasium vector environments as lanes of SB3: rows and pay of DummyVecEnv, whatever the autoreset mode."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw
from rewardwrap.adapters.gym_sb3 import lane_infos
from rewardwrap.testing import Chain, DictChain

MODES = tuple(AutoresetMode)
LANES, STEPS = 3, 40
UPRIGHT = rw.Potential({"pole_angle": -1.0, "bias": 0.5}, gamma=0.99).named("upright")


def short_cart_pole() -> Any:
    # random play falls after 9 to 40 steps: some episodes end, the clock cuts others
    return gym.make("CartPole-v1", max_episode_steps=17)


def texts() -> Any:
    env = Chain()
    env.observation_space = gym.spaces.Text(4)
    return env


def lanes(mode: AutoresetMode, make: Any = short_cart_pole, **options: Any) -> rw.GymVecEnv:
    return rw.GymVecEnv(SyncVectorEnv([make] * LANES, autoreset_mode=mode, **options))


def played(venv: Any, actions: Any) -> list[Any]:
    """Everything a learner sees, without the clock of the wall."""
    venv.seed(5)
    rows: list[Any] = [np.copy(venv.reset())]
    for action in actions:
        obs, paid, dones, infos = venv.step(action)
        told = []
        for info, done in zip(infos, dones, strict=True):
            kept = {"terminal_observation", "TimeLimit.truncated", "episode_terms"} & info.keys()
            ends = {key: np.asarray(info[key]).tolist() for key in kept} if done else {}
            told.append((ends, [info["episode"][key] for key in "rl"] if done else []))
        rows.append((np.copy(obs), paid.copy(), dones.copy(), told))
    return rows


@pytest.fixture(scope="module")
def actions() -> Any:
    return np.random.default_rng(0).integers(2, size=(STEPS, LANES))


@pytest.mark.parametrize("reward", [rw.EnvReward() + UPRIGHT, rw.EnvReward().normalize()], ids=str)
def test_every_mode_shows_and_pays_what_dummy_lanes_do(reward: Any, actions: Any) -> None:
    dummy = DummyVecEnv([lambda: Monitor(short_cart_pole())] * LANES)
    want = played(rw.wrap(dummy, reward.fresh()), actions)
    ways = [
        row[3][i][0]["TimeLimit.truncated"] for row in want[1:] for i in range(LANES) if row[2][i]
    ]
    assert {True, False} == set(ways)
    for mode in MODES:
        np.testing.assert_equal(played(rw.wrap(lanes(mode), reward.fresh()), actions), want)


def test_observations_that_share_a_buffer_stay_what_they_were(actions: Any) -> None:
    want = played(lanes(MODES[0]), actions)
    for mode in MODES:
        venv = lanes(mode, copy=False)
        venv.seed(5)
        seen = [venv.reset(), *(venv.step(action)[0] for action in actions)]
        for now, before in zip(seen, [want[0], *(row[0] for row in want[1:])], strict=True):
            np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_observations_in_parts_and_infos_of_some_lanes_arrive(mode: AutoresetMode) -> None:
    venv = rw.GymVecEnv(SyncVectorEnv([DictChain] * 2, autoreset_mode=mode))
    dummy = DummyVecEnv([lambda: Monitor(DictChain())] * 2)
    for each in (venv, dummy):
        each.seed(0)
    shown = [venv.reset(), dummy.reset()]
    np.testing.assert_equal(venv.reset_infos, dummy.reset_infos)
    for action in np.random.default_rng(0).integers(3, size=(12, 2)):
        (one, *_, mine), (other, *_, theirs) = venv.step(action), dummy.step(action)
        np.testing.assert_equal(one, other)
        for a, b in zip(mine, theirs, strict=True):
            for told in (a, b):
                told.pop("TimeLimit.truncated", None)
                told.get("episode", {}).pop("t", None)
            np.testing.assert_equal(a, b)
        np.testing.assert_equal(venv.reset_infos, dummy.reset_infos)
    assert shown[0].keys() == shown[1].keys()


def test_a_vector_env_that_starts_all_where_it_is_asked_for_some_is_refused(actions: Any) -> None:
    class Deaf(SyncVectorEnv):
        def reset(self, *, seed: Any = None, options: Any = None) -> Any:
            return super().reset(seed=seed)

    venv = rw.GymVecEnv(Deaf([short_cart_pole] * LANES))
    with pytest.raises(rw.StackError, match="must start lanes alone where it is asked to"):
        played(venv, actions)


def test_a_learner_is_paid_and_logs_true_returns() -> None:
    venv = rw.wrap(lanes(AutoresetMode.NEXT_STEP), rw.EnvReward() + UPRIGHT)
    model = PPO(
        "MlpPolicy", venv, n_steps=32, batch_size=96, n_epochs=1, gamma=0.99, seed=0, device="cpu"
    )
    rw.check(venv, model)
    model.learn(192, callback=rw.LogTerms())
    assert model.ep_info_buffer
    assert all(episode["r"] == episode["l"] for episode in model.ep_info_buffer)


def test_what_cannot_be_shown_to_a_learner_is_refused() -> None:
    silent = SyncVectorEnv([Chain])
    silent.metadata = {}
    with pytest.raises(rw.StackError, match="must say metadata"):
        rw.GymVecEnv(silent)
    with pytest.raises(rw.ConfigError, match="observations must be arrays for stable-baselines3"):
        rw.GymVecEnv(SyncVectorEnv([texts]))


def test_attributes_and_methods_of_lanes_are_reached() -> None:
    venv = lanes(AutoresetMode.SAME_STEP)
    assert [spec.id for spec in venv.get_attr("spec", indices=[0, 2])] == ["CartPole-v1"] * 2
    assert venv.env_method("get_wrapper_attr", "gravity", indices=1) == [9.8]
    assert venv.env_is_wrapped(gym.wrappers.TimeLimit) == [True] * LANES
    assert venv.env_is_wrapped(gym.wrappers.TransformReward) == [False] * LANES
    wrapped = rw.wrap(venv, rw.Field("pole_angle"))
    assert wrapped.task.name == "CartPole-v1"


def test_columns_with_masks_are_told_to_the_lanes_they_belong_to() -> None:
    column, mask = np.array([1.0, 0.0]), np.array([True, False])
    info = {"a": column, "_a": mask, "b": {"c": column, "_c": ~mask}, "_b": ~mask, "d": np.eye(2)}
    one, other = lane_infos(info, 2)
    assert one.pop("d").tolist() == [1.0, 0.0]
    assert other.pop("d").tolist() == [0.0, 1.0]
    assert (one, other) == ({"a": 1.0}, {"b": {"c": 0.0}})
