"""Scores as a command line names them, and lanes that fill their groups."""

from __future__ import annotations

from pathlib import Path

import pytest

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.training.scores import chosen_group, whole_groups


def test_a_file_holds_a_score_or_all_of_a_group(tmp_path: Path) -> None:
    score, whole = tmp_path / "score.yml", tmp_path / "whole.yml"
    score.write_text("concise: {steps: [2, 9]}\n")
    whole.write_text("grouped:\n  score: concise\n  group: 8\n  scaled: true\n")
    made = chosen_group(str(score), group=2, limit="bootstrap")
    assert (made.group, made.limit, made.centred) == (2, "bootstrap", True)
    assert made.to_config()["grouped"]["score"] == {"concise": {"steps": [2, 9]}}
    assert (chosen_group(str(whole)).group, chosen_group(str(whole)).scaled) == (8, True)
    assert chosen_group(str(whole), group=4).group == 4
    assert not chosen_group("{concise: {alpha: 1}}", group=1).centred
    assert chosen_group("concise").group == 4


def test_a_mistake_in_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "score.yml"
    file.write_text("concise:\n  steps: [4, 20]\n  alfa: 3\n")
    with pytest.raises(rw.ConfigError, match=r'score.yml:3: No field of concise "alfa"'):
        chosen_group(str(file))
    with pytest.raises(rw.ConfigError, match="score file must exist, got none.yml"):
        chosen_group("none.yml")


def test_lanes_fill_their_groups_and_a_rollout_stays_as_long_as_it_was() -> None:
    eight = rw.Grouped("return", group=8)
    assert whole_groups({"n_envs": 1, "n_steps": 2048}, [eight], None) == {
        "n_envs": 8,
        "n_steps": 256,
    }
    row = {"n_envs": 2, "n_steps": 64}
    assert whole_groups(row, [rw.EnvReward()], None) == row
    assert whole_groups(row, [eight], ["n_envs:2"]) == row
    assert whole_groups(row, [eight], {"n_envs": 2}) == row


def test_a_command_trains_by_a_score_and_refuses_what_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "rewardwrap/Ans-v0", "--out", str(tmp_path), "--verbose", "0"]
    few = ["-n", "16", "--eval-freq", "16", "-params", "n_steps:8", "batch_size:16", "n_epochs:1"]
    assert main([*words, "--score", "concise", "--group", "2", *few, "--eval-episodes", "1"]) == 0
    for wrong, sentence in (
        (["--group", "4"], "--group must go with --score"),
        (["--score", "concise", "--reward", "env"], "--score must be all that pays"),
        (["--score", "nowhere.yml"], "score file must exist, got nowhere.yml"),
    ):
        assert main([*words, *wrong]) == 2
        assert sentence in capsys.readouterr().err
    assert len(list((tmp_path / "ppo").iterdir())) == 1
