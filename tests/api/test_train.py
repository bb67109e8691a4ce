"""`rw.train` is the command, and takes what a command line cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import matplotlib.axes
import numpy as np
import pytest
import yaml

import rewardwrap as rw
from rewardwrap import cli

SMALL = {"n_steps": 16, "n_envs": 2, "batch_size": 32}


def train(out: Path, reward: Any = "env", env: Any = "CartPole-v1", **more: Any) -> rw.Run:
    given = {"steps": 64, "seed": 1, "hyperparameters": SMALL, "eval_freq": 32, **more}
    return rw.train(env, reward=reward, out=out, **given)


def test_a_lambda_is_trained_on_and_evaluated(tmp_path: Path) -> None:
    by = 0.5
    run = train(tmp_path, rw.EnvReward() + rw.function(lambda obs: -by * abs(obs[2])).named("up"))
    assert run.steps.tolist() == [32, 64]
    assert run.true_returns.shape == run.shaped_returns.shape == (2,)
    assert np.all(run.shaped_returns < run.true_returns)
    played = run.evaluate()
    best = run.true_returns.argmax()
    assert played.true.tolist() == run.episodes[best].tolist()
    assert run.model.num_timesteps == 64
    assert "unnamed:lambda_" in next(run.folder.glob("best/*/reward.json")).read_text()


def test_the_folder_is_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(tmp_path / "py")
    words = ["train", "CartPole-v1", "-n", "64", "--seed", "1", "--eval-freq", "32",
             "-f", str(tmp_path / "sh"), "-params", "n_steps:16", "n_envs:2", "batch_size:32"]  # fmt: skip
    assert cli.main(words) == 0
    other = rw.Run(tmp_path / "sh" / "ppo" / "CartPole-v1_1")
    assert other.episodes.tolist() == run.episodes.tolist()
    config = [
        yaml.safe_load((r.folder / "CartPole-v1" / "config.yml").read_text()) for r in (run, other)
    ]
    assert config[0] == config[1]
    assert cli.main(["train", "--resume", str(run.folder), "-n", "96"]) == 0
    assert run.steps.tolist() == [32, 64, 96]
    assert cli.main(["eval", str(run.folder)]) == 0


def test_a_lambda_of_another_program_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(tmp_path, lambda obs: 1.0)
    assert cli.main(["eval", str(run.folder)]) == 2
    assert "a lambda or local function of the program that trained" in capsys.readouterr().err


def test_an_environment_class_is_trained_in(tmp_path: Path) -> None:
    from gymnasium.envs.classic_control import CartPoleEnv

    class Short(CartPoleEnv):  # type: ignore[misc]
        def step(self, action: Any) -> Any:
            obs, reward, ended, _, info = super().step(action)
            return obs, reward, ended, True, info

    run = train(tmp_path, env=Short)
    assert run.true_returns.tolist() == [1.0, 1.0]
    assert ":" not in str(run.folder)


def test_a_run_is_certified_and_audited(tmp_path: Path) -> None:
    run = train(
        tmp_path, lambda obs: 1.0 - abs(obs[2]), noise=0.2, audit=True, steps=256, eval_freq=256
    )
    found = rw.certify(run, lower=0, episodes=20, budgets=[0.0, 0.1], lanes=20)
    assert found.sigma == 0.2
    assert list((run.folder / "best").glob("*/certificate/certificate.json"))
    assert len(repr(found).splitlines()) <= 12
    assert isinstance(found.plot(), matplotlib.axes.Axes)
    audited = rw.audit(run)
    assert audited.page == run.folder / "audit.html"
    assert audited.record.episodes > 0


def test_a_run_shows_itself(tmp_path: Path) -> None:
    run = train(tmp_path, eval_freq=6)
    assert len(repr(run).splitlines()) <= 12
    assert run._repr_html_().count("<tr>") == len(run.steps) + 1
    assert isinstance(run.plot(), matplotlib.axes.Axes)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"steps": 0}, "steps must be a whole number from 1, got 0"),
        ({"seed": 1.5}, "seed must be a whole number from 0, got 1.5"),
        ({"reward": rw.EnvReward}, r"got the class EnvReward. Write EnvReward\(...\)"),
        ({"hyperparameters": {"gama": 1}}, 'Did you mean "gamma"'),
        ({"env": gym.spaces.Discrete(2)}, "env must be the id of an environment"),
    ],
)
def test_bad_input_is_a_sentence(tmp_path: Path, given: Any, sentence: str) -> None:
    with pytest.raises(Exception, match=sentence) as caught:
        train(tmp_path, **given)
    assert isinstance(caught.value, rw.RewardwrapError | ValueError)
    assert not list(tmp_path.iterdir())
