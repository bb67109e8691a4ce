"""``rewardwrap record`` to ``rewardwrap train --demos``: two commands from a controller to an agent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rewardwrap.cli import main

SMALL = ("-params", "n_envs:2", "n_steps:16", "batch_size:16", "n_epochs:1")
TRAIN = ("train", "CartPole-v1", "--verbose", "0", "--eval-episodes", "1", "--eval-freq", "64")


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("record") / "demos"
    words = ("--policy", "scripted", "--episodes", "2", "--env-kwargs", "max_episode_steps:50")
    assert main(["record", "CartPole-v1", *words, "--out", str(out)]) == 0
    return out


def test_a_run_learns_from_demonstrations_and_goes_on(demos: Path, tmp_path: Path) -> None:
    words = ("--demos", str(demos), "--form", "logit", "-n", "64", "-f", str(tmp_path), *SMALL)
    assert main([*TRAIN, *words]) == 0
    run = tmp_path / "ppo" / "CartPole-v1_1"
    journal = [
        json.loads(line) for line in (run / "loop" / "journal.jsonl").read_text().splitlines()
    ]
    assert [line["event"] for line in journal] == ["start", "deploy", "repay", "end"]
    # a bundle holds the model that paid, and plays without the loop
    assert main(["eval", str(run), "--episodes", "1"]) == 0
    assert main(["train", "--resume", str(run), "-n", "96", "--verbose", "0"]) == 0
    events = [
        json.loads(x)["event"] for x in (run / "loop" / "journal.jsonl").read_text().splitlines()
    ]
    assert events.count("start") == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--demos", "DEMOS", "--form", "lgit"), 'No form "lgit". Did you mean "logit"?'),
        (
            ("--demos", "DEMOS", "--reward", "env"),
            "--demos must be all that pays, got --reward env too",
        ),
        (("--form", "gail"), "--form must go with --demos DIR, got gail alone"),
        (("--demos", "nowhere"), "folder must hold store.json, got nowhere"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_no_run(
    demos: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [str(demos) if word == "DEMOS" else word for word in words]
    assert main([*TRAIN, *given, "-f", str(tmp_path / "logs")]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "logs").exists()


def test_demonstrations_of_another_environment_are_refused(
    demos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("train", "Acrobot-v1", "--demos", str(demos), "-n", "32", "--verbose", "0", *SMALL)
    assert main([*words, "-f", str(tmp_path)]) == 2
    assert (
        "demonstrations must be of the environment's observation_space" in capsys.readouterr().err
    )
