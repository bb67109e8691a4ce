"""A finished comparison of 1 000 runs, invoked again: nothing is trained and the table is there soon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from rewardwrap.compare import index
from rewardwrap.compare.plan import read_plan
from rewardwrap.compare.spec import run_id
from rewardwrap.compare.store import Store, finish, write_json

SEEDS, POINTS = 250, 21
PLAN = """\
env: FrozenLake-8x8
algo: ppo
steps: 40000
seeds: 250
evaluation: {every: 2000, episodes: 5}
strategies:
  env: env
  potential: potential
  normalised: normalised
  paid: [env, {constant: 0.01}]
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("thousand")
    (folder / "plan.yml").write_text(PLAN)
    store = Store(folder / "out" / "runs")
    for spec in read_plan(folder / "plan.yml").specs():
        rng = np.random.default_rng([spec["seed"], len(spec["strategy"])])
        true = np.sort(rng.random(POINTS)).round(6).tolist()
        name = run_id(spec)
        (store.root / name).mkdir(parents=True)
        write_json(store.root / name / "spec.json", spec)
        summary = {
            "steps": list(range(0, 40_001, 2000)),
            "true_return": true, "shaped_return": true, "length": [float(spec["seed"])] * POINTS,
            "terms": {"constant": true} if spec["strategy"] == "paid" else {},
            "cpu_seconds": 8.0, "wall_seconds": 9.0, "env_steps": 40_448,
            "continued": [], "same_curve": True,
        }  # fmt: skip
        write_json(store.root / name / "summary.json", summary)
        finish(store.root / name, name)
    return folder


def test_the_table_is_there_within_three_seconds_and_nothing_is_trained(finished: Path) -> None:
    words = [sys.executable, "-m", "rewardwrap", "compare", "plan.yml", "--out", "out"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        words, cwd=finished, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if "potential against env" in line:  # the line below the table
            break
    # processor time: a busy machine is no bug
    user, system = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    used = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    process.kill()
    process.communicate()
    assert "1000 of 1000 runs are finished" in seen
    assert used <= 3.0
    assert not list(finished.glob("out/runs/.tmp-*"))


def test_the_index_is_made_from_the_folders_and_decides_nothing(finished: Path) -> None:
    store = Store(finished / "out" / "runs")
    file = index.write(store)
    table = pq.read_table(file)
    assert table.num_rows == 4 * SEEDS
    assert set(table["strategy"].to_pylist()) == {"env", "potential", "normalised", "paid"}
    file.write_bytes(b"nonsense")
    name = table["run_id"][0].as_py()
    assert store.is_finished(name)
    summary = json.loads((store.root / name / "summary.json").read_text())
    again = pq.read_table(index.write(store))
    assert again.equals(table)
    assert again["true_return"][0].as_py() == summary["true_return"][-1]
