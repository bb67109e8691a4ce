"""``rewardwrap explore`` and ``rewardwrap plan``: from an environment to a plan for any reward."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rewardwrap.cli import main

LAKE = ["FrozenLake-v1", "--env-kwargs", "is_slippery:False"]
GOAL = "{table: {values: {14: [0, 0, 1, 0]}}}"


def said(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert main([*words, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_a_reward_that_comes_later_is_planned_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    explore = [
        "explore",
        *LAKE,
        "--episodes",
        "60",
        "--horizon",
        "12",
        "--out",
        str(tmp_path / "ex"),
    ]
    assert said(capsys, *explore)["rewards_read"] == 0
    found = said(capsys, *explore)
    assert found["episodes"] == 120
    plan = [
        "plan",
        str(tmp_path / "ex"),
        GOAL,
        "--episodes",
        "3",
        "--out",
        str(tmp_path / "p.json"),
    ]
    told = said(capsys, *plan)
    assert (told["value"], told["played"]) == (1.0, 1.0)
    assert len(json.loads((tmp_path / "p.json").read_text())["policy"]) == 12


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["explore", "CartPole-v1"], "observation space must be Discrete"),
        (
            ["explore", "FrozenLake-v1", "--horizon", "7"],
            "must go on with its horizon, got 7 where it has 5",
        ),
        (["explore", "Taxi-v4"], "must go on with its env"),
    ],
)
def test_bad_input_is_a_sentence_and_costs_nothing(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "ex"
    if "CartPole-v1" not in words:
        assert (
            main(
                ["explore", "FrozenLake-v1", "--episodes", "1", "--horizon", "5", "--out", str(out)]
            )
            == 0
        )
    assert main([*words, "--out", str(out)]) == 2
    assert sentence in " ".join(capsys.readouterr().err.split())
    assert main(["plan", str(tmp_path / "none"), GOAL]) == 2
    assert "Explore first" in capsys.readouterr().err
