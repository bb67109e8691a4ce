"""``rewardwrap certify`` from a training to a drawn curve."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from rewardwrap.cli import main


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    logs = tmp_path_factory.mktemp("logs")
    assert main(
        ["train", "--env", "CartPole-v1", "-n", "512", "--noise", "0.2", "-f", str(logs),
         "--env-kwargs", "max_episode_steps:200", "--verbose", "0",
         "--eval-freq", "256", "--eval-episodes", "1",
         "-params", "n_envs:4", "n_steps:64", "batch_size:64", "n_epochs:1"]
    ) == 0  # fmt: skip
    return logs / "ppo" / "CartPole-v1_1"


def _certify(run: Path, *more: str) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        return main(["certify", str(run), *more])


def test_a_run_is_played_certified_and_drawn(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("--lower", "0", "--upper", "200", "--episodes", "40", "--budgets", "0.4")
    assert _certify(run, *command, "--out", str(tmp_path / "a")) == 0
    assert "mean" in capsys.readouterr().out
    found = json.loads((tmp_path / "a" / "certificate.json").read_text())
    assert found["sigma"] == found["trained_with_noise"] == 0.2
    assert found["method"] == "clopper-pearson"
    assert len(found["returns"]) == 40
    assert len(found["budgets"]) == len(found["certified"]) == 101
    assert found["certified"][0] <= np.mean(found["returns"])
    assert (tmp_path / "a" / "certificate.png").read_bytes().startswith(b"\x89PNG")
    assert _certify(run, *command, "--out", str(tmp_path / "b")) == 0
    again = json.loads((tmp_path / "b" / "certificate.json").read_text())
    assert again["returns"] == found["returns"]


def test_without_an_upper_end_it_is_dkw_and_another_sigma_is_warned_about(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("--lower", "0", "--episodes", "20", "--sigma", "0.1", "--budgets", "0", "0.1")
    assert _certify(run, *command, "--out", str(tmp_path)) == 0
    found = json.loads((tmp_path / "certificate.json").read_text())
    assert (found["method"], found["budgets"], found["sigma"]) == ("dkw", [0.0, 0.1], 0.1)
    assert "trained with noise 0.2 and plays with 0.1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--lower", "0", "--method", "clopper-pearson"), "got no --upper"),
        (("--lower", "0", "--upper", "-1"), "--upper must be above --lower"),
        (("--lower", "0", "--upper", "9", "--episodes", "5"), "must hold at least 12 episodes"),
        (("--lower", "0", "--sigma", "0"), "--sigma must be above 0"),
        (("--lower", "0", "--budgets", "-1", "2"), "budgets must be finite numbers >= 0"),
        (("--lower", "150", "--episodes", "20"), "lower must be a bound that no return is below"),
    ],
)
def test_bad_input_is_one_sentence(
    run: Path, more: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _certify(run, *more) == 2
    assert sentence in capsys.readouterr().err


def test_a_policy_without_noise_needs_a_sigma(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(
        ["train", "--env", "CartPole-v1", "-n", "64", "-f", str(tmp_path), "--verbose", "0",
         "--eval-freq", "64", "--eval-episodes", "1",
         "-params", "n_envs:2", "n_steps:32", "batch_size:32", "n_epochs:1"]
    ) == 0  # fmt: skip
    assert _certify(tmp_path / "ppo" / "CartPole-v1_1", "--lower", "0") == 2
    assert (
        "--sigma must be given for a policy that was trained without noise"
        in capsys.readouterr().err
    )
