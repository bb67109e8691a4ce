"""kill -9 of a comparison at random moments: nothing is lost, no half run is read as whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rewardwrap.compare.document import read
from rewardwrap.compare.plan import read_plan
from rewardwrap.compare.run import execute
from rewardwrap.compare.spec import run_id
from rewardwrap.compare.store import Store

PLAN = """\
env: FrozenLake-8x8
algo: ppo
steps: {steps}
seeds: {seeds}
evaluation: {{every: 1024, episodes: 2}}
checkpoint: {{every: 1500}}
strategies:
  env: env
  counted: [env, {{function: "counting:nothing"}}]
"""
COUNTING = """
import os
import numpy as np

noted = None

def nothing(obs):
    global noted
    if noted != os.getpid():
        noted = os.getpid()
        with open(os.path.join(os.path.dirname(__file__), "trained.txt"), "a") as file:
            file.write(f"{noted}\\n")
    return np.zeros(len(obs))
"""
# what the command does between reading the plan and writing the report
DRIVER = """
import json, sys
from rewardwrap.compare import campaign
from rewardwrap.compare.executors import LocalExecutor
from rewardwrap.compare.store import Store
store = Store(sys.argv[1] + "/runs")
assert not campaign.conduct(json.load(open("specs.json")), store, LocalExecutor(store, 1))
"""
COSTS = ("cpu_seconds", "wall_seconds", "continued")


def _start(folder: Path, out: str, *, whole: bool) -> subprocess.Popen[str]:
    words = ["-c", DRIVER, out]
    if whole:
        words = ["-m", "rewardwrap", "compare", "plan.yml", "--jobs", "2", "--out", out]
    return subprocess.Popen(
        [sys.executable, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(folder)},
    )  # fmt: skip


def _plan(folder: Path, *, steps: int, seeds: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    (folder / "counting.py").write_text(COUNTING)
    monkeypatch.setenv("REWARDWRAP_TRUST", "counting")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "counting", raising=False)
    (folder / "plan.yml").write_text(PLAN.format(steps=steps, seeds=seeds))
    specs = read_plan(folder / "plan.yml").specs()
    (folder / "specs.json").write_text(json.dumps(specs))
    return [run_id(spec) for spec in specs]


def _measured(folder: Path, ids: list[str]) -> dict[str, Any]:
    """What each finished run says, its costs left out; also that every table of it can be read."""
    import pyarrow.parquet as pq

    store, found = Store(folder), {}
    for name in ids:
        if store.is_finished(name):
            summary = store.summary(name)
            rows = pq.read_table(store.path(name) / "evaluation.parquet").num_rows
            assert rows == 2 * len(summary["steps"])
            found[name] = {k: v for k, v in summary.items() if k not in COSTS}
    return found


def _kill_often(folder: Path, ids: list[str], *, kills: int, longest: float) -> None:
    started = time.monotonic()
    undisturbed = _start(folder, "quiet", whole=True)
    out, _ = undisturbed.communicate()
    assert undisturbed.returncode == 0, out
    whole_time = time.monotonic() - started
    expected = _measured(folder / "quiet" / "runs", ids)
    assert sorted(expected) == sorted(ids)

    rng, runs, before = np.random.default_rng(7), folder / "out" / "runs", set[str]()
    progress: list[int] = []
    for _ in range(kills):
        process = _start(folder, "out", whole=True)
        # from before the first import to far into the trainings
        time.sleep(float(rng.uniform(0.0, longest * whole_time)))
        found = _killed(process, runs, ids, expected)
        assert before <= found, "a finished run was lost"
        before = found
        progress.append(len(found))
    _ends_like(expected, folder, ids, whole=True)
    print(f"finished before each kill: {progress}")


def _killed(
    process: subprocess.Popen[str], runs: Path, ids: list[str], expected: dict[str, Any]
) -> set[str]:
    """The runs that are finished after the process was killed; each says what it must."""
    process.kill()
    process.communicate()
    found = _measured(runs, ids)
    assert all(found[name] == expected[name] for name in found), "a half run was read as whole"
    return set(found)


def _ends_like(expected: dict[str, Any], folder: Path, ids: list[str], *, whole: bool) -> None:
    """The same command again ends with every run, and leaves nothing else."""
    process, runs = _start(folder, "out", whole=whole), folder / "out" / "runs"
    out, _ = process.communicate()
    assert process.returncode == 0, out
    assert _measured(runs, ids) == expected
    left = {path.name for path in runs.iterdir()} - set(ids)
    assert left <= {"index.parquet"}


def test_killing_a_comparison_loses_nothing_and_reads_no_half_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = _plan(tmp_path, steps=2048, seeds=1, monkeypatch=monkeypatch)
    quiet, runs = tmp_path / "quiet" / "runs", tmp_path / "out" / "runs"
    for spec in read_plan(tmp_path / "plan.yml").specs():
        execute(spec, Store(quiet))
    expected = _measured(quiet, ids)
    process = _start(tmp_path, "out", whole=False)
    while process.poll() is None and not list(runs.glob(f".tmp-{ids[1]}-*")):
        time.sleep(0.05)  # until the first run is finished and the second one under way
    assert _killed(process, runs, ids, expected) == {ids[0]}
    _ends_like(expected, tmp_path, ids, whole=False)


@pytest.mark.slow
def test_killing_the_command_twenty_times_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = _plan(tmp_path, steps=2048, seeds=20, monkeypatch=monkeypatch)
    _kill_often(tmp_path, ids, kills=20, longest=0.35)
    assert len(read(tmp_path / "out").runs) == len(ids)


def test_two_comparisons_share_a_store_and_train_every_run_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = _plan(tmp_path, steps=2048, seeds=2, monkeypatch=monkeypatch)
    both = [_start(tmp_path, "out", whole=False) for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    runs = tmp_path / "out" / "runs"
    assert sorted(_measured(runs, ids)) == sorted(ids)
    trained = (tmp_path / "trained.txt").read_text().split()
    assert len(trained) == len([name for name in ids if name.startswith("counted")])
    assert {path.name for path in runs.iterdir()} == set(ids)
