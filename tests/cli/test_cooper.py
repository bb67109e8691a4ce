"""``rewardwrap train --cooper``: a model that was fitted goes on learning while it pays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rewardwrap.cli import main
from rewardwrap.core.episode import Episode

SMALL = ("-params", "n_envs:4", "n_steps:64", "batch_size:64", "n_epochs:1")
TRAIN = ("train", "CartPole-v1", "--verbose", "0", "--eval-episodes", "1", "--eval-freq", "768")
RULE = "tests.cli.test_cooper:balanced"


def balanced(episode: Episode) -> float:
    """Certain of long and of short episodes."""
    steps = len(episode.reward)
    return 1.0 if steps >= 30 else 0.0 if steps < 20 else np.nan


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cooper")
    words = ("--policy", "random", "--episodes", "15", "--out", str(out / "logs"))
    assert main(["record", "CartPole-v1", *words]) == 0
    words = ("--pairs", "40", "--length", "8", "--epochs", "2", "--hidden", "8", "--quiet")
    assert main(["fit", "preferences", str(out / "logs"), *words, "--out", str(out / "model")]) == 0
    return out / "model"


def test_a_model_learns_along_with_the_agent_and_goes_on(model: Path, tmp_path: Path) -> None:
    words = ("--cooper", str(model), "--rule", RULE, "-n", "768", "-f", str(tmp_path), *SMALL)
    assert main([*TRAIN, *words]) == 0
    run = tmp_path / "ppo" / "CartPole-v1_1"
    journal = [json.loads(x) for x in (run / "loop" / "journal.jsonl").read_text().splitlines()]
    assert [line["event"] for line in journal if line["event"] == "deploy"]
    assert all(line["pairs"] > 0 for line in journal if line["event"] == "deploy")
    # the model that was given stays what it was; a bundle holds the one that paid
    assert main(["eval", str(run), "--episodes", "1"]) == 0
    assert main(["train", "--resume", str(run), "-n", "1024", "--verbose", "0"]) == 2
    again = ("--trust", "tests.cli.test_cooper")
    assert main(["train", "--resume", str(run), "-n", "1024", "--verbose", "0", *again]) == 0
    events = [
        json.loads(x)["event"] for x in (run / "loop" / "journal.jsonl").read_text().splitlines()
    ]
    assert events.count("start") == 2


@pytest.mark.parametrize(
    ("env", "words", "sentence"),
    [
        ("CartPole-v1", ("--cooper", "MODEL"), "must go together, got --cooper alone"),
        ("CartPole-v1", ("--cooper", "nowhere", "--rule", RULE), "must hold model.json"),
        ("CartPole-v1", ("--cooper", "MODEL", "--rule", f"{RULE}s"), "has no attribute"),
        ("Pendulum-v1", ("--cooper", "MODEL", "--rule", RULE), "must see observations of shape"),
        (
            "CartPole-v1",
            ("--cooper", "MODEL", "--rule", RULE, "--reward", "env"),
            "--cooper must be all that pays",
        ),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_no_run(
    model: Path,
    tmp_path: Path,
    env: str,
    words: tuple[str, ...],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [str(model) if word == "MODEL" else word for word in words]
    assert main(["train", env, "-n", "64", *given, "-f", str(tmp_path / "logs")]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "logs").exists()
