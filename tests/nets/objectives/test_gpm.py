"""General preferences: antisymmetric whatever the weights, right about circles, and no pay of steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import Preferences
from rewardwrap.nets.folder import load_model
from rewardwrap.nets.measures import differences
from rewardwrap.nets.objectives import BradleyTerry, GeneralPreference
from rewardwrap.nets.paid import NetError
from rewardwrap.nets.preference_recipe import fit_preferences
from rewardwrap.nets.tables import pairs_table
from tests.evidence.worlds.hands import logged


def fitted(objective: object, *, seed: int = 0, epochs: int = 30) -> tuple[object, Preferences]:
    store, asked = logged(30)
    found = fit_preferences(
        store, preferences=asked, objective=objective, seed=seed, epochs=epochs, members=2,
        hidden=(16,), lr=1e-2,
    )  # fmt: skip
    return found, asked


def test_a_circle_is_fitted_where_a_score_knows_nothing(tmp_path: Path) -> None:
    general, asked = fitted(GeneralPreference())
    assert general.metrics["heldout"]["pair_accuracy"] == 1.0
    best = general.metrics["labels"]["best_of"]
    assert best["mixture"] < 0.55 < 0.9 < best["single"]
    scored, _ = fitted(BradleyTerry())
    assert scored.metrics["heldout"]["brier"] > 0.2
    assert "these labels contradict a scalar reward" in scored.metrics["labels"]["cycles"]["says"]
    general.save(tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert np.array_equal(differences(again.net, asked), differences(general.net, asked))
    for pay in (lambda: rw.Learned(str(tmp_path / "m")), lambda: general.net(None)):
        with pytest.raises((ConfigError, NetError), match=r"rw\.WinRate\(MODEL"):
            pay()


def test_antisymmetry_holds_for_any_weights_and_both_ways_of_computing() -> None:
    store, asked = logged(9)
    net = GeneralPreference(planes=3).network(
        store, ("obs", "action"), members=2, hidden=(8,), seed=3
    )
    here = differences(net, asked)
    back = differences(net, Preferences(asked.b, asked.a, asked.preferred))
    assert here == pytest.approx(-back, abs=1e-12)
    assert differences(net, Preferences(asked.a, asked.a, asked.preferred)) == pytest.approx(0.0)
    with torch.no_grad():
        assert net.logits(pairs_table(net, asked)).mean(0).numpy() == pytest.approx(here, abs=1e-4)
    assert np.abs(here).max() <= 1 / net.tau + 1e-6


def test_the_command_fits_it_and_wrong_settings_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, _ = logged(30)
    store.save(tmp_path / "data")
    start = ["fit", "preferences", str(tmp_path / "data"), "--out", str(tmp_path / "m"), "--quiet",
             "--objective", "gpm", "--length", "1", "--pairs", "400", "--hidden", "8"]  # fmt: skip
    assert main([*start, "--members", "1", "--epochs", "60"]) == 0
    # an order is half a circle; a third of the pairs are ties, which the oracle breaks at random
    assert load_model(tmp_path / "m").metrics["heldout"]["pair_accuracy"] > 0.8
    capsys.readouterr()
    for more, said in (
        (["--bound", "1"], "without a bound"),
        (["--objective-kwargs", "tau:0"], "tau above 0"),
    ):
        assert main([*start, *more]) == 2
        assert said in capsys.readouterr().err


def test_what_judges_steps_says_that_there_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, _ = logged(30)
    store.save(tmp_path / "data")
    data, model = str(tmp_path / "data"), str(tmp_path / "m")
    options = [
        "--objective",
        "gpm",
        "--length",
        "1",
        "--pairs",
        "40",
        "--hidden",
        "4",
        "--epochs",
        "1",
    ]
    assert (
        main(["fit", "preferences", data, "--out", model, "--quiet", "--members", "1", *options])
        == 0
    )
    for words in (
        ["validate", model, data],
        ["monitor", model, data],
        ["filter", data, "--model", model, "--out", str(tmp_path / "f")],
    ):
        capsys.readouterr()
        assert main(words) == 2
        assert "got one of pairs" in capsys.readouterr().err
