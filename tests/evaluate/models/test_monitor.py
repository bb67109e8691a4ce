"""A stream watched for ever: what changed is named, and nothing is where nothing did."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.evaluate.models.monitor import _chances, _rejected, kind_of, monitor, share
from rewardwrap.nets.folder import load_model
from rewardwrap.nets.reference import _alike
from tests.nets.conftest import pendulum

COLUMNS = ["mean residual", "mean |residual|", "mean pay", "obs[0]", "obs[1]"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("watched")
    pendulum(60, steps=60).save(base / "data")
    words = ["fit", "regression", str(base / "data"), "--out", str(base / "m")]
    assert main([*words, "--hidden", "32,32", "--epochs", "25", "--quiet"]) == 0
    return base / "m"


def test_another_reward_for_the_same_is_a_relation(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = pendulum(20, seed=5, steps=60)
    cosine = same.transitions().obs[:, 0].astype(np.float64)
    replace(same, reward=same.reward + 6 * cosine).save(tmp_path / "drifted")
    same.save(tmp_path / "same")
    capsys.readouterr()
    assert main(["monitor", str(model), str(tmp_path / "drifted"), "--json"]) == 0
    (alarm,) = json.loads(capsys.readouterr().out)["alarms"]
    assert (alarm["kind"], alarm["episode"]) == ("relation", 10)
    assert main(["monitor", str(model), str(tmp_path / "same"), "--json", "--gate"]) == 0
    assert json.loads(capsys.readouterr().out)["alarms"] == []
    assert main(["monitor", str(model), str(tmp_path / "drifted"), "--gate"]) == 1
    assert "ALARM relation at episode 10" in capsys.readouterr().out


def test_other_states_are_inputs_and_what_has_no_reward_is_said(model: Path) -> None:
    loaded, same = load_model(model), pendulum(20, seed=6, steps=60)
    moved = replace(same, obs=same.obs + np.float32([0, 0, 6]), reward=np.full(same.steps, np.nan))
    found = monitor(loaded, moved)
    assert {alarm.kind for alarm in found.alarms} >= {"input"}
    assert not any(alarm.kind == "relation" for alarm in found.alarms)
    assert "the relation is not watched" in found.notes[0]


def test_a_stream_without_a_change_is_left_alone_and_a_deviation_is_found() -> None:
    """100 windows each: 0 of 20 streams; a shift by one deviation by episode 20: 57 of 60 (seed 0)."""
    rng = np.random.default_rng(0)

    def watched(rows: Any, stream: Any, windows: int) -> bool:
        looks = ((end, share(end, 10, 20)) for end in range(10, 10 * windows + 1, 10))
        return any(
            "relation"
            in _rejected(_chances(rows, stream[max(0, e - 20) : e]), COLUMNS, 0.05 * part)
            for e, part in looks
        )

    def drawn(count: int) -> Any:
        return rng.standard_t(5, size=(count, 5)) / np.sqrt(5 / 3)

    false = sum(watched(drawn(60), drawn(1000), 100) for _ in range(20))
    found = sum(watched(drawn(60), drawn(20) + np.eye(5)[0], 2) for _ in range(60))
    assert false <= 2
    assert found >= 54


@pytest.mark.parametrize("every", [5, 7, 10, 20, 30])
def test_all_looks_together_spend_no_more_than_the_level(every: int) -> None:
    spent = [share(end, every, max(20, every)) for end in range(every, 2000 * every, every)]
    assert sum(spent) <= 1.0
    assert max(spent) == 0.6


def test_a_model_of_preferences_is_watched_by_the_order_of_clips(tmp_path: Path) -> None:
    store = pendulum(40, steps=60)
    fitted = rw.fit(
        "preferences", store, pairs=200, length=10, members=1, epochs=15, out=tmp_path / "m"
    )
    assert fitted.metrics["stream"]["columns"][0] == "pair disagreement"
    model, same = load_model(tmp_path / "m"), pendulum(20, seed=5, steps=60)
    assert not any(alarm.kind == "relation" for alarm in monitor(model, same).alarms)
    (alarm,) = (
        a for a in monitor(model, replace(same, reward=-same.reward)).alarms if a.kind == "relation"
    )
    assert alarm.episode <= 20
    silent = monitor(model, replace(same, reward=np.full(same.steps, np.nan)))
    assert "the relation is not watched" in silent.notes[0]


def test_episodes_of_the_fit_join_the_reference_where_they_are_no_other_sort(model: Path) -> None:
    kept = load_model(model).metrics["stream"]
    assert kept["heldout"] == 12
    assert len(kept["rows"]) in (12, 60)
    rng = np.random.default_rng(0)
    assert _alike(rng.normal(size=(12, 2)), rng.normal(size=(48, 2)), 2)
    overfitted = np.abs(rng.normal(size=(48, 2))) / 9
    assert not _alike(np.abs(rng.normal(size=(12, 2))), overfitted, 2)


def test_columns_have_kinds() -> None:
    assert [kind_of(name) for name in COLUMNS] == ["relation"] * 2 + ["pay"] + ["input"] * 2


def test_what_cannot_be_watched_is_one_sentence(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same: EpisodeStore = pendulum(3, seed=5, steps=10)
    with pytest.raises(DataError, match="a window of 10 episodes, got 3"):
        monitor(load_model(model), same)
    same.save(tmp_path / "few")
    for words in (["--every", "2"], ["--alpha", "1"], []):
        assert main(["monitor", str(model), str(tmp_path / "few"), *words]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
