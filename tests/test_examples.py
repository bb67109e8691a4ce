"""Every example runs, with a tiny budget."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from rewardwrap.compare.plan import read_plan

EXAMPLES = Path(__file__).parents[1] / "examples"
BUDGETS = {
    "02_shape_a_mujoco_env.py": ["--steps", "512"],
    "03_compare_on_atari.py": [
        *("--steps=1", "--seeds=1", "--eval-episodes=1", "--out=out"),
        *("--env-kwargs", "max_episode_steps:200", "-params", "n_envs:2", "n_steps:128"),
    ],
    "05_learn_from_preferences.py": ["4096"],
}


SCRIPTS = sorted(EXAMPLES.glob("*.py"))


def test_an_example_runs_in_an_interpreter_of_its_own(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS[0])],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("path", SCRIPTS[1:], ids=lambda p: p.name)
def test_an_example_runs(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    # in this process: each would import what trainings need anew, half of what it takes
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path), *BUDGETS.get(path.name, [])])
    code = None
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as left:
        code = left.code
    assert not code, capfd.readouterr().err
    assert capfd.readouterr().out


# one of them in every run: the others differ in what they train on
APPLICATIONS = [
    pytest.param(
        path, marks=[] if path.stem == "customer_service" else pytest.mark.slow, id=path.name
    )
    for path in sorted(EXAMPLES.glob("applications/*.py"))
]


@pytest.mark.parametrize("path", APPLICATIONS)
def test_an_application_runs_and_says_what_was_shown(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [path.name, "64"])
    runpy.run_path(str(path), run_name="__main__")
    assert re.search(r"\d", capsys.readouterr().out)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("plans/*.yml")), ids=lambda p: p.name)
def test_a_plan_can_be_read(path: Path) -> None:
    plan = read_plan(path)
    assert len(plan.rewards) >= 2
