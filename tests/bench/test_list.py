"""`make bench` runs every benchmark of this folder; what is a study of its own says so here."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
STUDIES = {
    "atari", "attacks", "demonstration_forms", "demonstration_learning", "linear_reward_model",
    "preference_learning", "reward_models", "rllte_rnd", "time_limits",
}  # fmt: skip
"""They train for minutes to hours or need an environment of their own; docs/results/ says what they found."""


def test_make_bench_runs_every_benchmark() -> None:
    recipe = (
        (HERE.parents[1] / "Makefile").read_text().partition("\nbench:")[2].partition("\n\n")[0]
    )
    listed = re.search(r"for what in (.*?); do", recipe, re.DOTALL)
    assert listed is not None
    named = {word.strip('"').split()[0] for word in re.findall(r'"[^"]*"|[\w.]+', listed[1])}
    files = [file for file in HERE.glob("*.py") if not file.stem.startswith(("_", "test_"))]
    commands = {file.stem for file in files if "__main__" in file.read_text()}
    assert named == commands - STUDIES
    assert commands >= STUDIES
