"""The benchmark runs; whether its goals hold is for a quiet machine to say."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOALS = {"H1", "H2", "H8", "G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "G10", "G11", "G12"}


def test_every_row_runs_and_is_written(tmp_path: Path) -> None:
    pytest.importorskip("ale_py")
    file = tmp_path / "bench.json"
    command = [
        sys.executable,
        "-m",
        "tests.bench",
        "--pairs",
        "1",
        "--only",
        ",".join(sorted(GOALS)),
    ]
    done = subprocess.run([*command, "--json", str(file)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = json.loads(file.read_text())["rows"]
    assert {row["goal"] for row in rows} == GOALS
    assert all(math.isfinite(row["measured"]["value"]) for row in rows)
