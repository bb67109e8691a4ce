"""A kernel density as a reward: a number worked by hand, its invariances, its folder."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import Transitions
from rewardwrap.data import EpisodeStore
from rewardwrap.nets.demonstration_recipe import fit_density
from rewardwrap.nets.folder import load_model
from rewardwrap.nets.paid import NetError
from rewardwrap.rewards.density import BELOW, Density
from rewardwrap.rewards.inputs import Inputs


def box(size: int) -> dict[str, Any]:
    return {"sort": "box", "shape": [size], "dtype": "float64"}


def batch(obs: Any, next_obs: Any = None) -> Transitions:
    obs = np.asarray(obs, np.float64)
    none = np.zeros(len(obs), bool)
    after = obs if next_obs is None else np.asarray(next_obs, np.float64)
    return Transitions(
        obs, np.zeros(len(obs), np.int64), after, np.zeros(len(obs)), none, none, none
    )


def density(rows: Any, **options: Any) -> Density:
    rows = np.asarray(rows, np.float64)
    return Density.of(Inputs.of({"obs": box(rows.shape[1])}, ("obs",)), batch(rows), **options)


def store(episodes: int = 4, steps: int = 30) -> EpisodeStore:
    draws = np.random.default_rng(0)
    made = []
    for _ in range(episodes):
        x = draws.normal(size=steps + 1)
        made.append(
            {
                "obs": np.stack([x, x + 0.05 * draws.normal(size=steps + 1)], axis=1),
                "action": draws.integers(2, size=steps), "reward": np.zeros(steps),
                "terminated": np.zeros(steps, bool), "truncated": np.arange(steps) == steps - 1,
            }
        )  # fmt: skip
    return EpisodeStore.from_episodes(made)


def test_one_point_in_one_dimension_by_hand() -> None:
    # -log(h sqrt(2 pi)) for h = .5; one deviation away it is less by half of (1 / h)^2
    made = density([[3.0]])
    assert made(batch([[3.0], [4.0]])) == pytest.approx([-0.225791, -0.225791 - 2.0], abs=1e-6)


def test_it_is_the_mean_of_normal_densities() -> None:
    draws = np.random.default_rng(0)
    rows, at = draws.normal(size=(50, 3)), draws.normal(size=(7, 3))
    made = density(rows, bandwidth=0.7)
    x, y = (at - rows.mean(0)) / rows.std(0), (rows - rows.mean(0)) / rows.std(0)
    square = np.square(x[:, None] - y[None]).sum(-1)
    wanted = np.exp(-square / (2 * 0.49)).mean(1) / (2 * math.pi * 0.49) ** 1.5
    assert made(batch(at)) == pytest.approx(np.log(wanted))


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 100.0), st.floats(-50.0, 50.0))
def test_units_do_not_matter(scale: float, shift: float) -> None:
    rows = np.random.default_rng(1).normal(size=(20, 2))
    at = rows[:5] + 0.3
    moved = density(rows * scale + shift)(batch(at * scale + shift))
    assert moved == pytest.approx(density(rows)(batch(at)), abs=1e-5)


def test_it_is_higher_where_it_was_demonstrated_and_never_without_end_below() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 2))
    made = density(rows)
    assert made(batch(rows)).mean() > made(batch(rows + 2.0)).mean()
    far = made(batch(rows + 1e6))
    assert (far == made.floor).all()
    assert made.floor == pytest.approx(made(batch(rows)).min() - BELOW)


def test_a_wide_kernel_tells_nothing_apart() -> None:
    made = density(np.random.default_rng(0).normal(size=(40, 2)), bandwidth=1e3)
    assert np.ptp(made(batch([[0.0, 0.0], [3.0, -3.0]]))) < 1e-4


@pytest.mark.parametrize("reads", [("obs",), ("obs", "action"), ("obs", "next_obs")])
def test_the_folder_pays_what_was_fitted(tmp_path: Path, reads: tuple[str, ...]) -> None:
    made = store()
    fitted = fit_density(made, reads=reads)
    fitted.save(tmp_path / "model")
    reward = rw.Learned(str(tmp_path / "model"))
    rows = made.transitions()
    np.testing.assert_array_equal(reward(rows), fitted.model(rows))
    rw.save(reward, tmp_path / "saved")
    np.testing.assert_array_equal(rw.load(tmp_path / "saved")(rows), reward(rows))
    with pytest.raises(NetError, match="must be a network here, got a density"):
        load_model(tmp_path / "model")


def test_figures_are_of_episodes_that_the_density_has_not_seen() -> None:
    metrics = fit_density(store(), reads=("obs",)).metrics
    assert metrics["train"]["mean"] > metrics["heldout"]["mean"] > metrics["null"]["mean"] + 1


def test_from_demonstrations_to_a_paid_environment_by_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demos, model = tmp_path / "demos", tmp_path / "model"
    words = ("--policy", "scripted", "--episodes", "2", "--env-kwargs", "max_episode_steps:40")
    assert main(["record", "CartPole-v1", *words, "--out", str(demos)]) == 0
    capsys.readouterr()
    assert (
        main(
            [
                "fit",
                "demonstrations",
                str(demos),
                "--method",
                "density",
                "--out",
                str(model),
                "--json",
            ]
        )
        == 0
    )
    assert json.loads(capsys.readouterr().out)["metrics"]["heldout"]["mean"] < 0
    venv = rw.make("CartPole-v1", rw.Learned(str(model)), n_envs=2, seed=0)
    venv.reset()
    paid = np.stack([venv.step(np.array([0, 0]))[1] for _ in range(8)])
    # a pole that is pushed over is soon where none was demonstrated
    assert (paid[0] > paid[7]).all()


def test_bad_input_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="bandwidth must be above 0 .* got 0.0"):
        fit_density(store(), bandwidth=0.0)
    out = str(tmp_path / "model")
    ignored = ["fit", "demonstrations", "none", "--out", out, "--features", "random"]
    assert main(ignored) == 2
    assert "--features must go with --method steps" in capsys.readouterr().err
    assert main(["fit", "demonstrations", str(tmp_path / "none"), "--out", out]) == 2
    assert "folder must hold store.json" in capsys.readouterr().err
    holes = store()
    holes.obs[3, 0] = np.nan
    holes.save(tmp_path / "holes")
    assert main(["fit", "demonstrations", str(tmp_path / "holes"), "--out", out]) == 2
    assert (
        "obs must be finite to be fitted, got nan in step 3 of episode 0" in capsys.readouterr().err
    )
    with pytest.raises(ConfigError, match="must hold rows of 1 numbers"):
        Density(Inputs.of({"obs": box(1)}, ("obs",)), {"bandwidth": 0.5, "floor": None},
                {"rows": np.zeros((3, 2)), "input.mean": np.zeros(1), "input.sd": np.ones(1)})  # fmt: skip
