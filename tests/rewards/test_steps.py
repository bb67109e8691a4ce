"""Steps of demonstrations: cuts by hand and planted, features that tell them apart, the potential."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError, RewardwrapWarning
from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.nets.step_recipe import fit_steps, separation
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.segments import segments
from rewardwrap.rewards.step_model import StepModel

WORKED = np.array([0, 0, 1, 0, 5, 5, 6, 5, 5, 9, 9, 9, 10.0])[:, None]
SIGHT = np.random.default_rng(5).normal(size=(3, 16))


def phases(
    seed: int, *, noise: float = 0.4, backwards: bool = False
) -> tuple[dict[str, Any], list[int]]:
    """Sixteen features of three phases whose borders are known."""
    draws = np.random.default_rng(seed)
    lengths = draws.integers(12, 28, size=3)
    of = np.repeat(np.arange(3), lengths)
    of = of[::-1] if backwards else of
    x = SIGHT[of] + noise * draws.normal(size=(len(of), 16))
    steps = len(of)
    episode = {
        "obs": np.concatenate([x[:1], x]), "action": np.zeros(steps, np.int64), "reward": np.zeros(steps),
        "terminated": np.zeros(steps, bool), "truncated": np.arange(steps) == steps - 1,
    }  # fmt: skip
    return episode, np.cumsum(lengths)[:2].tolist()


def store(*seeds: int, **options: Any) -> EpisodeStore:
    return EpisodeStore.from_episodes([phases(seed, **options)[0] for seed in seeds])


def test_cuts_and_the_printed_cost_by_hand() -> None:
    assert segments(WORKED, 3)[0] == [4, 9]
    cuts, cost = segments(WORKED, 3, cost="literal")
    assert cuts == [4, 9]
    assert cost == pytest.approx(np.mean([0.4330, 0.4, 0.4330]), abs=1e-4)
    assert segments(WORKED, 2)[0] == [4]


@settings(max_examples=25, deadline=None)
@given(st.integers(6, 14), st.integers(1, 3), st.integers(1, 3), st.integers(0, 1000))
def test_the_cuts_are_the_best_of_all(frames: int, count: int, least: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(frames, 2))
    if frames < count * least:
        return

    def cost(cuts: list[int]) -> float:
        parts = np.split(x, cuts)
        if min(map(len, parts)) < least:
            return np.inf
        return float(sum(((p - p.mean(0)) ** 2).sum() for p in parts))

    every: list[list[int]] = [[]] if count == 1 else [[a] for a in range(1, frames)]
    if count == 3:
        every = [[a, b] for a in range(1, frames) for b in range(a + 1, frames)]
    cuts, found = segments(x, count, least=least)
    assert found == pytest.approx(min(map(cost, every)), abs=1e-9)
    assert cost(cuts) == pytest.approx(found, abs=1e-9)
    # features in another order change nothing
    assert segments(x[:, ::-1], count, least=least)[0] == cuts
    # more steps never cost more, where a step may be cut anywhere
    if least == 1 and frames > count:
        assert segments(x, count + 1, least=1)[1] <= found + 1e-9


def test_planted_cuts_are_found_within_a_frame() -> None:
    right = []
    for seed in range(40):
        episode, planted = phases(seed)
        cuts, _ = segments(episode["obs"][1:], 3, least=4)
        right.append(np.abs(np.subtract(cuts, planted)).max() <= 1)
    assert np.mean(right) >= 0.95


def test_separation_and_likeness_by_hand() -> None:
    assert separation(np.array([[1.5], [2.5]]), np.array([[-2.0], [0.0]])) == pytest.approx([13.5])
    box = {"obs": {"sort": "box", "shape": [1], "dtype": "float64"}}
    arrays = {
        "mean": np.array([[2.0], [5.0]]), "sd": np.array([[0.5], [1.0]]), "chosen": np.ones((2, 1)),
        "input.mean": np.zeros(1), "input.sd": np.ones(1),
    }  # fmt: skip
    inputs = Inputs.of(box, ("obs",))
    printed = StepModel(inputs, {"sharpness": 1.0, "divide": "sd"}, arrays)
    assert printed.likeness(np.array([[1.5]]))[0, 0] == pytest.approx(-0.5)
    other = StepModel(inputs, {"sharpness": 1.0, "divide": "variance"}, arrays)
    assert other.likeness(np.array([[1.5]]))[0, 0] == pytest.approx(-1.0)


def test_progress_goes_with_what_is_done_and_noise_is_no_feature(tmp_path: Path) -> None:
    made = store(*range(5))
    # four columns more, of noise
    draws = np.random.default_rng(0)
    noisy = EpisodeStore.from_episodes(
        [
            {
                **e.columns(),
                "obs": np.concatenate([e.obs, draws.normal(size=(len(e.obs), 4))], axis=1),
            }
            for e in made
        ]
    )
    fitted = fit_steps(noisy)
    assert isinstance(fitted.model, StepModel)
    assert not fitted.model.chosen[:, 16:].any()
    fitted.save(tmp_path / "model")
    reward = rw.Steps(str(tmp_path / "model"), raw=True)
    episode, planted = phases(77)
    episode["obs"] = np.concatenate(
        [episode["obs"], draws.normal(size=(len(episode["obs"]), 4))], axis=1
    )
    progress = rw.relabel(reward, episode)
    done = np.searchsorted(planted, np.arange(len(progress)), side="right") / 2
    assert np.corrcoef(progress, done)[0, 1] > 0.9
    assert progress.min() >= 0
    assert progress.max() <= 1


def test_the_potential_telescopes_and_is_nothing_where_the_task_ends(tmp_path: Path) -> None:
    fit_steps(store(0, 1, 2)).save(tmp_path / "model")
    path = str(tmp_path / "model")
    episode, _ = phases(9)
    raw, shaped = (rw.relabel(rw.Steps(path, gamma=0.9, raw=r), episode) for r in (True, False))
    weights = 0.9 ** np.arange(len(raw))
    start = raw[0]  # the first observation stands still
    assert (weights * shaped).sum() == pytest.approx(0.9 ** len(raw) * raw[-1] - start)
    last = np.arange(len(raw)) == len(raw) - 1
    ended = {**episode, "terminated": last, "truncated": np.zeros(len(raw), bool)}
    shaped = rw.relabel(rw.Steps(path, gamma=0.9), ended)
    assert (weights * shaped).sum() == pytest.approx(-start)
    record = rw.relabel(rw.Steps(path, raw=True, record=True), episode)
    assert (np.diff(record) >= 0).all()


def test_a_failed_demonstration_is_found_and_left_out() -> None:
    whole, bad = store(0, 1, 2, 3), store(4, backwards=True)
    mixed = EpisodeStore.concat([whole, bad])
    with pytest.warns(
        RewardwrapWarning, match=r"must all reach the last step, got 1 of 5 .*Leave them out"
    ):
        fit_steps(mixed)
    with pytest.warns(RewardwrapWarning, match="They are left out"):
        fitted = fit_steps(mixed, robust=True)
    assert len(fitted.metrics["cuts"]) == 4
    assert fitted.metrics["heldout"]["own_step"] > 0.9


def test_bad_input_is_one_sentence() -> None:
    still = store(0)
    still.obs[:] = 1.0
    with pytest.raises(
        DataError, match="must change to have steps, got .* frames that are all alike"
    ):
        fit_steps(still)
    with pytest.raises(ConfigError, match="must have at least 30 frames each, got"):
        fit_steps(store(0, 1), least=30)
    with pytest.warns(RewardwrapWarning, match="should be 3 or more, got 1"):
        fit_steps(store(0))
    with pytest.raises(ConfigError, match="there must be 2 or more"):
        fit_steps(store(0), steps=1)
    holes = store(0, 1)
    holes.obs[3, 0] = np.nan
    with pytest.raises(DataError, match="obs must be finite to be fitted"):
        fit_steps(holes)
    with pytest.raises(
        ConfigError, match="Steps: model must hold steps of demonstrations, got one fitted by"
    ):
        rw.Steps("rewardwrap/testing/model")


def test_by_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(0, 1, 2).save(tmp_path / "demos")
    out = str(tmp_path / "model")
    assert (
        main(["fit", "demonstrations", str(tmp_path / "demos"), "--method", "steps", "--out", out])
        == 0
    )
    said = capsys.readouterr().out
    assert "0: cut at frames" in said
    assert "step 3 is known by features" in said
    # a model of what is seen pays as any other: progress as it is
    assert rw.Learned(out).version == rw.Steps(out, gamma=0.9).version
