"""``rewardwrap meta``: what it learned is what a training goes on from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file

from rewardwrap.cli import main
from rewardwrap.training import bundle
from tests.processes import ended

SMALL = ["-params", "n_steps:8", "batch_size:8", "n_epochs:1", "n_envs:2"]
META = [
    "meta",
    "rewardwrap/Runner-v0",
    "--vary",
    "level:2,3",
    "--rounds",
    "3",
    "--inner",
    "16",
    *SMALL,
]

RATES = (
    "{rates: {task: env, at_most: {far: {of: {indicator: {base: {field: x_pos}, relation: '>', limit: 500}}, "
    "limit: 0.5}}}}"
)


def weights(place: Path) -> torch.Tensor:
    agent = bundle.read(place)
    agent.close()
    return torch.cat([p.detach().ravel() for p in agent.model.policy.parameters()])


def test_a_training_goes_on_from_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, epsilon in (("none", "0 0"), ("some", "1 0")):
        words = [*META, "--epsilon", *epsilon.split(), "--out", str(tmp_path / name), "--json"]
        assert main(words) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["steps"] == 48
        assert {"level": 2} in told["tasks"]
        assert {"level": 3} in told["tasks"]
    found = {name: weights(tmp_path / name) for name in ("none", "some")}
    assert not torch.equal(found["none"], found["some"])
    # a training of no gain: the weights are those that it began with
    train = [
        "train",
        "rewardwrap/Runner-v0",
        "--env-kwargs",
        "level:9",
        "--start",
        str(tmp_path / "some"),
    ]
    small = [
        *SMALL,
        "learning_rate:0.0",
        "-n",
        "16",
        "--eval-freq",
        "16",
        "--eval-episodes",
        "1",
        "--verbose",
        "0",
    ]
    assert main([*train, *small, "--out", str(tmp_path / "logs"), "--json"]) == 0
    run = Path(json.loads(capsys.readouterr().out)["run"])
    (last,) = (run / "last").iterdir()
    assert torch.equal(weights(last), found["some"])


def test_tasks_share_the_moments_of_a_normaliser(tmp_path: Path) -> None:
    out = tmp_path / "out"
    normal = ["--vary", "level:2,3", "--rounds", "2", "--inner", "16", *SMALL, "normalize:true"]
    assert main(["meta", "rewardwrap/Runner-v0", *normal, "--out", str(out)]) == 0
    # two tasks, two lanes: each round resets once and takes 8 steps
    assert load_file(out / "normalizer.safetensors")["obs.count"] == pytest.approx(36, abs=0.1)


def test_it_goes_on_as_if_it_had_not_been_killed(tmp_path: Path) -> None:
    words = [
        "meta",
        "rewardwrap/Runner-v0",
        "--vary",
        "level:2,3",
        "--rounds",
        "4",
        "--inner",
        "16",
    ]
    words += [*SMALL, "normalize:true"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main([*words, "--out", str(whole)]) == 0
    # as kill -9 does, nothing is tidied up: the process ends within the third round
    script = (
        "import os, sys; from rewardwrap.commands.meta_files import Unfinished; keep = Unfinished.keep\n"
        "def kept(self, agent, done):\n    keep(self, agent, done)\n    done == 2 and os._exit(9)\n"
        "Unfinished.keep = kept; from rewardwrap.cli import main; main(sys.argv[1:])"
    )
    assert ended(script, *words, "--out", str(killed), cwd=tmp_path, code=True).returncode == 9
    assert not killed.exists()
    assert main([*words, "--inner", "8", "--out", str(killed)]) == 2  # another question
    assert main([*words, "--out", str(killed)]) == 0
    assert torch.equal(weights(killed), weights(whole))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["killed", "whole"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--vary", "level:2"], "must name two tasks at least, got 'level:2'"),
        (["--vary", "level:2,3", "--epsilon", "2", "0"], "epsilon must lie in [0, 1]"),
        (["--vary", "weight:2,3"], "must be made with arguments it has"),
        (
            [
                "--vary",
                "level:2,3",
                "--reward",
                RATES,
            ],
            "must not learn while the agent",
        ),
    ],
)
def test_bad_input_is_a_sentence_and_leaves_nothing(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["meta", "rewardwrap/Runner-v0", *words, *SMALL, "--out", str(out)]) == 2
    assert sentence in " ".join(capsys.readouterr().err.split())
    assert not out.exists()
    out.mkdir()
    assert main([*META, "--out", str(out)]) == 2
    assert "must be new" in capsys.readouterr().err
