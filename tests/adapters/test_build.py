"""The entrances: what `rw.make` makes, what it refuses, and one discount for all of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

import rewardwrap as rw
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.adapters.single import RewardWrapper
from rewardwrap.adapters.vector import VectorRewardWrapper
from rewardwrap.testing import Chain

UPRIGHT = {"potential": {"phi": {"pole_angle": -1.0, "bias": 0.5}}, "name": "upright"}
CHAIN = "tests/Chain-v0"
TOY = """\
id: rewardwrap/StepChain-v0
summary: A recipe that only this test knows.
suite: toy
tags: [discrete_actions]
gamma: 0.9
returns: {random: 0.0, reference: 1.0, source: made up}
width: 3
fields:
  place: {index: 0, unit: "1", description: the first number}
"""


@pytest.fixture
def chain() -> Any:
    """`Chain` under a gymnasium id that no recipe knows."""
    gym.register(CHAIN, entry_point=Chain)
    yield CHAIN
    del gym.registry[CHAIN]


def played(venv: Any, steps: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Rewards and terms of one tape of actions."""
    venv.reset()
    venv.action_space.seed(0)
    paid, terms = [], []
    for _ in range(steps):
        actions = np.array([venv.action_space.sample() for _ in range(venv.num_envs)])
        paid.append(venv.step(actions)[1])
        terms.append(venv.reward_terms.copy())
    venv.close()
    return np.array(paid), np.array(terms)


@pytest.mark.parametrize(
    ("made", "wrapper"),
    [
        (Chain, RewardWrapper),
        (lambda: gym.vector.SyncVectorEnv([Chain]), VectorRewardWrapper),
        (lambda: DummyVecEnv([Chain]), RewardVecEnv),
    ],
    ids=["env", "vector env", "VecEnv"],
)
def test_what_is_wrapped_stays_of_its_own_kind(made: Any, wrapper: type) -> None:
    env = rw.wrap(made(), "env", training=False)
    assert type(env) is wrapper
    assert env.training is False


@pytest.mark.parametrize("thing", ["CartPole-v1", None, gym.spaces.Discrete(2)])
def test_what_is_no_environment_is_refused(thing: Any) -> None:
    with pytest.raises(rw.ConfigError, match="env must be a gymnasium Env, .*Make it first"):
        rw.wrap(thing, "env")


@pytest.mark.parametrize(
    ("name", "near"),
    [("CartPol-v1", "CartPole-v1"), ("Hoper-v5", "Hopper-v5"), ("cartpole-v1", "CartPole-v1")],
)
def test_an_unknown_environment_is_told_its_near_misses(name: str, near: str) -> None:
    with pytest.raises(rw.UnknownName, match=f'No environment "{name}"\\. Did you mean .*"{near}"'):
        rw.make(name)


def test_an_unknown_environment_without_near_misses_is_refused() -> None:
    with pytest.raises(rw.UnknownName, match='No environment "xqzw"'):
        rw.make("xqzw")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"vec_env": "threads"}, '"dummy" or "subproc", got \'threads\''),
        ({"n_envs": 0}, "at least 1"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: Any, match: str) -> None:
    with pytest.raises(rw.ConfigError, match=match):
        rw.make("CartPole-v1", **options)


def test_a_recipe_is_made_by_its_name_and_brings_its_fields() -> None:
    venv = rw.make("FrozenLake-8x8", {"field": "row", "name": "row"}, n_envs=2)
    assert venv.task.name == "FrozenLake-8x8"
    assert {"row", "column"} <= set(venv.task.fields)
    assert venv.observation_space.n == 64
    assert venv.term_names == ("env", "row", "shaped")


def test_a_plain_gymnasium_id_needs_no_recipe(chain: str) -> None:
    venv = rw.make(chain, rw.Constant(1.0).named("alive"), n_envs=2)
    assert venv.num_envs == 2
    assert venv.task.name == chain
    assert not venv.task.fields
    paid, _ = played(venv, 5)
    np.testing.assert_array_equal(paid, 1.0)


def test_the_true_return_is_what_monitor_records() -> None:
    venv = rw.make("CartPole-v1", {"constant": -1.0}, seed=0)
    # SB3 prefers Monitor's return wherever it sees one, which is not what an agent is to be trained by
    assert (venv.env_is_wrapped(Monitor), venv.venv.env_is_wrapped(Monitor)) == ([False], [True])
    venv.reset()
    done, infos = [False], [{}]
    while not done[0]:
        _, _, done, infos = venv.step(np.zeros(1, int))
    assert infos[0]["episode"]["r"] == infos[0]["episode_terms"]["env"] == infos[0]["episode"]["l"]
    assert infos[0]["episode_terms"]["shaped"] == -infos[0]["episode"]["l"]


def test_arguments_of_the_environment_are_handed_on() -> None:
    venv = rw.make("CartPole-v1", env_kwargs={"max_episode_steps": 3})
    venv.reset()
    dones = [venv.step(np.array([i % 2]))[2][0] for i in range(6)]
    assert dones == [False, False, True] * 2


def test_one_seed_pays_the_same_twice_and_another_does_not() -> None:
    make = partial(rw.make, "CartPole-v1", ["env", UPRIGHT], n_envs=2, gamma=0.99)
    one, again, other = (played(make(seed=seed)) for seed in (1, 1, 2))
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (one[0] != other[0]).any()
    assert (one[0][:, 0] != one[0][:, 1]).any()


def test_workers_pay_what_lanes_in_this_process_pay() -> None:
    make = partial(rw.make, "CartPole-v1", ["env", UPRIGHT], n_envs=2, seed=0, gamma=0.99)
    workers = make(vec_env="subproc")
    assert isinstance(workers.venv, SubprocVecEnv)
    for a, b in zip(played(make()), played(workers), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_evaluation_env_uses_what_was_learned_and_learns_nothing() -> None:
    reward = rw.EnvReward().normalize()
    played(rw.make("Pendulum-v1", reward, n_envs=2, seed=0))
    known = reward.state_dict()
    venv = rw.make("Pendulum-v1", reward, training=False, seed=0)
    assert venv.training is False
    played(venv)
    for name, array in reward.state_dict().items():
        np.testing.assert_array_equal(array, known[name])
    assert any(array.any() for array in known.values())


def test_training_and_evaluation_lanes_carry_apart_and_know_together() -> None:
    reward = rw.from_config(["env", UPRIGHT])
    train, evaluation = (
        rw.make("CartPole-v1", reward, seed=0, gamma=0.99, training=training)
        for training in (True, False)
    )
    want = played(rw.make("CartPole-v1", reward, seed=0, gamma=0.99))[0]
    train.reset()
    evaluation.action_space.seed(1)
    np.testing.assert_array_equal(played(evaluation)[0], want)
    np.testing.assert_array_equal(played(train)[0].shape, want.shape)


@pytest.mark.parametrize(
    "build",
    [
        lambda reward, **o: rw.make("CartPole-v1", reward, **o),
        lambda reward, **o: rw.wrap(gym.make("CartPole-v1"), reward, **o),
        lambda reward, **o: rw.wrap(gym.make_vec("CartPole-v1", num_envs=2), reward, **o),
        lambda reward, **o: rw.wrap(DummyVecEnv([lambda: gym.make("CartPole-v1")]), reward, **o),
    ],
    ids=["make", "env", "vector env", "VecEnv"],
)
def test_one_discount_is_given_once_and_two_are_refused(build: Any) -> None:
    with pytest.raises(rw.ConfigError, match="gamma must be set"):
        build(["env", UPRIGHT])
    build(["env", UPRIGHT], gamma=0.9)
    own = {"potential": {"phi": "pole_angle", "gamma": 0.9}, "name": "own"}
    build(["env", UPRIGHT, own])
    build(["env", UPRIGHT, own], gamma=0.9)
    with pytest.raises(rw.GammaMismatch, match=r"got 0\.9, 0\.99"):
        build(["env", UPRIGHT, own], gamma=0.99)
    with pytest.raises(rw.GammaMismatch, match=r"got 0\.5, 0\.9"):
        build([own, {"potential": {"phi": "pole_angle", "gamma": 0.5}, "name": "other"}])


def test_the_discount_of_the_run_is_the_one_that_potentials_use() -> None:
    own = {"potential": {"phi": UPRIGHT["potential"]["phi"], "gamma": 0.9}, "name": "upright"}
    given = played(rw.make("CartPole-v1", UPRIGHT, seed=0, gamma=0.9))
    np.testing.assert_array_equal(given[0], played(rw.make("CartPole-v1", own, seed=0))[0])
    other = played(rw.make("CartPole-v1", UPRIGHT, seed=0, gamma=0.5))
    assert (given[0] != other[0]).any()


def test_a_catalogue_of_your_own_names_fields(tmp_path: Any) -> None:
    (tmp_path / "toy.yml").write_text("name: OurToy\n" + TOY)
    venv = rw.make("OurToy", {"field": "place"}, catalog=[str(tmp_path)], n_envs=2)
    assert venv.task.name == "OurToy"
    assert set(venv.task.fields) == {"place"}
