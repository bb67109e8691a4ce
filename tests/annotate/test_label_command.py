"""``rewardwrap label``: what it prints, and what it says about bad input."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np
import pytest

from rewardwrap.annotate.judgements import add_answers
from rewardwrap.annotate.pool import draw
from rewardwrap.cli import main
from rewardwrap.data import EpisodeStore, Preferences

NOTHING = np.zeros((0, 6), np.int64)


@pytest.fixture
def answered(swings: EpisodeStore, tmp_path: Path) -> Path:
    asked = draw(swings, 10, 30, seed=0, asked=NOTHING)
    right = (asked.b.returns() > asked.a.returns()).astype(float)
    for name, flips in (("Ann", 0), ("Bob", 6)):
        said = np.where(np.arange(30) < flips, 1 - right, right)
        add_answers(tmp_path / "j.sqlite", Preferences(asked.a, asked.b, said), labeler=name)
    return tmp_path / "j.sqlite"


def test_a_summary_is_a_table(answered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["label", "--summary", str(answered)]) == 0
    said = capsys.readouterr().out
    assert "30 of 30 pairs answered" in said
    assert "80 %" in said  # alike in 24 of 30
    assert "Fleiss' kappa over 30 shared pairs" in said
    assert "Ann" in said
    assert "said left" in said


def test_answers_are_exported(answered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = answered.parent / "out.jsonl"
    assert main(["label", "--export", str(answered), "--out", str(target)]) == 0
    assert "60 answers" in capsys.readouterr().out
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert {row["labeler"] for row in rows} == {"Ann", "Bob"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["label"],
            "label must know the episodes and the file for answers, got no DATA and no --out",
        ),
        (["label", "--summary", "none.sqlite"], "judgements must exist, got none.sqlite"),
        (["label", "--export", "none.sqlite", "--out", "x.jsonl"], "judgements must exist"),
        (
            ["label", "--export", "none.sqlite", "--out", "x.csv"],
            "must go to a .jsonl or .parquet file",
        ),
    ],
)
def test_bad_input_is_a_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(
    swings: EpisodeStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("uvicorn")
    swings.save(tmp_path / "data")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        words = ["label", str(tmp_path / "data"), "--out", str(tmp_path / "j.sqlite")]
        assert main([*words, "--pairs", "5", "--length", "10", "--port", port, "--no-browser"]) == 2
    assert f"--port must be free, got {port}" in capsys.readouterr().err
