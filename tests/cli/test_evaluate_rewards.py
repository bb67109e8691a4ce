from __future__ import annotations

import json
from pathlib import Path

import pytest

from rewardwrap.cli import main

PHI = "{row: 0.07142857142857142, column: 0.07142857142857142}"
FILES = {
    "potential.yml": f"- env\n- potential: {{phi: {PHI}}}\n  name: closer\n",
    "cheat.yml": (
        f"- env\n- affine: {{base: {{potential: {{phi: {PHI}, gamma: 1.0}}}}, low: 0.0}}\n"
        "  name: progress\n"
    ),
    "up.yml": "field: pole_cos\n",
    "up_shaped.yml": "- field: pole_cos\n- potential: {phi: {pole_sin: 2.0, bias: 3.0}}\n",
    "down.yml": "affine: {base: {field: pole_cos}, scale: -1.0}\n",
    "delta.yml": "delta: {base: {field: pole_cos}}\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def _paths(folder: Path, *names: str) -> list[str]:
    return [str(folder / name) for name in names]


def test_distance_prints_and_draws_the_matrix(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = _paths(folder, "up.yml", "up_shaped.yml", "down.yml")
    small = ["--samples", "64", "--means", "32", "--out", str(folder / "out")]
    assert main(["distance", "Pendulum-v1", *words, *small]) == 0
    printed = capsys.readouterr().out
    assert "epic distance on Pendulum-v1" in printed
    assert "1.000" in printed
    assert "Noise floor 0" in printed
    cells = json.loads((folder / "out" / "distances.json").read_text())
    assert [cell["b"] for cell in cells] == ["up_shaped", "down", "down"]
    assert cells[0]["value"] < 1e-12
    assert (folder / "out" / "distances.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (folder / "out" / "distances.svg").read_bytes()


def test_distance_is_exact_on_the_lake_and_knows_the_env_by_its_word(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["env", *_paths(folder, "potential.yml")]
    code = main(["distance", "FrozenLake-8x8", *words, "--metric", "starc-val", "--json"])
    assert code == 0
    (cell,) = json.loads(capsys.readouterr().out)
    assert (cell["a"], cell["b"], cell["samples"]) == ("env", "potential", 0)
    assert cell["value"] < 1e-9


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["up.yml"], "two rewards or more"),
        (["up.yml", "delta.yml"], "carries state from step to step"),
        (["up.yml", "missing.yml"], "reward file must exist"),
        (["up.yml", "up.yml", "--metric", "starc-minimal"], "must have the dynamics T"),
    ],
)
def test_distance_refuses_in_one_sentence(
    words: list[str], sentence: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(folder / word) if word.endswith(".yml") else word for word in words]
    assert main(["distance", "Pendulum-v1", *given]) == 2
    assert sentence in capsys.readouterr().err


def test_regret_lets_a_potential_pass(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["regret", "FrozenLake-8x8", *_paths(folder, "potential.yml")]) == 0
    assert "The reward keeps the task" in capsys.readouterr().out


def test_regret_stops_a_cheat_with_exit_code_1_and_shows_the_cycle(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cheat = _paths(folder, "cheat.yml")
    assert main(["regret", "FrozenLake-8x8", *cheat]) == 1
    printed = capsys.readouterr().out
    assert "The reward prefers something else" in printed
    assert "Shortest cycle that pays more than the task does" in printed
    assert "row 7, column 5" in printed
    assert main(["regret", "FrozenLake-8x8", *cheat, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["cheats"]
    assert len(found["cycle"]) == 2
    assert main(["regret", "FrozenLake-8x8", *cheat, "--tolerance", "1.0"]) == 0


def test_regret_takes_arguments_of_the_environment(folder: Path) -> None:
    words = [*_paths(folder, "potential.yml"), "--env-kwargs", "is_slippery:True"]
    assert main(["regret", "FrozenLake-8x8", *words]) == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["Pendulum-v1", "env"], "env must be tabular"),
        (["FrozenLake-8x8", "env", "--gamma", "1"], "gamma must lie in [0, 1)"),
        (["FrozenLake-8x8", "env", "--tolerance", "2"], "--tolerance must lie in [0, 1]"),
        (["FrozenLak-v1", "env"], "Did you mean"),
    ],
)
def test_regret_refuses_in_one_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["regret", *words]) == 2
    assert sentence in capsys.readouterr().err
