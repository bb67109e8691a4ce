"""A stream watched for ever: what changed is named, and nothing is where nothing did."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rewardwrap.cli import main
from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.evaluate.models.monitor import _chances, _rejected, kind_of, monitor
from rewardwrap.nets.folder import load_model
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
    rng = np.random.default_rng(0)
    false = found = 0
    for _ in range(20):
        rows = rng.standard_t(4, size=(60, 5))
        false += any(
            _rejected(
                _chances(rows, rng.standard_t(4, size=(20, 5))), COLUMNS, 0.05 / (k * (k + 1))
            )
            for k in range(1, 6)
        )
        moved = rng.normal(size=(20, 5)) + np.eye(5)[0]
        raised = _rejected(_chances(rng.normal(size=(60, 5)), moved), COLUMNS, 0.025)
        found += "relation" in raised
    assert false <= 3
    assert found >= 16


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
