"""The benchmark runs; whether its goals hold is for a quiet machine to say."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import main

GOALS = {"H1", "H2", "H8", "G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "G10", "G11", "G12"}


def test_every_row_runs_and_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ale_py")
    file = tmp_path / "bench.json"
    words = ["--pairs", "1", "--only", ",".join(sorted(GOALS)), "--json", str(file)]
    monkeypatch.setattr(sys, "argv", ["python -m tests.bench", *words])
    monkeypatch.chdir(tmp_path)
    main()
    rows = json.loads(file.read_text())["rows"]
    assert {row["goal"] for row in rows} == GOALS
    assert all(math.isfinite(row["measured"]["value"]) for row in rows)
