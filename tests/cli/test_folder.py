"""Where a command is given: what lies in the current folder runs only if somebody named it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rewardwrap.cli import main


def test_a_file_named_like_a_package_does_not_run_where_one_only_reads(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("open('ran', 'w').close()\n")
    words = [sys.executable, "-m", "rewardwrap", "eval", "nothing", "--trust", "mine"]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("more", "reached"),
    [([], False), (["-params", "n_steps:32"], False), (["--trust", "mine"], True),
     (["--reward", "{function: {function: 'mine:f'}}"], True), (["--gym-packages", "yaml"], True)],
)  # fmt: skip
def test_the_folder_is_searched_last_and_only_where_a_module_is_named(
    more: list[str], reached: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", before := list(sys.path))
    assert main(["train", "--env", "Nothing-v0", *more]) == 2
    assert sys.path == (before if not reached else sys.path)
    assert (sys.path[-1] == str(tmp_path)) is reached
