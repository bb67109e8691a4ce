"""A model of what follows a step, its judge, and the environment made of both."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import take
from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.nets import load_model
from rewardwrap.nets.paid import NetError
from rewardwrap.rewards.dynamics import REAL


def pushed(count: int, seed: int, steps: int = 20) -> EpisodeStore:
    """Actions push a point, with a little noise."""
    rng, box = np.random.default_rng(seed), spaces.Box(-1.0, 1.0, (2,), np.float64)
    episodes = []
    for number in range(count):
        action = rng.uniform(-1, 1, (steps, 2))
        moves = 0.1 * action + 0.01 * rng.normal(size=(steps, 2))
        obs = rng.uniform(-1, 1, 2) + np.concatenate([np.zeros((1, 2)), moves.cumsum(axis=0)])
        ends = np.arange(steps) == steps - 1
        episodes.append(
            {"obs": obs, "action": action, "reward": np.zeros(steps), "terminated": ends & False,
             "truncated": ends, "id": f"{seed}-{number}"}
        )  # fmt: skip
    return EpisodeStore.from_episodes(episodes, observation_space=box, action_space=box)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dynamics")
    pushed(60, 0).save(folder / "data")
    more = ["--epochs", "15", "--members", "1", "--hidden", "32", "--quiet"]
    command = ["fit", "dynamics", str(folder / "data"), "--out", str(folder / "dyn"), *more]
    assert main(command) == 0
    return folder


def env_of(place: Path, **options) -> rw.ModelEnv:
    return rw.ModelEnv(place / "dyn", reward=rw.Constant(1.0), **options)


def test_the_judge_knows_recorded_steps_from_moved_ones(place: Path) -> None:
    model = env_of(place).dynamics
    batch = EpisodeStore.load(place / "data").transitions()
    other = take(batch, np.arange(batch.lanes))
    other.next_obs = np.roll(np.asarray(batch.next_obs), 1, axis=0)
    recorded = model.real(batch)
    assert (recorded > REAL - 0.2).mean() > 0.9
    assert recorded.mean() > model.real(other).mean() + 0.02


def test_a_filter_chooses_among_draws_and_changes_none(place: Path) -> None:
    """The best of n is one of the n, and never less real than the first."""
    model = env_of(place).dynamics
    batch = take(EpisodeStore.load(place / "data").transitions(), np.arange(5))
    one, real = model.next_obs(batch, np.random.default_rng(3), candidates=1)
    again, _ = model.next_obs(batch, np.random.default_rng(3), candidates=1)
    np.testing.assert_array_equal(one, again)
    best, highest = model.next_obs(batch, np.random.default_rng(3), candidates=32)
    assert highest.mean() >= real.mean()
    batch.next_obs = best
    np.testing.assert_allclose(model.real(batch), highest, atol=1e-6)


def test_it_is_an_environment_that_is_cut_and_never_ends(place: Path) -> None:
    env = env_of(place, filter=4, stop=0.0, horizon=7)
    obs, _ = env.reset(seed=1)
    assert env.observation_space.contains(obs)
    cuts = []
    for _ in range(7):
        obs, paid, ended, cut, info = env.step(env.action_space.sample())
        cuts.append(cut)
        assert env.observation_space.contains(obs)
        assert (paid, ended) == (1.0, False)
        assert 0 <= info["real"] <= 1
    assert cuts == [False] * 6 + [True]
    # nothing drawn is as real as this, so that the first step is cut
    strict = env_of(place, filter=1, stop=1.0, horizon=50)
    strict.reset(seed=0)
    assert any(strict.step(strict.action_space.sample())[3] for _ in range(5))


def test_the_same_seed_plays_the_same(place: Path) -> None:
    played = []
    for _ in range(2):
        env = env_of(place, filter=3)
        env.reset(seed=5)
        played.append([env.step(np.zeros(2))[0] for _ in range(3)])
    np.testing.assert_array_equal(*played)


def test_it_is_no_reward_and_a_reward_is_no_model(place: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="got one of dynamics. Play in it with rw.ModelEnv"):
        rw.Learned(str(place / "dyn"))
    with pytest.raises(NetError, match="must be of a reward here"):
        load_model(place / "dyn")
    rw.fit("regression", place / "data", out=tmp_path / "m", epochs=1)
    with pytest.raises(ConfigError, match="must be of dynamics, got one fitted by regression"):
        rw.ModelEnv(tmp_path / "m", reward=rw.Constant(1.0))
    with pytest.raises(ConfigError, match="filter and horizon must be at least 1"):
        env_of(place, filter=0)


def test_digits_are_refused() -> None:
    store = EpisodeStore.from_episodes(
        [{"obs": np.arange(3), "action": np.zeros(2, int), "reward": np.zeros(2),
          "terminated": [False, True], "truncated": [False, False], "id": str(i)} for i in range(4)],
        observation_space=spaces.Discrete(4),
    )  # fmt: skip
    with pytest.raises(DataError, match="must be of observations that are one vector, got digits"):
        rw.fit("dynamics", store)


def test_discrete_actions_are_those_of_the_log(tmp_path: Path) -> None:
    env, episodes = gym.make("CartPole-v1", max_episode_steps=12), []
    env.action_space.seed(0)
    for number in range(12):
        obs, over, seen, acts = env.reset(seed=number)[0], False, [], []
        seen.append(obs)
        while not over:
            acts.append(int(env.action_space.sample()))
            obs, _, ended, cut, _ = env.step(acts[-1])
            over = ended or cut
            seen.append(obs)
        last = np.arange(len(acts)) == len(acts) - 1
        episodes.append({"obs": np.array(seen), "action": np.array(acts), "reward": np.ones(len(acts)),
                         "terminated": last & ended, "truncated": last & ~np.bool_(ended),
                         "id": str(number)})  # fmt: skip
    store = EpisodeStore.from_episodes(
        episodes, observation_space=env.observation_space, action_space=env.action_space
    )
    rw.fit("dynamics", store, out=tmp_path / "dyn", epochs=2, members=1, hidden=(8,))
    made = rw.ModelEnv(tmp_path / "dyn", reward=rw.Constant(1.0), stop=0.0)
    assert made.action_space == env.action_space
    made.reset(seed=0)
    made.step(made.action_space.sample())
