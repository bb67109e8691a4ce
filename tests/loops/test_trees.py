"""A query rule: the agent parts from itself, and leaves of one tree are compared."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.classic_control import PendulumEnv
from stable_baselines3 import PPO, TD3
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack

import rewardwrap as rw
from rewardwrap.core.errors import ConfigError
from rewardwrap.loops.answers import HELD_OUT
from tests.loops.test_preferences import SMALL, events, loop_of, pendulum, ppo


def trees_of(folder: Path, **options):
    rule = rw.Trees(depth=2, branching=2, steps=4)
    return loop_of(folder, **{"selection": rule, "queries": 20, "fit": SMALL, **options})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory):
    loop = trees_of(tmp_path_factory.mktemp("trees"))
    learner = ppo(loop)
    learner.learn(256, callback=loop)
    return loop, learner


def test_both_clips_of_a_question_begin_alike_and_part(trained) -> None:
    loop, _ = trained
    assert len(loop.answers) == 20
    for side in ("train", HELD_OUT):
        asked = loop.answers.of(side)
        starts = []
        for a, b in zip(asked.a.episodes(), asked.b.episodes(), strict=True):
            np.testing.assert_array_equal(a.obs[0], b.obs[0])
            assert len(a.reward) == len(b.reward) == 8
            assert not np.array_equal(a.obs, b.obs)
            assert (a.action[:4] == b.action[:4]).all() or not (a.action[0] == b.action[0]).all()
            starts.append(a.obs[0].tobytes())
        if side == HELD_OUT:
            judging = set(starts)
        else:
            fitted = set(starts)
    assert not judging & fitted, "a start stands on one side"


def test_an_answer_says_which_leaf_returns_more(trained) -> None:
    asked = trained[0].answers.of("train")
    a, b = asked.a.returns(), asked.b.returns()
    np.testing.assert_array_equal(asked.preferred, (b > a) + 0.5 * (a == b))


def test_the_training_is_not_disturbed_and_the_journal_counts_what_was_played(trained) -> None:
    loop, learner = trained
    assert learner.num_timesteps == 256
    assert loop.reward.ready
    assert all(event["grown"] >= 5 * 4 * 8 for event in events(loop, "ask"))


def test_the_word_takes_the_environment_of_the_lanes(tmp_path: Path) -> None:
    loop = loop_of(tmp_path / "out", selection="tree", queries=10)
    env = rw.make(lambda: gym.make("Pendulum-v1", max_episode_steps=50), loop.reward, seed=0)
    ready = loop.questions.trees.ready(
        PPO("MlpPolicy", env, n_steps=8, batch_size=8, device="cpu"), env
    )
    made = ready.env()
    assert made.spec.id == "Pendulum-v1"
    assert made.spec.max_episode_steps == 50
    assert (ready.depth, ready.branching, ready.steps) == (4, 2, 10)


def test_what_cannot_grow_is_refused_before_the_training(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="branching must be at least 2"):
        rw.Trees(branching=1)
    loop = trees_of(tmp_path / "a")
    with pytest.raises(ConfigError, match="got lanes with no spec. Write selection=rw.Trees"):
        ppo(loop, make=PendulumEnv).learn(64, callback=loop)
    loop = trees_of(tmp_path / "b")
    td3 = TD3("MlpPolicy", rw.wrap(DummyVecEnv([pendulum]), loop.reward), device="cpu")
    with pytest.raises(ConfigError, match="must act by chance to part, got TD3"):
        td3.learn(64, callback=loop)
    loop = trees_of(tmp_path / "c")
    stacked = ppo(loop, above=lambda venv: VecFrameStack(venv, 3))
    with pytest.raises(ConfigError, match="must see what the reward sees"):
        stacked.learn(64, callback=loop)
