"""``rewardwrap fit``, ``validate`` and ``models``, as a user calls them."""

from __future__ import annotations

import json

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.data import EpisodeStore
from rewardwrap.evaluate.models.page import render, verdict
from rewardwrap.evaluate.models.validation import validate
from rewardwrap.nets.folder import load_model

FAST = ["--hidden", "16,16", "--epochs", "12", "--quiet"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    from tests.nets.conftest import pendulum

    base = tmp_path_factory.mktemp("models")
    pendulum(40, missing=0.2, seed=3).save(base / "gaps")
    pendulum(40, seed=3).save(base / "whole")
    assert main(["fit", "regression", str(base / "gaps"), "--out", str(base / "reg"), *FAST]) == 0
    asked = ["--pairs", "200", "--members", "2", "--seed", "1", "--hidden", "16,16", "--quiet"]
    assert (
        main(["fit", "preferences", str(base / "whole"), "--teacher", "oracle", *asked,
              "--out", str(base / "pref")]) == 0
    )  # fmt: skip
    return base


def test_fit_regression_writes_the_figures_that_others_read(folders):
    metrics = json.loads((folders / "reg" / "metrics.json").read_text())
    assert set(metrics["heldout"]) >= {"r2", "mae", "spearman"}
    assert metrics["heldout"]["r2"] > 0.9
    episodes = metrics["episodes"]
    assert not set(episodes["train"]) & set(episodes["heldout"])
    assert len(episodes["train"]) + len(episodes["heldout"]) == 40


def test_fit_preferences_writes_the_figures_that_others_read(folders):
    metrics = json.loads((folders / "pref" / "metrics.json").read_text())
    assert set(metrics["heldout"]) >= {"pair_accuracy", "brier", "ece"}
    assert metrics["heldout"]["pair_accuracy"] > 0.75
    assert metrics["labels"]["answered"] == 200


@pytest.mark.parametrize("teacher", ["mistake", "noisy", "skip", "myopic", "equal"])
def test_every_teacher_teaches(folders, tmp_path, teacher):
    data, out = str(folders / "whole"), str(tmp_path / "m")
    args = ["--teacher", teacher, "--pairs", "30", "--members", "1", "--epochs", "2", "--quiet"]
    assert main(["fit", "preferences", data, "--out", out, "--hidden", "8", *args]) == 0
    assert load_model(out).metrics["labels"]["teacher"] == teacher


def test_returns_and_other_heads_are_one_flag_away(folders, tmp_path):
    data = str(folders / "whole")
    for what, more in (
        ("returns", ["--gamma", "0.9"]),
        ("regression", ["--head", "gaussian", "--members", "2"]),
        ("regression", ["--loss", "huber", "--reads", "obs,action,next_obs,terminated"]),
    ):
        out = tmp_path / f"{what}{len(more)}{more[0]}"
        assert main(["fit", what, data, "--out", str(out), "--epochs", "2", "--quiet", *more]) == 0
        assert load_model(out).document["objective"] == what


def test_the_same_seed_fits_the_same_model(folders, tmp_path):
    versions = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        out = tmp_path / name
        args = ["--epochs", "2", "--hidden", "8", "--quiet", "--seed", str(seed)]
        main(["fit", "regression", str(folders / "gaps"), "--out", str(out), *args])
        versions.append(load_model(out).document["files"]["weights.safetensors"])
    assert versions[0] == versions[1] != versions[2]


def test_a_fitted_model_is_a_reward_in_a_file(folders, tmp_path):
    file = tmp_path / "reward.yml"
    file.write_text(f"- learned: {{path: {folders / 'reg'}}}\n  weight: 0.5\n  name: said\n")
    from rewardwrap.rewards.disk import read_reward

    whole = EpisodeStore.load(folders / "whole")
    episode = whole.episode(0).columns()
    paid = rw.relabel(read_reward(file), episode)
    assert np.corrcoef(paid, episode["reward"])[0, 1] > 0.95


@pytest.mark.parametrize(("model", "data"), [("reg", "gaps"), ("pref", "whole"), ("reg", "whole")])
def test_validate_writes_json_a_page_and_scalars(folders, tmp_path, model, data, capsys):
    out = tmp_path / "v"
    args = [str(folders / model), str(folders / data), "--out", str(out)]
    assert main(["validate", *args]) == 0
    found = json.loads((out / "validation.json").read_text())
    assert found["data"]["episodes"] == (40 if (model, data) == ("reg", "whole") else 8)
    assert found["best_of"]["n"][0] == 1
    assert found["pairs"]["pair_accuracy"] > 0.75
    page = (out / "validation.html").read_text()
    assert page.count("<svg") >= 3
    for outside in ("http://", "https://", "<script", "src="):
        assert outside not in page.replace("http://www.w3.org", "")
    assert list((out / "tensorboard").glob("events*"))
    assert "Page:" in capsys.readouterr().out


def test_validating_leaves_the_model_as_it_is(folders):
    before = load_model(folders / "pref").version
    assert main(["validate", str(folders / "pref"), str(folders / "whole"), "--json"]) == 0
    assert load_model(folders / "pref").version == before
    assert (folders / "pref" / "validation" / "validation.html").is_file()


def test_drift_is_seen_per_episode(folders):
    model = load_model(folders / "reg")
    whole = EpisodeStore.load(folders / "whole")
    same = validate(model, whole)
    assert same.drift["alarm"] is False
    from dataclasses import replace

    moved = validate(model, replace(whole, obs=whole.obs + np.float32(2.0)))
    assert moved.drift["alarm"] is True
    word, sentence, details = verdict(moved)
    assert any("not like the training data" in each for each in details)
    assert word != "learns"
    assert sentence in render(moved, model)


def test_data_without_rewards_is_judged_by_nothing_and_says_so(folders):
    from dataclasses import replace

    whole = EpisodeStore.load(folders / "whole")
    found = validate(
        load_model(folders / "reg"), replace(whole, reward=np.full(whole.steps, np.nan))
    )
    assert "No step has a logged reward" in found.notes[0]
    assert verdict(found)[1] == "There is no truth to judge this model by."
    assert "no truth" in render(found, load_model(folders / "reg"))


def spoilt(folders, base):
    """Folders that no model can come from, as `rewardwrap ingest` would write them."""
    from dataclasses import replace

    whole = EpisodeStore.load(folders / "whole")
    hole = whole.obs.copy()
    hole[7, 1] = np.inf
    replace(whole, obs=hole).save(base / "hole")
    paid = whole.reward.copy()
    paid[3909] = np.inf
    replace(whole, reward=paid).save(base / "rich")
    whole.select(np.array([0])).save(base / "one")
    replace(whole, reward=np.full(whole.steps, np.nan)).save(base / "unpaid")
    whole.select(np.array([], np.int64)).save(base / "none")
    return base


@pytest.mark.parametrize("what", ["regression", "preferences"])
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("hole", "obs must be finite to be fitted, got inf in step 7 of episode e0"),
        ("rich", "reward must be finite to be fitted, got inf in step 9 of episode e39"),
        ("one", "data must hold at least two episodes"),
        ("none", "data must hold at least two episodes"),
        ("unpaid", "missing ones"),
    ],
)
def test_what_no_model_can_come_from_is_refused(folders, tmp_path, what, data, sentence, capsys):
    base, out = spoilt(folders, tmp_path / "data"), tmp_path / "out"
    args = ["--pairs", "100"] if what == "preferences" else []
    assert main(["fit", what, str(base / data), "--out", str(out), "--epochs", "1", *args]) == 2
    assert sentence in capsys.readouterr().err
    assert not out.exists()


def test_rankings_are_fitted_from_a_file(folders, tmp_path):
    from rewardwrap.data import Fragments, from_rankings

    # each ranking is of four clips of one episode, so that a split parts no ranking
    ranking, start = np.repeat(np.arange(40), 4), np.tile([0, 25, 50, 75], 40)
    clips = Fragments(EpisodeStore.load(folders / "whole"), ranking, start, np.full(160, 20))
    returns = clips.returns().reshape(40, 4)
    place = (-returns).argsort(axis=1).argsort(axis=1).ravel() + 1.0
    file = from_rankings(clips, place, ranking).save(tmp_path / "rankings.parquet")
    out = tmp_path / "m"
    args = ["--teacher", str(file), "--out", str(out), "--hidden", "16,16", "--quiet"]
    assert main(["fit", "preferences", str(folders / "whole"), *args]) == 0
    metrics = load_model(out).metrics
    assert metrics["judged_by"] == "the annotators"
    assert metrics["labels"]["asked"] == 40 * 6
    assert metrics["heldout"]["pair_accuracy"] > 0.7


def test_models_are_listed_entered_promoted_and_retired(folders, tmp_path, capsys):
    registry = ["--registry", str(tmp_path / "r")]
    assert main(["models", *registry]) == 0
    assert "No models in" in capsys.readouterr().out
    assert main(["models", "add", str(folders / "reg"), *registry]) == 0
    assert main(["models", "promote", "reg", "--force", *registry]) == 0
    assert main(["models", *registry, "--json"]) == 0
    printed = capsys.readouterr().out.strip().splitlines()[-1]
    (entry,) = json.loads(printed)
    assert (entry["name"], entry["stage"], entry["forced"]) == ("reg", "prod", True)
    assert main(["models", "retire", entry["version"], *registry]) == 0
    assert "retired" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["fit", "preferences", "{whole}", "--out", "{out}", "--teacher", "orakel"], 'No teacher "orakel"'),
        (["fit", "preferences", "{whole}", "--out", "{out}", "--teacher", "no.sqlite"],
         "judgements must exist, got no.sqlite"),
        (["fit", "preferences", "{gaps}", "--out", "{out}", "--length", "100"],
         "skips clips with missing rewards"),
        (["fit", "regression", "{whole}", "--out", "{out}", "--hidden", "64,x"], "--hidden must be sizes"),
        (["fit", "regression", "{whole}", "--out", "{out}", "--reads", "info"], "reads must name some of"),
        (["fit", "regression", "{whole}", "--out", "{out}", "--heldout", "1.5"], "fraction must lie in"),
        (["fit", "regression", "{out}", "--out", "{out}2"], "must"),
        (["validate", "{whole}", "{whole}"], "model folder must hold model.json"),
        (["models", "promote", "x", "--registry", "{out}"], "No one model"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(folders, tmp_path, args, sentence, capsys):
    places = {"whole": folders / "whole", "gaps": folders / "gaps", "out": tmp_path / "out"}
    assert main([word.format(**places) for word in args]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.startswith("rewardwrap: ")
    assert "Traceback" not in said
