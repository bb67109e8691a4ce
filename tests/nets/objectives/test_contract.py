"""Every objective is found by its tag, and fitted by the same command."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import rewardwrap as rw
from rewardwrap.annotate.teachers import Teacher, answers, random_pairs
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.data import DataError, EpisodeStore, Fragments, from_rankings, sample_fragments
from rewardwrap.nets.network import build
from rewardwrap.nets.objectives import OBJECTIVES, Differences, ListWise, Surf, TReg, objective_of
from rewardwrap.nets.objectives.contract import objective
from rewardwrap.nets.paid import NetError
from rewardwrap.nets.success_recipe import fit_success

PAIRS = ("bradley_terry", "dpo", "gdro", "gpm", "prdp", "rankings", "ser", "surf", "treg")
POLICIES = ("dpo",)
"""Those that fit a policy, which cannot say that a state is good (tests/nets/test_policies.py)."""
GENERAL = ("gpm",)
"""Those that pay no step (tests/nets/objectives/test_gpm.py)."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Episodes that succeed where their mean is high, with marks and hints of steps."""
    draws = np.random.default_rng(0)
    episodes = []
    for number in range(40):
        obs = draws.normal(size=(13, 2)) + draws.normal(size=2)
        good = obs[:-1, 0]
        episodes.append(
            {
                "obs": obs,
                "action": draws.integers(2, size=12),
                "reward": good,
                "terminated": (np.arange(12) == 11) & (good.mean() > 0),
                "truncated": (np.arange(12) == 11) & (good.mean() <= 0),
                "info": {
                    "mark": np.where(draws.random(12) < 0.2, np.nan, good > 0),
                    "hint": np.clip(good / 4, -0.5, 0.5),
                },
                "id": f"e{number}",
            }
        )
    place = tmp_path_factory.mktemp("objectives") / "data"
    EpisodeStore.from_episodes(episodes).save(place)
    return place


def run(folder: Path, out: Path, what: str, *more: str) -> dict[str, Any]:
    args = ["--out", str(out), "--members", "1", "--hidden", "8", "--quiet", *more]
    assert main(["fit", what, str(folder), *args]) == 0
    return json.loads((out / "metrics.json").read_text())


def test_the_registry_holds_what_the_command_can_fit() -> None:
    by_labels: dict[str, list[str]] = {}
    for tag, cls in OBJECTIVES.known().items():
        by_labels.setdefault(cls.labels, []).append(tag)
        assert callable(cls.losses)
    assert by_labels["pairs"] == list(PAIRS)
    assert {**by_labels, "pairs": 0} == {
        "pairs": 0, "rewards": ["regression"], "outcomes": ["outcome"], "marks": ["process"],
        "principles": ["abstaining"],
    }  # fmt: skip


@pytest.mark.parametrize("tag", sorted({*PAIRS} - {*POLICIES} - {*GENERAL}))
def test_every_objective_of_pairs_orders_clips(folder: Path, tmp_path: Path, tag: str) -> None:
    asked = ["--pairs", "150", "--length", "4", "--epochs", "15", "--bound", "3"]
    metrics = run(folder, tmp_path / "m", "preferences", "--objective", tag, *asked)
    assert metrics["heldout"]["pair_accuracy"] > 0.85
    assert rw.Learned(str(tmp_path / "m")).version


@pytest.mark.parametrize(
    ("what", "where"), [("outcome", ["--success", "terminated"]), ("process", ["--marks", "mark"])]
)
def test_successes_and_marks_are_fitted(
    folder: Path, tmp_path: Path, what: str, where: list[str]
) -> None:
    metrics = run(folder, tmp_path / "m", what, *where, "--epochs", "60")
    assert metrics["heldout"]["auc"] > 0.85
    assert metrics["heldout"]["brier"] < metrics["null"]["brier"]
    episodes = metrics["episodes"]
    assert not set(episodes["train"]) & set(episodes["heldout"])


def test_settings_reach_the_objective_and_wrong_ones_are_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ["fit", "preferences", str(folder), "--out", str(tmp_path / "m"), "--quiet"]
    for more, sentence in (
        (["--objective", "prpd"], 'No objective "prpd". Did you mean "prdp"'),
        (["--objective", "outcome"], "must learn from pairs, got"),
        (["--objective", "surf", "--objective-kwargs", "tua:0.9"], 'No setting of surf "tua"'),
        (["--objective", "surf", "--objective-kwargs", "tau:0.2"], r"tau must lie in [0.5, 1]"),
        (
            ["--objective", "dpo", "--length", "4", "--bound", "1"],
            "DPO must fit a log-ratio without bound",
        ),
        (["--objective", "dpo", "--length", "4", "--reads", "obs"], "DPO must read obs,action"),
    ):
        assert main([*start, *more]) == 2
        assert sentence in capsys.readouterr().err
    assert objective_of("surf", "pairs", {"tau": 0.9}) == Surf(tau=0.9)
    with pytest.raises(UnknownName):
        objective_of("dqo", "pairs", {})


def test_an_objective_of_one_s_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OBJECTIVES, "_classes", OBJECTIVES.known())

    @objective("hinge", labels="pairs")
    @dataclass(frozen=True)
    class Hinge:
        margin: float = 1.0

    assert objective_of("hinge", "pairs", {"margin": 2}) == Hinge(2)
    with pytest.raises(ConfigError, match='objective tag must be new, got "prdp"'):
        objective("prdp", labels="pairs")(Hinge)


def test_differences_are_those_of_the_logged_returns(folder: Path) -> None:
    store = EpisodeStore.load(folder)
    asked, _ = answers(Teacher(), random_pairs(store, 4), 30, seed=0)
    net = build(store, ("obs",), seed=0)
    table = Differences().table(net, asked)
    assert torch.equal(torch.sign(table["gap"]) > 0, table["preferred"] > 0.5)
    unknown = replace(store, reward=np.full(store.steps, np.nan))
    blind = replace(asked, a=Fragments(unknown, asked.a.episode, asked.a.start, asked.a.length),
                    b=Fragments(unknown, asked.b.episode, asked.b.start, asked.b.length))  # fmt: skip
    with pytest.raises(NetError, match="clips must have logged rewards, got 30 pairs"):
        Differences().table(net, blind)


def test_rankings_come_back_from_their_pairs(folder: Path) -> None:
    store = EpisodeStore.load(folder)
    clips = sample_fragments(store, 12, 4, seed=1)
    place = np.array([1, 2, 3, 4] * 2 + [1, 1, 3, np.nan])
    said = from_rankings(clips, place, np.repeat([0, 1, 2], 4))
    table = ListWise().table(build(store, ("obs",), seed=0), said)
    found = sorted(sorted(row[~np.isnan(row)].tolist()) for row in table["place"].numpy())
    # places with ties are ranks with ties: 1.5, 1.5, 3
    assert found == [[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [1.5, 1.5, 3.0]]


def test_hints_stand_on_the_steps_they_were_logged_for(folder: Path) -> None:
    store = EpisodeStore.load(folder)
    asked, _ = answers(Teacher(), random_pairs(store, 3), 5, seed=0)
    hint = TReg(column="hint").table(build(store, ("obs",), seed=0), asked)["hint"]
    for row in range(5):
        for side, clips in enumerate((asked.a, asked.b)):
            logged = store.info["hint"][clips.rows[row]]
            assert hint[row, side].tolist() == pytest.approx(logged.tolist(), abs=1e-6)
    with pytest.raises(NetError, match=r'info\["marks"\] must hold hints'):
        TReg(column="marks").table(build(store, ("obs",), seed=0), asked)


def test_labels_that_say_nothing_are_refused(folder: Path) -> None:
    store = EpisodeStore.load(folder)
    with pytest.raises(DataError, match="Known: terminated, truncated, hint, mark"):
        fit_success(store, "success")
    same = replace(store, info={"ok": np.ones(store.steps)})
    with pytest.raises(DataError, match=r"must lie in \[0, 1\] and differ, got 1 to 1"):
        fit_success(same, "ok")
