"""Answers of people as a table, to a model, to its judgement, to agents: the whole road by commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rewardwrap.annotate.judgements import add_answers, export
from rewardwrap.api.fit import fit, judgements
from rewardwrap.cli import main
from rewardwrap.data import DataError, EpisodeStore, Fragments, Preferences
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


def test_answers_about_a_clip_and_itself_are_left_out_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(tmp_path, count=60)
    few = ["--hidden", "4", "--epochs", "1", "--quiet", "--out", str(tmp_path / "m")]
    asked = ["fit", "preferences", str(tmp_path / "data"), "--teacher"]
    table = tmp_path / "answers.csv"
    lines = table.read_text().splitlines()
    own = [f"{line.split(',')[0]},3,{line.split(',')[0]},3,8,1" for line in lines[1:4]]
    table.write_text("\n".join([*lines, *own]) + "\n")
    assert main([*asked, str(table), *few]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "4 answers about a clip and itself were left out" in said  # one of the 60 is too
    table.write_text("\n".join([lines[0], *own]) + "\n")
    assert main([*asked, str(table), *few]) == 2
    assert (
        "must be about two different clips, got 3 of a clip and itself" in capsys.readouterr().err
    )


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


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_exported_answers_are_fitted_directly(tmp_path: Path, kind: str) -> None:
    store = pendulum(12, steps=20)
    draws = np.random.default_rng(0)
    one, other, start = (draws.integers(high, size=30) for high in (12, 12, 10))
    a, b = (Fragments(store, episodes, start, np.full(30, 6)) for episodes in (one, other))
    said = Preferences(a, b, np.tile([0.0, 1.0, 0.5, np.nan, 1.0], 6))
    add_answers(tmp_path / "said.sqlite", said, labeler="Ann")
    path = tmp_path / f"said.{kind}"
    assert export(tmp_path / "said.sqlite", path) == 30
    found, file = (judgements(p, store) for p in (path, tmp_path / "said.sqlite"))
    for name in ("preferred", "annotator", "group"):
        np.testing.assert_array_equal(getattr(found, name), getattr(file, name))
    for side in ("a", "b"):
        for name in ("episode", "start", "length"):
            got, wanted = (getattr(getattr(each, side), name) for each in (found, file))
            np.testing.assert_array_equal(got, wanted)
    # clips are known by what they show, whatever their episodes are called
    moved = store.select(np.arange(12)[::-1])
    np.testing.assert_array_equal(judgements(path, moved).a.episode, 11 - found.a.episode)
    with pytest.raises(DataError, match="must go with the data it was made on"):
        judgements(path, pendulum(12, steps=20, seed=5))


def test_a_few_answers_about_many_episodes_leave_some_to_judge_by() -> None:
    store = pendulum(30, steps=10)
    ring = np.arange(30)
    a, b = (
        Fragments(store, each, np.zeros(30, int), np.full(30, 5))
        for each in (ring, (ring + 1) % 30)
    )
    for seed in range(20):
        given = Preferences(a, b, np.ones(30)).split(0.2, seed=seed)
        held = {*given.heldout.a.episode.tolist(), *given.heldout.b.episode.tolist()}
        known = {*given.train.a.episode.tolist(), *given.train.b.episode.tolist()}
        assert len(given.heldout)
        assert len(given.train)
        assert not held & known
