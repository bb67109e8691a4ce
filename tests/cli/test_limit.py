"""``--limit end``: the way out that a refused reward of whole episodes names, walked from the shell."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest

from rewardwrap.cli import main, parser_of
from rewardwrap.commands import compare_request
from rewardwrap.compare import campaign
from rewardwrap.core.errors import StackError
from rewardwrap.training import bundle
from rewardwrap.training.folder import LAST, RunFolder

LATE = "{episode_sum: env}"
SHORT = ["-n", "32", "--eval-freq", "32", "--eval-episodes", "1"]
SMALL = ["-params", "n_steps:32", "n_envs:1", "batch_size:32", "n_epochs:1"]
pytestmark = pytest.mark.filterwarnings("ignore:limit=.end. should stand over observations")


def test_a_training_whose_limit_ends_the_task_keeps_it_in_its_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    words = ["train", "CartPole-v1", "--verbose", "0", *SHORT, *SMALL, "--reward", LATE]
    assert main(words) == 2
    assert "--limit end to a command" in capsys.readouterr().err
    assert main([*words, "--limit", "end"]) == 0
    run = RunFolder(Path("logs/ppo/CartPole-v1_1"))
    agent = bundle.read(run.bundle(LAST))
    assert agent.settings.limit == "end"
    agent.close()
    resumed = ["train", "--resume", str(run.path), "-n", "64"]
    assert main([*resumed, "--limit", "bootstrap"]) == 2
    assert "got --limit" in capsys.readouterr().err
    assert main(resumed) == 0
    assert main(["eval", str(run.path)]) == 0


def test_a_comparison_whose_limit_ends_the_task(tmp_path: Path) -> None:
    words = ["CartPole-v1", *SHORT, *SMALL, "--out", str(tmp_path), "--reward", f"late={LATE}"]
    plain = compare_request.parsed(parser_of("compare").read(words))
    with pytest.raises(StackError, match="--limit end to a command"):
        campaign.refuse_unfit_strategies(plain.specs)
    ended = compare_request.parsed(parser_of("compare").read([*words, "--limit", "end"]))
    campaign.refuse_unfit_strategies(ended.specs)


def test_a_comparison_is_parsed_once_and_its_arguments_stay_as_they_were(tmp_path: Path) -> None:
    words = [
        "--env",
        "CartPole-v1",
        "--env",
        "Acrobot-v1",
        "--out",
        str(tmp_path),
        "--limit",
        "end",
    ]
    args = parser_of("compare").read(words)
    before = copy.deepcopy(vars(args))
    request = compare_request.parsed(args)
    assert vars(args) == before
    assert [(plan.env, plan.limit) for plan in request.plans] == [
        ("CartPole-v1", "end"), ("Acrobot-v1", "end"),
    ]  # fmt: skip
    assert request.specs_of is request.specs_of
