"""One command for which part of a recipe matters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.api.ablate import ablate
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.data import EpisodeStore
from tests.evaluate.models.test_filtering import walked


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ablate") / "data"
    walked(40, 0).save(folder)
    return folder


def test_a_grid_becomes_a_table_and_the_best_recipe_a_model(
    data: Path, tmp_path: Path, capsys
) -> None:
    grid = ["--grid", "inputs=action,next_obs", "width=8"]
    command = ["ablate", str(data), *grid, "--out", str(tmp_path / "t")]
    more = ["--pairs", "60", "--length", "6", "--seeds", "2", "--epochs", "10", "--json"]
    assert main([*command, *more]) == 0
    said = json.loads(capsys.readouterr().out)["recipes"]
    assert [one["recipe"]["inputs"] for one in said] == ["next_obs", "action"]
    assert said[0]["pair_accuracy"] > said[1]["pair_accuracy"] + 0.15
    assert {"best_of_4", "auc", "ece", "log_loss"} < set(said[0])
    assert rw.Learned(str(tmp_path / "t" / "best")).document["settings"]["reads"] == ["next_obs"]
    kept = json.loads((tmp_path / "t" / "ablation.json").read_text())["recipes"]
    assert [len(one["figures"]["auc"]) for one in kept] == [2, 2]


def test_outcomes_are_a_kind_and_the_best_is_behind_nobody(data: Path) -> None:
    grid = {"kind": ["bt", "outcome"], "inputs": ["next_obs"], "width": ["8"]}
    found = ablate(data, grid, column="bad", seeds=(0, 1), pairs=40, length=6, epochs=3)
    assert {one.recipe["kind"] for one in found.recipes} == {"bt", "outcome"}
    assert found.behind(found.recipes[0]) == (0.0, 0.0)
    assert found.behind(found.recipes[1])[0] >= 0


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        ({}, "grid must name a part and its values, got none"),
        ({"head": ["two"]}, "must be whole numbers"),
        ({"data": ["1.5"]}, "data lie in"),
        ({"kind": ["outcome"]}, "must know the column of the outcome"),
        ({"kind": ["judge"]}, "kind=judge must know what is better, got no principle"),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused(data: Path, grid, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        ablate(data, grid)


def test_parts_and_kinds_are_named(data: Path) -> None:
    with pytest.raises(UnknownName, match='No part of a recipe "heads". Did you mean "head"'):
        ablate(data, {"heads": ["1"]})
    with pytest.raises(UnknownName, match='No kind of model "jury". Known: bt, judge, outcome'):
        ablate(data, {"kind": ["jury"]})


def test_an_input_that_says_the_outcome_is_refused() -> None:
    store = walked(20, 5)
    store.obs[:, 1] = (store.info["bad"][store.first_step]).repeat(store.lengths + 1)
    with pytest.raises(ConfigError, match=r"must not stand among the inputs, got obs\[1\]"):
        ablate(store, {"kind": ["outcome"]}, column="bad")
    assert isinstance(store, EpisodeStore)


def test_a_judge_is_a_kind_and_agents_show_what_a_recipe_is_worth(tmp_path: Path, capsys) -> None:
    """Pendulum, paid for little torque: the judge is told so in words, and sees no reward."""
    rng = np.random.default_rng(0)
    ends = np.zeros(8, bool), np.arange(8) == 7
    episodes = [
        {
            "obs": rng.normal(size=(9, 3)).astype(np.float32),
            "action": np.full((8, 1), push, np.float32), "reward": np.full(8, -abs(push)),
            "terminated": ends[0], "truncated": ends[1], "source": "Pendulum-v1",
        }
        for push in rng.uniform(-2, 2, size=40)
    ]  # fmt: skip
    EpisodeStore.from_episodes(episodes).save(tmp_path / "data")
    command = [
        "ablate",
        str(tmp_path / "data"),
        "--grid",
        "kind=bt,judge",
        "inputs=action",
        "width=8",
    ]
    told = ["--principle", "prefer low energy", "--pairs", "40", "--length", "8", "--seeds", "1"]
    rest = ["--epochs", "15", "--rl", "Pendulum-v1", "--rl-steps", "1024"]
    assert main([*command, *told, *rest, "--out", str(tmp_path / "t"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {one["recipe"]["kind"] for one in said["recipes"]} == {"bt", "judge"}
    assert all(one["pair_accuracy"] > 0.8 for one in said["recipes"])
    assert all(-2000 < one["true_return"] < 0 for one in said["recipes"])
    assert len(said["paid_truly"]) == 1
