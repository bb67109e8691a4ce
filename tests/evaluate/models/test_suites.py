"""Suites and ``rewardwrap benchmark``, on Pendulum."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from rewardwrap.cli import main
from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError
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


@pytest.mark.parametrize("suite", SUITES)
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
