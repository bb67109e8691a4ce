"""Suites and ``rewardwrap benchmark``, on Pendulum."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError
from rewardwrap.evaluate.models.items import reward_scorer
from rewardwrap.evaluate.models.judged_steps import step_items
from rewardwrap.evaluate.models.suites import SUITES, Arena, benchmark
from rewardwrap.scores import Return
from rewardwrap_policies import controller


def leftish(episodes: Sequence[Episode]) -> list[float]:
    """A score that knows left from right: sines."""
    return [float(episode.obs[1:, 1].sum()) for episode in episodes]


@pytest.fixture(scope="module")
def arena() -> Arena:
    env = gym.make("Pendulum-v1")
    return Arena(env, controller("Pendulum-v1"), 40, 6, np.random.default_rng(0))


@pytest.mark.parametrize("suite", [name for name in SUITES if name != "steps"])
def test_the_truth_is_right_and_no_answer_is_a_guess(arena: Arena, suite: str) -> None:
    (best,) = benchmark(arena, Return(), [suite])
    assert best.suite == suite
    assert best.value == 1.0
    assert best.low <= best.value <= best.high
    (blind,) = benchmark(arena, lambda episodes: np.zeros(len(episodes)), [suite])
    assert blind.value <= blind.guessing + 1e-9


def test_a_score_that_knows_left_from_right_is_caught_in_the_mirror(arena: Arena) -> None:
    (found,) = benchmark(arena, leftish, ["renderings"])
    assert found.more["spread"] > 0.0 or found.more["consistency"] < 1.0


def test_a_policy_that_is_no_better_than_chance_makes_nothing_right() -> None:
    with pytest.raises(ConfigError, match="policy must be better than chance"):
        Arena(gym.make("MountainCar-v0"), lambda obs: 1, 20, 2, np.random.default_rng(0))


def test_the_command_prints_every_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reward = tmp_path / "up.yml"
    reward.write_text("field: pole_cos\n")
    few = ["--items", "4", "--steps", "40", "--suite", "best-of-4,verified"]
    assert main(["benchmark", "Pendulum-v1", str(reward), *few, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [row["suite"] for row in said["suites"]] == ["best-of-4", "verified"]
    assert said["suites"][0]["value"] == 1.0
    assert main(["benchmark", "return", "--env", "Pendulum-v1", *few]) == 0
    assert "best-of-4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--env", "Pendulum-v1"], "must know the scorer, got none"),
        (["return"], "must know the scorer, got none"),
        (["Pendulum-v1", "return", "--suite", "best-of-5"], 'No suite "best-of-5"'),
        (["Acrobot-v1", "nothing.yml"], "nothing.yml"),
    ],
)
def test_bad_words_are_a_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", *words]) == 2
    assert sentence in capsys.readouterr().err


def chain(obs: np.ndarray) -> int:
    """StepChain's own answer: three useful steps, then the answer."""
    return 2 if obs[0] > 0.9 else 0


def test_steps_are_told_apart_by_what_follows_and_by_nothing_before() -> None:
    env, rng = gym.make("rewardwrap/StepChain-v0"), np.random.default_rng(0)
    for item in step_items(env, chain, items=8, steps=20, least=1e-3, rng=rng):
        (right,), (wrong,) = item.right, item.wrong
        assert len(right) == len(wrong)
        np.testing.assert_array_equal(right.obs[:-1], wrong.obs[:-1])
        np.testing.assert_array_equal(right.action[:-1], wrong.action[:-1])
        # from the state before, one of them is what the policy does, and nothing is better
        assert right.action[-1] == chain(right.obs[-2])
        assert wrong.action[-1] != right.action[-1]
        assert set(right.info) >= {"process_score", "is_success"}


def test_a_judge_that_likes_repeats_names_the_better_step_less_often_than_chance() -> None:
    arena = Arena(gym.make("rewardwrap/StepChain-v0"), chain, 20, 30, np.random.default_rng(1))
    likes = reward_scorer(1.0 * rw.Native("process_score"))
    knows = reward_scorer(
        rw.function(lambda batch: (batch.action == np.where(batch.obs[:, 0] > 0.9, 2, 0)) * 1.0)
    )
    values = [benchmark(arena, score, ["steps"])[0].value for score in (likes, knows)]
    assert values[0] < 0.5
    assert values[1] == 1.0


def test_the_command_judges_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reward = tmp_path / "judged.yml"
    reward.write_text("native: process_score\n")
    asked = [
        "benchmark",
        "rewardwrap/StepChain-v0",
        str(reward),
        "--suite",
        "steps",
        "--items",
        "10",
    ]
    policy = ["--policy", "tests.evaluate.models.test_suites:chain", "--steps", "20"]
    assert main([*asked, *policy, "--json"]) == 0
    (said,) = json.loads(capsys.readouterr().out)["suites"]
    assert (said["suite"], said["items"], said["guessing"]) == ("steps", 10, 0.5)


def test_a_policy_that_bears_random_actions_has_weaker_copies_too() -> None:
    arena = Arena(
        gym.make("CartPole-v1"), controller("CartPole-v1"), 200, 3, np.random.default_rng(0)
    )
    assert set(arena.weaker) <= {0.6, 0.8, 1.0}
    for wrong in (3, 9):
        for item in arena.best_of(wrong):
            (right,) = item.right
            assert all(one.reward.sum() <= right.reward.sum() - arena.margin for one in item.wrong)
