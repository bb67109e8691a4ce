"""Bad demonstrations are found by what a model pays for them, and named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import EpisodeStore
from rewardwrap.evaluate.models.filtering import filtered
from rewardwrap.evaluate.models.shifts import SHIFTS, WHOLE, shifts
from rewardwrap.nets import load_model


def walked(count: int, seed: int, bad: float = 0.3) -> EpisodeStore:
    """Paid for ``x_0``; a share of the episodes has it lowered. Four starts."""
    rng = np.random.default_rng(seed)
    episodes = []
    for number in range(count):
        wrong = rng.random() < bad
        obs = rng.normal(size=(13, 2))
        obs[0] = number % 4
        obs[1:, 0] -= 1.0 * wrong
        ends = np.arange(12) == 11
        episodes.append(
            {"obs": obs, "action": rng.integers(2, size=12), "reward": obs[1:, 0],
             "terminated": ends, "truncated": ~ends & False, "info": {"bad": np.full(12, float(wrong))},
             "id": f"{seed}-{number}"}
        )  # fmt: skip
    return EpisodeStore.from_episodes(episodes)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filter")
    walked(60, 0).save(folder / "seen")
    walked(80, 1).save(folder / "new")
    for kind in ("model", "other"):
        rw.fit(
            "preferences", folder / "seen", out=folder / kind, reads=("next_obs",), pairs=200, length=6,
            epochs=20, hidden=(16,) if kind == "model" else (), members=2,
        )  # fmt: skip
    return folder


def test_the_bad_ones_are_left_out_and_nothing_silently(
    place: Path, tmp_path: Path, capsys
) -> None:
    command = ["filter", str(place / "new"), "--model", str(place / "model"), "--drop", "0.3"]
    assert main([*command, "--out", str(tmp_path / "clean"), "--truth", "bad", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["auc"] > 0.85
    report = json.loads((tmp_path / "clean" / "report.json").read_text())
    clean = EpisodeStore.load(tmp_path / "clean")
    assert len(report["dropped"]) == 24
    assert report["starts"] == 4
    new = EpisodeStore.load(place / "new")
    assert {each["id"] for each in report["episodes"]} == set(new.ids.tolist())
    assert set(report["dropped"]).isdisjoint(clean.ids.tolist())
    assert clean.info["bad"].mean() < 0.5 * new.info["bad"].mean()


def test_a_hard_start_is_no_bad_episode(place: Path) -> None:
    """One start whose episodes all pay less loses no more than its worst."""
    store = walked(40, 2, bad=0.0)
    store.obs[:, 0] -= 3.0 * np.repeat(np.arange(40) % 4 == 0, store.lengths + 1)
    found = filtered(load_model(place / "model"), store, drop=0.2)
    hard = found.dropped[np.arange(40) % 4 == 0]
    assert found.dropped.sum() == 8
    assert hard.sum() < 6


def test_a_share_that_makes_no_sense_is_refused(place: Path, tmp_path: Path, capsys) -> None:
    with pytest.raises(ConfigError, match=r"drop must lie in \(0, 1\), got 1"):
        filtered(load_model(place / "model"), walked(4, 3), drop=1)
    command = ["filter", str(place / "new"), "--model", str(place / "model"), "--truth", "god"]
    assert main([*command, "--out", str(tmp_path / "x")]) == 2
    assert '--truth must be a column of info, got "god"' in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_models_are_set_beside_each_other_on_five_shifted_sets(
    place: Path, tmp_path: Path, capsys
) -> None:
    command = ["validate", str(place / "model"), str(place / "new"), "--length", "6", "--json"]
    assert main([*command, "--out", str(tmp_path), "--shifts", str(place / "other")]) == 0
    said = json.loads(capsys.readouterr().out)["shifts"]
    assert list(said) == [WHOLE, *SHIFTS]
    assert all(len(each) == 2 for each in said.values())
    assert min(said[WHOLE].values()) > 0.7


def test_episodes_of_the_fit_are_left_out_of_the_shifts(place: Path) -> None:
    store = EpisodeStore.load(place / "seen")
    model = load_model(place / "model")
    own = shifts({"m": model}, store, length=6)
    held = store.select(np.isin(store.ids, model.metrics["episodes"]["heldout"]))
    assert own == shifts({"m": model}, held, length=6)
