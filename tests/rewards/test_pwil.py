"""Demonstrations matched step by step: worked by hand, never cheaper than the best plan, causal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import EpisodeStore
from rewardwrap.nets.demonstration_recipe import fit_matched
from rewardwrap.nets.folder import save_model
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.matched import Matched
from rewardwrap.rewards.pwil import greedy
from rewardwrap.scores.coupling import exact

BOX = {"sort": "box", "shape": [1], "dtype": "float64"}


def model(place: Path, rows: Any, lengths: Any = None) -> str:
    rows = np.asarray(rows, np.float64).reshape(-1, 1)
    arrays = {
        "rows": rows, "input.mean": np.zeros(1), "input.sd": np.ones(1),
        "lengths": np.array([len(rows)] if lengths is None else lengths),
    }  # fmt: skip
    made = Matched(
        Inputs.of({"obs": BOX}, ("obs",)), {"horizon": int(arrays["lengths"].max())}, arrays
    )
    return str(save_model(made, place / "model", objective="pwil", metrics={}))


def episode(*places: float) -> dict[str, Any]:
    steps = len(places)
    return {
        "obs": np.array([*places, 0.0])[:, None], "action": np.zeros(steps, np.int64),
        "reward": np.zeros(steps), "terminated": np.arange(steps) == steps - 1,
        "truncated": np.zeros(steps, bool),
    }  # fmt: skip


def test_the_order_decides_what_is_left_by_hand(tmp_path: Path) -> None:
    # agent (1, 0, 3) on demonstrations (0, 2, 3): 1 takes 0 at 1/3, 0 is left with 2 at 2/3, 3 takes 3
    reward = rw.PWIL(model(tmp_path, [0, 2, 3]), alpha=1.0, beta=1.0)
    cost = -np.log(rw.relabel(reward, episode(1, 0, 3))) / 3
    assert cost == pytest.approx([1 / 3, 2 / 3, 0], abs=1e-9)
    # in the order (0, 1, 3) it finds the best plan: W1 = 1/3
    assert -np.log(rw.relabel(reward, episode(0, 1, 3))).sum() / 3 == pytest.approx(1 / 3)


def test_a_demonstration_itself_is_paid_the_most_and_what_goes_on_too_long_nothing(
    tmp_path: Path,
) -> None:
    reward = rw.PWIL(model(tmp_path, [0, 2, 3]))
    paid = rw.relabel(reward, episode(3, 0, 2, 2))
    assert paid == pytest.approx([5, 5, 5, 0])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 10_000))
def test_greedy_costs_at_least_the_best_plan_and_moves_all_mass(n: int, m: int, seed: int) -> None:
    draws = np.random.default_rng(seed)
    cost = np.linalg.norm(draws.normal(size=(n, 1, 2)) - draws.normal(size=(1, m, 2)), axis=2)
    free, total, left = np.full((1, m), 1.0 / m), 0.0, 0.0
    for row in cost:
        paid, free, over = greedy(row[None], free, 1.0 / n)
        total, left = total + float(paid[0]), left + float(over[0])
    assert total >= float((exact(cost) * cost).sum()) - 1e-9
    assert left == pytest.approx(0.0, abs=1e-9)
    assert free == pytest.approx(np.zeros((1, m)), abs=1e-9)


def test_lanes_have_their_own_mass(tmp_path: Path) -> None:
    path = model(tmp_path, [0, 2, 3])
    alone = rw.relabel(rw.PWIL(path), episode(1, 0, 3))
    both = rw.relabel(rw.PWIL(path), [episode(1, 0, 3), episode(1, 0, 3)])
    for paid in both:
        np.testing.assert_allclose(paid, alone)


def store(episodes: int = 3, steps: int = 20) -> EpisodeStore:
    made = []
    for i in range(episodes):
        one = episode(*np.sin(np.arange(steps) / 3 + 0.1 * i))
        made.append(
            {**one, "terminated": np.zeros(steps, bool), "truncated": np.arange(steps) == steps - 1}
        )
    return EpisodeStore.from_episodes(made)


def test_figures_tell_a_demonstration_from_its_columns_shuffled() -> None:
    metrics = fit_matched(store(), reads=("obs", "next_obs")).metrics
    assert metrics["heldout"]["mean"] < metrics["null"]["mean"]


def test_rows_are_thinned_evenly() -> None:
    made = fit_matched(store(), reads=("obs",), rows=12).model
    assert isinstance(made, Matched)
    assert made.lengths.tolist() == [4, 4, 4]
    assert made.horizon == 20


def test_from_demonstrations_to_a_paid_environment_by_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store().save(tmp_path / "demos")
    out = str(tmp_path / "model")
    words = ("fit", "demonstrations", str(tmp_path / "demos"), "--reads", "obs", "--out", out)
    assert main([*words, "--method", "pwil"]) == 0
    said = capsys.readouterr().out
    assert "by the others" in said
    assert "--reward '{pwil: MODEL}'" in said
    reward = rw.PWIL(out)
    rw.save(reward, tmp_path / "saved")
    one = store(1).episode(0)
    np.testing.assert_array_equal(
        rw.relabel(rw.load(tmp_path / "saved"), one.columns()), rw.relabel(reward, one.columns())
    )


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    path = model(tmp_path, [0, 2, 3])
    for wrong, sentence in (
        ({"alpha": 0.0}, "PWIL: alpha must"), ({"horizon": 0}, "PWIL: horizon must be a whole number"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=sentence):
            rw.PWIL(path, **wrong)
    with pytest.raises(ConfigError, match=r"must pay single steps, got demonstrations .* rw.PWIL"):
        rw.Learned(path)(store().transitions())
    with pytest.raises(
        ConfigError, match="model must hold demonstrations to be matched, got one fitted by example"
    ):
        rw.PWIL("rewardwrap/testing/model")
    with pytest.raises(ConfigError, match="rows must be at least 1"):
        fit_matched(store(), rows=0)
