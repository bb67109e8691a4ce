"""One reward of each family on FrozenLake, whose dynamics, controller and optimum are known."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.compare.results import Comparison, Run
from rewardwrap.families import front, made
from rewardwrap.families.ground import Ground
from rewardwrap.families.judged import HEADINGS, Row, hacking_gap, judged
from rewardwrap.training.choice import chosen_reward

SMALL = {"n_steps": 16, "n_envs": 2, "batch_size": 32}
ENV = "FrozenLake-8x8"


def asked(out: Path) -> Any:
    return front.compare_families(
        ENV, seeds=1, steps=64, jobs=1, out=out, eval_freq=64, eval_episodes=1, hyperparameters=SMALL,
        others={"mine": 2 * rw.EnvReward()},
    )  # fmt: skip


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(ENV, "ppo", 64, tmp_path_factory.mktemp("ground"))


@pytest.fixture(scope="module")
def families(ground: Ground) -> list[made.Family]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made, "LABELS", 20)
        patch.setattr(made, "fit", partial(made.fit, epochs=2, members=1))
        return made.made(ground)


@pytest.fixture(scope="module")
def rows(ground: Ground, families: list[made.Family]) -> dict[str, Row]:
    """As if one seed of each had been trained, with curves that are known."""
    names = tuple(family.name for family in families)
    runs = [Run(name, 0, [32, 64], [0.0, 1.0], [2.0, 1.0], [9.0, 9.0]) for name in names]
    comparison = Comparison(
        ENV, "ppo", 64, 1.0, names, tuple(runs), hyperparameters={"gamma": 0.95}
    )
    return {row.family.name: row for row in judged(ground, families, comparison)}


def test_this_task_has_a_reward_of_every_family(rows: dict[str, Row]) -> None:
    assert list(rows) == list(made.MAKERS)
    for row in rows.values():
        assert row.family.choice is not None
        assert (row.final, row.gap, row.reached, row.median) == (1.0, 1.0, "1/1", "64")
        assert len(row.cells) == len(HEADINGS)


def test_distances_know_what_keeps_the_task_and_costs_are_counted(rows: dict[str, Row]) -> None:
    def starc(name: str) -> float:
        found = rows[name].distances["starc"]
        assert found is not None
        return found[0]

    assert starc("environment") == pytest.approx(0, abs=1e-6)
    assert starc("potential") == pytest.approx(0, abs=1e-6)
    assert min(starc(name) for name in ("preferences", "written", "designed")) > 0.1
    assert rows["normalised"].distances["starc"] is None  # it has memory
    spent = {name: (row.family.samples, row.family.labels) for name, row in rows.items()}
    assert spent["environment"] == spent["potential"] == spent["designed"] == (0, 0)
    assert spent["demonstrations"] == (140, 10)  # ten shortest ways of 14 steps by the controller
    assert spent["preferences"][1] == 20
    assert spent["preferences"][0] == spent["written"][0] > 140


def test_what_was_made_is_not_made_again(ground: Ground, families: list[made.Family]) -> None:
    before = {path: path.stat().st_mtime_ns for path in ground.folder.rglob("*") if path.is_file()}
    assert made.made(ground) == families
    assert before == {path: path.stat().st_mtime_ns for path in before}


@pytest.mark.slow
def test_families_and_strategies_beside_them_are_trained_and_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {name: made.MAKERS[name] for name in ("environment", "designed")}
    monkeypatch.setattr(made, "MAKERS", few)
    monkeypatch.setattr(front, "MAKERS", few)
    found = asked(tmp_path)
    names = [row.family.name for row in found.rows]
    assert names == ["environment", "designed", "mine"]
    assert all(row.final is not None for row in found.rows)
    assert set(found.comparison.strategies) == set(names)
    assert json.loads((tmp_path / "families.json").read_text()) == json.loads(
        json.dumps(found.to_dict())
    )
    assert "| designed |" in (tmp_path / "families.md").read_text()
    assert len(repr(found).splitlines()) <= 12


def test_a_folder_of_another_task_is_refused(ground: Ground, families: list[made.Family]) -> None:
    other = Ground("CartPole-v1", "ppo", 64, ground.folder)
    with pytest.raises(rw.ConfigError, match="must be of this task, .*CartPole.* got .*FrozenLake"):
        made.made(other)
    with pytest.raises(rw.ConfigError, match="Give another --out"):
        made.made(Ground(ENV, "ppo", 128, ground.folder))


def test_a_family_that_the_task_has_none_of_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = Ground("Pendulum-v1", "ppo", 64, tmp_path)
    with pytest.raises(rw.RewardwrapError, match="dynamics|P"):
        made.MAKERS["designed"](ground)
    monkeypatch.setattr(made, "MAKERS", {"designed": made.MAKERS["designed"]})
    (family,) = made.made(ground)
    assert family.choice is None
    assert "Pendulum-v1" in family.source or "dynamics" in family.source


def test_own_code_takes_the_place_of_templates(tmp_path: Path) -> None:
    ground = Ground("CartPole-v1", "ppo", 64, tmp_path)
    (tmp_path / "written.py").write_text(
        "def reward(obs, action, next_obs, info):\n    return 2.0, {}\n"
    )
    family = made.MAKERS["written"](ground)
    assert "written.py" in family.source
    paid = chosen_reward(family.choice, "CartPole-v1")
    assert float(np.sum(rw.relabel(paid, [_episode()])[0])) == 6.0


def _episode() -> dict[str, Any]:
    return {
        "obs": np.zeros((4, 4), np.float32),
        "action": np.zeros(3, np.int64),
        "reward": np.ones(3),
        "terminated": np.array([False, False, True]),
        "truncated": np.zeros(3, bool),
    }


def test_the_gap_is_what_the_favourite_of_the_reward_lacks() -> None:
    def run(true: list[float], shaped: list[float]) -> Run:
        steps = list(range(1, len(true) + 1))
        return Run("a", 0, steps, true, shaped, [1.0] * len(true))

    assert hacking_gap([run([0.0, 4.0, 1.0], [0.0, 1.0, 9.0])], 4.0) == 0.75
    assert hacking_gap([run([0.0, 4.0, 1.0], [0.0, 9.0, 1.0])], 4.0) == 0.0
    assert hacking_gap([run([0.0, 4.0], [1.0, 0.0]), run([0.0, 4.0], [0.0, 1.0])], 4.0) == 0.5
    assert hacking_gap([run([1.0, 1.0], [0.0, 1.0])], 0.0) == 0.0


def test_bad_input_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(rw.ConfigError, match="must be made for an environment with a recipe"):
        Ground("Nobody-v0", "ppo", 64, tmp_path)
    with pytest.raises(rw.ConfigError, match="a name of its own"):
        front.compare_families(ENV, seeds=1, steps=64, out=tmp_path, others={"written": "env"})
