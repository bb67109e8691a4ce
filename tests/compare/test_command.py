"""What ``rewardwrap compare`` does beside training here: other executors, trackers, an interrupt."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rewardwrap.cli import main
from rewardwrap.compare import document
from rewardwrap.compare.store import Store

PLAN = ["compare", "FrozenLake-8x8", "-n", "600", "--eval-freq", "300", "--eval-episodes", "1"]


@pytest.mark.usefixtures("undrawn")
def test_submitit_and_a_tracker_from_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in ("submitit", "wandb"):
        pytest.importorskip(package)
    monkeypatch.setenv("WANDB_MODE", "offline")
    words = [*PLAN, "--seeds", "1", "--reward", "env", "--out", str(tmp_path / "out")]
    words += ["--executor", "slurm", "--address", "local", "--track", "wandb"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "wandb: 1 runs written" in said
    assert len(document.read(tmp_path / "out").runs) == 1
    assert len(list((tmp_path / "out" / "wandb").glob("offline-run-*"))) == 1
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "1 of 1 runs are finished" in said
    assert "wandb: 0 runs written" in said


def _start(folder: Path) -> subprocess.Popen[str]:
    words = [*PLAN, "--seeds", "2", "--executor", "ray", "--jobs", "1", "--out", "out"]
    return subprocess.Popen(
        [sys.executable, "-m", "rewardwrap", *words], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip


@pytest.mark.slow
def test_ctrl_c_ends_a_comparison_on_ray_and_the_same_command_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    process = _start(tmp_path)
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if line.startswith("[1/4]"):
            process.send_signal(signal.SIGINT)
            break
    seen += process.communicate(timeout=120)[0]
    assert process.returncode == 130, seen
    assert "stopped. What is finished is kept." in seen
    assert "Traceback" not in seen
    store = Store(tmp_path / "out" / "runs")
    kept = store.finished()
    assert 1 <= len(kept) < 4
    assert {path.name for path in store.root.iterdir()} == set(kept)

    before = {name: json.loads((store.path(name) / "done.json").read_text()) for name in kept}
    again = _start(tmp_path)
    seen, _ = again.communicate(timeout=300)
    assert again.returncode == 0, seen
    assert f"{len(kept)} of 4 runs are finished" in seen
    assert len(document.read(tmp_path / "out").runs) == 4
    for name, done in before.items():
        assert json.loads((store.path(name) / "done.json").read_text()) == done
