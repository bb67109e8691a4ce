"""What stops a model that failed, or was never judged: fit, validate, promote, pay."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import EpisodeStore
from rewardwrap.nets.folder import load_model
from rewardwrap.rewards.judgement import gate_of, judged
from tests.nets.conftest import pendulum
from tests.nets.test_numbers import line

SMALL = ["--hidden", "8", "--epochs", "30", "--quiet", "--reads", "obs"]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    line().save(tmp_path / "data")
    line(seed=7).save(tmp_path / "new")
    return tmp_path


def fit(base: Path, *more: str) -> int:
    return main(["fit", "regression", str(base / "data"), "--out", str(base / "m"), *SMALL, *more])


def gate(base: Path, data: str = "new") -> int:
    return main(["validate", str(base / "m"), str(base / data), "--gate", "--json"])


def test_a_gate_is_a_pure_function_of_figures_and_bounds() -> None:
    figures = {"r2": 0.9, "mae": 0.3, "spearman": None}
    assert judged(figures, {"r2": 0.9, "mae": 0.3}, data="f", episodes=20).passed
    assert judged(figures, {"r2": 0.91}, data="f", episodes=20).reasons == [
        "r2 must be at least 0.91, got 0.9."
    ]
    assert not judged(figures, {"mae": 0.2}, data="f", episodes=20).passed
    assert not judged(figures, {"spearman": -1.0}, data="f", episodes=20).passed
    null = {"r2": 0.0, "mae": 0.3, "spearman": 0.0, "brier": 0.25}
    found = judged(figures, {"r2": 0.8}, data="f", episodes=20, null=null)
    assert found.reasons == ["mae must beat the 0.3 of what knows nothing, got 0.3."]
    assert found.null == {"r2": 0.0, "mae": 0.3, "spearman": 0.0}
    with pytest.raises(ConfigError, match="a bound must be on one of r2, mae, spearman, got 'r'"):
        judged(figures, {"r": 1.0}, data="f", episodes=20)


def test_bounds_of_a_fit_are_its_exit_code(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fit(base, "--require", "r2=0.8,mae=0.5") == 0
    assert "20 held out" in capsys.readouterr().out
    assert gate_of(base / "m", load_model(base / "m").document["sha256"]).passed
    assert fit(base, "--require", "r2=0.9999999") == 1
    assert "r2 must be at least 1, got" in capsys.readouterr().err
    for wrong in ("r2", "r2=much", "r3=1"):
        assert fit(base, "--require", wrong) == 2


def test_few_held_out_episodes_pass_no_gate_wherever_it_is_asked(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(base, "--require", "r2=0.8", "--heldout", "0.1") == 1
    assert "by 4 episodes, too few to judge: 20 or more" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="too few to judge"):
        rw.Learned(str(base / "m"), require="gate")
    few = judged({"r2": 0.9}, {"r2": 0.8}, data="f", episodes=19)
    assert (few.passed, len(few.reasons)) == (False, 1)


def test_a_model_is_promoted_and_paid_once_it_has_passed(base: Path) -> None:
    assert fit(base) == 0
    registry = ["--registry", str(base / "r")]
    assert main(["models", "add", str(base / "m"), *registry]) == 0
    with pytest.raises(ConfigError, match="that was never judged"):
        rw.Learned(str(base / "m"), require="gate")
    assert main(["models", "promote", "m", *registry]) == 2
    version = load_model(base / "m").version
    assert gate(base) == 0
    assert load_model(base / "m").version == version
    assert rw.Learned(str(base / "m"), require="gate").version == version
    assert main(["models", "promote", "m", *registry]) == 0
    with pytest.raises(ConfigError, match='require must be "gate" or None'):
        rw.Learned(str(base / "m"), require="all")
    document = json.loads((base / "m" / "gate.json").read_text())
    (base / "m" / "gate.json").write_text(json.dumps({**document, "episodes": 99}))
    with pytest.raises(ConfigError, match="must carry its own SHA-256"):
        rw.Learned(str(base / "m"), require="gate")


def test_a_junk_model_is_refused_everywhere(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fit(base) == 0
    noise = line(seed=8, pay=lambda x: np.random.default_rng(len(x)).normal(size=len(x)))
    noise.save(base / "noise")
    capsys.readouterr()
    assert gate(base, "noise") == 1
    said = json.loads(capsys.readouterr().out)
    assert said["passed"] is False
    assert "r2 must be at least 0.8" in said["reasons"][0]
    with pytest.raises(ConfigError, match="passed its gate, got model .*r2 must be at least 0.8"):
        rw.Learned(str(base / "m"), require="gate")


def test_people_read_that_a_gate_was_passed_and_that_a_relation_changed(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(base) == 0
    capsys.readouterr()
    assert main(["validate", str(base / "m"), str(base / "new"), "--gate"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"Gate: passed by \d+ episodes: r2 [\d.]+ \(bound 0.8\)", said)
    assert "the relation changed" not in said
    line(seed=8, pay=lambda x: x**2).save(base / "other")
    assert main(["validate", str(base / "m"), str(base / "other"), "--gate"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "the relation changed. drift/alarm looks at inputs and pay alone" in said


def test_the_gate_sets_every_figure_against_a_constant(base: Path) -> None:
    assert fit(base) == 0
    assert gate(base) == 0
    document = json.loads((base / "m" / "gate.json").read_text())
    assert document["bounds"] == {"r2": 0.8}
    assert document["data"] == EpisodeStore.load(base / "new").fingerprint()
    assert {"r2", "mae", "return_mae", "pair_accuracy", "spearman"} <= set(document["null"])
    assert document["figures"]["mae"] < document["null"]["mae"]


def test_few_episodes_judge_nothing_and_seen_ones_must_not(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(base) == 0
    line(seed=9).select(slice(0, 19)).save(base / "few")
    assert gate(base, "few") == 1
    assert "cannot be judged by 19 episodes" in capsys.readouterr().out
    seen = EpisodeStore.load(base / "data").select(slice(0, 30))
    EpisodeStore.from_episodes([{**e.columns(), "id": f"x{e.id}"} for e in seen]).save(
        base / "seen"
    )
    assert gate(base, "seen") == 2
    assert "episodes that the fit has not seen" in capsys.readouterr().err


def test_missing_cells_are_filled_and_a_model_learns_of_them(tmp_path: Path) -> None:
    store = pendulum(60, seed=4)
    batch, draws = store.transitions(), np.random.default_rng(0)
    names = ["episode", "step", "obs_0", "obs_1", "obs_2", "action_0", "reward"]
    lines = [",".join(names)]
    for i in range(store.steps):
        episode = store.episode_of_step[i]
        cells = [*batch.obs[i], *batch.action[i], batch.reward[i]]
        shown = ["" if draws.random() < 0.1 else repr(float(cell)) for cell in cells]
        lines.append(",".join([str(episode), str(i - store.first_step[episode]), *shown]))
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    words = ["ingest", str(tmp_path / "log.csv"), "--fill", "median", "--out", str(tmp_path / "d")]
    assert main(words) == 0
    filled = EpisodeStore.load(tmp_path / "d")
    assert np.isfinite(filled.obs).all()
    assert 0.05 < filled.info["obs_0_missing"].mean() < 0.15
    assert 0.05 < np.isnan(filled.reward).mean() < 0.15
    words = ["fit", "regression", str(tmp_path / "d"), "--out", str(tmp_path / "m")]
    assert main([*words, "--epochs", "25", "--quiet", "--require", "r2=0.98"]) == 0
