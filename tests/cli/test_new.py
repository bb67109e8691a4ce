"""What `rewardwrap new` writes passes as it is; presets and completions are listed."""

from __future__ import annotations

import importlib
import json
import subprocess
from pathlib import Path

import pytest

from rewardwrap import cli
from rewardwrap.commands.completion import script


@pytest.mark.parametrize(
    ("sort", "name"),
    [("reward", "gentle_touch"), ("env", "narrow_corridor"), ("recipe", "plain_cart")],
)
def test_all_three_files_pass_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sort: str, name: str
) -> None:
    assert cli.main(["new", sort, name, "--out", str(tmp_path)]) == 0
    assert len(list(tmp_path.iterdir())) == 3
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    tests = importlib.import_module(f"test_{name}")
    asked = [value for key, value in vars(tests).items() if key.startswith("test_")]
    assert len(asked) >= 2
    for test in asked:
        test()
    evidence = importlib.import_module(f"evidence_{name}")
    word, sentence = evidence.verdict([evidence.run(seed) for seed in range(2)])
    assert word == "shown"
    assert sentence.endswith(".")
    assert evidence.USE.startswith("rewardwrap ")
    text = "".join(file.read_text() for file in tmp_path.glob("*.*"))
    assert "<NAME>" not in text
    assert "<CLASS>" not in text


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test_mine.py").touch()
    assert cli.main(["new", "reward", "mine", "--out", str(tmp_path)]) == 2
    assert "test_mine.py must be new" in capsys.readouterr().err
    assert cli.main(["new", "reward", "My-Reward", "--out", str(tmp_path)]) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["test_mine.py"]


def test_presets_say_where_they_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["presets", "ppo", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"algo": "ppo", "env": "default", "source": "ppo.yml"} in [
        {key: row[key] for key in ("algo", "env", "source")} for row in rows
    ]
    assert all(len(row["taken_from"]) > 3 for row in rows)
    assert cli.main(["presets", "ppo", "CartPole-v1", "--json"]) == 0
    assert "n_timesteps" in json.loads(capsys.readouterr().out)["hyperparameters"]
    assert cli.main(["presets", "pp"]) == 2
    assert 'Did you mean "ppo"' in capsys.readouterr().err


def test_a_shell_completes_commands_flags_choices_and_names(tmp_path: Path) -> None:
    file = tmp_path / "complete.bash"
    file.write_text(script("bash"))

    def completed(*words: str) -> set[str]:
        line = " ".join(f"'{word}'" for word in words)
        asked = (
            f"source {file}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _rewardwrap; "
            "echo ${COMPREPLY[@]}"
        )
        return set(
            subprocess.run(
                ["bash", "-c", asked], capture_output=True, text=True, check=True
            ).stdout.split()
        )

    assert {"train", "compare"} <= completed("rewardwrap", "")
    assert completed("rewardwrap", "train", "--stop") == {"--stop-at"}
    assert completed("rewardwrap", "train", "--limit", "b") == {"bootstrap"}
    assert "CartPole-v1" in completed("rewardwrap", "train", "Cart")
    assert script("zsh").startswith("autoload")
    assert "complete -c rewardwrap" in script("fish")
    assert cli.main(["completion", "tcsh"]) == 2
