"""``rewardwrap evolve``: goes on as if it had not stopped, keeps limits, leaves tables of what it found."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from rewardwrap.cli import main
from rewardwrap.commands.evolve_files import SAVED
from rewardwrap_policies import evolution

RUNNER = ["evolve", "rewardwrap/Runner-v0", "--population", "6", "--length", "60"]


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    assert main([*words, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_going_on_is_as_if_it_had_not_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    for _ in range(2):
        parted = said(capsys, *RUNNER, "-n", "400", "--field", "x_pos", "--out", str(parts))
    found = said(capsys, *RUNNER, "-n", str(parted["steps"]), "--jobs", "2", "--out", str(whole))
    # processes change nothing either
    assert {**found, "out": ""} == {**parted, "out": ""}
    assert (parts / "history.csv").read_text() == (whole / "history.csv").read_text()
    rows = list(csv.DictReader((parts / "run.csv").read_text().splitlines()))
    assert len(rows) == found["moves"]
    assert float(rows[-1]["return"]) == pytest.approx(found["fitness"])
    assert float(rows[-1]["x_pos"]) == found["last"]["x_pos"]
    assert {p.suffix for p in parts.iterdir()} == {".json", ".csv", ".svg"}


def test_limits_that_nobody_keeps_are_a_no_and_a_stop_keeps_what_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [*RUNNER, "--at-least", "coins:99", "--out", str(tmp_path)]
    assert said(capsys, *words, "-n", "100", code=1)["feasible"] is False
    before = json.loads((tmp_path / SAVED).read_text())["moves"]["history"]

    def interrupted(*args: Any, on_generation: Any, start: Any, **options: Any) -> None:
        genetic(*args, **{**options, "budget": 1, "start": start}, on_generation=on_generation)
        raise KeyboardInterrupt

    genetic = evolution.genetic
    monkeypatch.setattr(evolution, "genetic", interrupted)
    said(capsys, *words, "-n", "5000", code=130)
    after = json.loads((tmp_path / SAVED).read_text())["moves"]["history"]
    assert after[:-1] == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["rewardwrap/Runner-v0", "--field", "z"],
            "must name numbers of info, got 'z'. It has: x_",
        ),
        (["rewardwrap/Runner-v0", "--at-most", "coins:a"], "a limit must be a number, got 'a' for"),
        (["Pendulum-v1"], "must have Discrete actions"),
        (["rewardwrap/Runner-v0", "--seed", "1"], "must go on with its seed, got 1 where it has 0"),
    ],
)
def test_bad_input_is_a_sentence(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    if "--seed" in words:
        assert main([*RUNNER, "-n", "1", "--out", str(out), "--population", "20"]) == 0
        words = [*words, "--length", "60"]
    assert main(["evolve", *words, "--out", str(out)]) == 2
    assert sentence in " ".join(capsys.readouterr().err.split())
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "a").touch()
    assert main([*RUNNER, "--out", str(taken)]) == 2
    assert "must be new" in capsys.readouterr().err
