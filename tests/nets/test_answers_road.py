"""Answers of people as a table, to a model, to its judgement, to agents: the whole road by commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rewardwrap.api.fit import fit
from rewardwrap.cli import main
from rewardwrap.data import EpisodeStore
from rewardwrap.statistics.intervals import wilson_interval
from tests.nets.conftest import pendulum

LENGTH = 8


def answered(folder: Path, episodes: int = 24, count: int = 300) -> EpisodeStore:
    """Episodes without rewards, and who finds which clip better."""
    store = pendulum(episodes, steps=40)
    draws = np.random.default_rng(0)
    lines = ["episode_a,start_a,episode_b,start_b,length,better_b"]
    for _ in range(count):
        (a, b), (i, j) = draws.integers(episodes, size=2), draws.integers(40 - LENGTH, size=2)
        one, other = (store.episode(e).reward[s : s + LENGTH].sum() for e, s in ((a, i), (b, j)))
        lines.append(f"{store.ids[a]},{i},{store.ids[b]},{j},{LENGTH},{int(other > one)}")
    (folder / "answers.csv").write_text("\n".join(lines) + "\n")
    store.save(folder / "data")
    return store


@pytest.fixture
def road(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    answered(tmp_path)
    words = ["--teacher", str(tmp_path / "answers.csv"), "--out", str(tmp_path / "m")]
    few = ["--hidden", "16", "--epochs", "15", "--quiet"]
    assert main(["fit", "preferences", str(tmp_path / "data"), *words, *few]) == 0
    (tmp_path / "said").write_text(capsys.readouterr().out)
    return tmp_path


def test_a_table_of_answers_becomes_a_model_with_an_interval_and_its_own_clips(road: Path) -> None:
    metrics = json.loads((road / "m" / "metrics.json").read_text())
    held = metrics["heldout"]
    low, high = metrics["interval"]["pair_accuracy"]
    right = round(held["pair_accuracy"] * held["pairs"])
    wanted = wilson_interval(right, held["pairs"])
    assert (low, high) == (wanted.low, wanted.high)
    assert low < held["pair_accuracy"] < high
    assert json.loads((road / "m" / "model.json").read_text())["settings"]["length"] == LENGTH
    assert (
        f"95 %: {low:.3f} to {high:.3f} (Wilson, {held['pairs']} pairs"
        in (road / "said").read_text()
    )
    assert main(["validate", str(road / "m"), str(road / "data")]) == 0


def test_a_teacher_shows_clips_that_fit_the_episodes() -> None:
    fitted = fit("preferences", pendulum(6, steps=12), pairs=20, epochs=1, hidden=(4,))
    assert fitted.settings["length"] == 12


@pytest.mark.slow  # trains
def test_agents_are_compared_on_what_people_said(road: Path) -> None:
    (road / "mine.yml").write_text(f"learned: {road / 'm'}\n")
    words = ["compare", "Pendulum-v1", "--algo", "a2c", "--reward", "env"]
    words += ["--reward", f"mine={road / 'mine.yml'}", "--out", str(road / "c")]
    few = ["--seeds", "1", "--jobs", "1", "-n", "200", "--eval-freq", "200", "--eval-episodes", "1"]
    assert main([*words, *few]) == 0
    assert (road / "c" / "report.html").is_file()
