"""Progress from hops: by hand, within [0, 1] whatever the network says, exact where it is, and the trap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
import rewardwrap_envs  # noqa: F401 - registers ChainInsert
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.nets.progress_recipe import fit_progress
from rewardwrap.rewards.hop_model import HopModel, advance, gated, hop
from rewardwrap_envs.chain_insert import FORWARD, INSERT

unit = st.floats(0.0, 1.0)


def one(value: float) -> Any:
    return np.array([value])


def test_the_worked_numbers() -> None:
    assert advance(one(0.6), one(0.5)) == pytest.approx(0.8)
    assert pytest.approx(0.8) == (0.8 + 0.7 + 0.9) / 3
    # w = exp(-.25^2) = .939, and .6 + w/2 (.8 - .6 + .2)
    assert gated(one(0.6), one(0.8), one(0.7), one(0.9), 1.0) == pytest.approx(0.788, abs=5e-4)


@given(unit, unit)
def test_a_hop_leads_where_it_was_measured_to(before: float, after: float) -> None:
    measured = hop(one(before), one(after))
    assert -1 <= measured[0] <= 1
    assert advance(one(before), measured) == pytest.approx(after, abs=1e-9)


@given(unit, st.lists(st.floats(-1.0, 1.0), max_size=20))
def test_no_hops_lead_out_of_the_unit_interval(start: float, hops: list[float]) -> None:
    progress = one(start)
    for each in hops:
        progress = advance(progress, one(each))
        assert -1e-12 <= progress[0] <= 1 + 1e-12


@given(unit, unit, st.floats(0.01, 1.0), st.floats(0.01, 1.0), st.floats(0.0, 50.0))
def test_the_gate_believes_what_agrees_and_freezes_where_nothing_does(
    before: float, step: float, forward: float, backward: float, alpha: float
) -> None:
    agreed = gated(one(before), one(step), one(forward), one(forward), alpha)
    assert agreed == pytest.approx(before + (forward - before + step - before) / 2)
    if abs(forward - backward) > 0.05:
        frozen = gated(one(before), one(step), one(forward), one(backward), 1e9)
        assert frozen == pytest.approx(before)


def carried(count: int = 1, cells: int = 10, *, stop: bool = False) -> EpisodeStore:
    env, made = gym.make("rewardwrap/ChainInsert-v0", chance=1.0, cells=cells), []
    for seed in range(count):
        obs, _ = env.reset(seed=seed)
        seen, rows = [obs], []
        for action in [FORWARD] * (cells - 1) + [INSERT] * (not stop):
            obs, *rest, _ = env.step(action)
            seen.append(obs)
            rows.append((action, *rest))
        names = ("action", "reward", "terminated", "truncated")
        columns = map(np.array, zip(*rows, strict=True))
        made.append({"obs": np.stack(seen), **dict(zip(names, columns, strict=True))})
    return EpisodeStore.from_episodes(
        made, observation_space=env.observation_space, action_space=env.action_space
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("hops") / "model"
    fit_progress(carried(), updates=300, hidden=(32,)).save(out)
    return str(out)


def test_one_demonstration_tells_how_far_along_it_is(model: str) -> None:
    episode = carried().episode(0)
    wanted = np.arange(1, 11) / 10
    for fuse in ("mean", "gate"):
        progress = rw.relabel(rw.HopProgress(model, raw=True, fuse=fuse), episode.columns())
        assert np.corrcoef(progress, wanted)[0, 1] > 0.9
        assert progress.min() >= 0
        assert progress.max() <= 1
    mean = rw.relabel(rw.HopProgress(model, raw=True), episode.columns())
    alone = [
        rw.relabel(rw.HopProgress(model, raw=True, fuse=fuse), episode.columns())
        for fuse in ("step", "forward", "backward")
    ]
    # all begin at 0, where the mean is that of the three
    assert np.mean([np.clip(x[0], 0, 1) for x in alone]) == pytest.approx(mean[0])
    assert len({round(float(x[-1]), 9) for x in alone}) == 3
    assert np.sqrt(np.mean((mean - wanted) ** 2)) < 0.15


def test_the_potential_telescopes_and_the_papers_end_keeps_it(model: str) -> None:
    episode = carried().episode(0)
    raw = rw.relabel(rw.HopProgress(model, raw=True), episode.columns())
    weights = 0.9 ** np.arange(len(raw))
    ours = rw.relabel(rw.HopProgress(model, gamma=0.9), episode.columns())
    assert (weights * ours).sum() == pytest.approx(0.0, abs=1e-9)
    paper = rw.relabel(rw.HopProgress(model, gamma=0.9, terminal="paper"), episode.columns())
    assert (weights * paper).sum() == pytest.approx(0.9 ** len(raw) * raw[-1])


def test_only_some_payments_of_progress_lead_past_the_trap() -> None:
    inserts = {name: trapped(name) for name in ("gold", "difference", "both", "potential", "paper")}
    assert inserts == {
        "gold": True, "difference": False, "both": False, "potential": True, "paper": True
    }  # fmt: skip


def trapped(pays: str, gamma: float = 0.99, chance: float = 0.4) -> bool:
    """Whether value iteration inserts in the last of ten cells, where a broken peg has progress 0."""
    progress = np.arange(10) / 10

    def paid(before: float, after: float, gold: float, over: bool) -> float:
        if pays == "gold":
            return gold
        if pays in ("difference", "both"):
            return after - before + gold * (pays == "both")
        kept = after if pays == "paper" or not over else 0.0
        return gold + gamma * kept - before

    insert = chance * paid(0.9, 1.0, 1.0, over=True) + (1 - chance) * paid(0.9, 0.0, 0.0, over=True)
    value = np.zeros(10)
    for _ in range(3000):
        moves = [
            [
                paid(progress[s], progress[t], 0.0, over=False) + gamma * value[t]
                for t in (max(s - 1, 0), s, min(s + 1, 9))
            ]
            for s in range(10)
        ]
        best = np.max(moves, axis=1)
        best[9] = max(best[9], insert)
        value = best
    return bool(insert > max(moves[9]) - 1e-12)


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="must reach their goal in the last step, got 1 of 1 that do not"
    ):
        fit_progress(carried(stop=True))
    with pytest.raises(
        ConfigError, match="keyframes must lie in 1 to the 10 steps of episode 0, got 11"
    ):
        fit_progress(carried(), keyframes=11)
    with pytest.raises(ConfigError, match="HopProgress: model must hold hops, got one fitted by"):
        rw.HopProgress("rewardwrap/testing/model")
    with pytest.raises(ConfigError, match="must pay single steps, got hops between states"):
        rw.Learned("rewardwrap/testing/hops")(carried().transitions())


def test_keyframes_may_be_told_step_by_step() -> None:
    marked = carried()
    reached = np.zeros(10)
    reached[[1, 9]] = 1
    store = EpisodeStore.from_episodes(
        [{**e.columns(), "info": {"key": reached}} for e in marked],
        observation_space=marked.observation_space, action_space=marked.action_space,
    )  # fmt: skip
    fitted = fit_progress(store, column="key", updates=5)
    assert isinstance(fitted.model, HopModel)
    from rewardwrap.nets.progress_recipe import _progress

    assert _progress(store.episode(0), 6, "key")[[0, 2, 6, 10]] == pytest.approx([0, 0.5, 0.75, 1])


def test_by_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    carried().save(tmp_path / "demos")
    out = str(tmp_path / "model")
    assert (
        main(
            ["fit", "demonstrations", str(tmp_path / "demos"), "--method", "progress", "--out", out]
        )
        == 0
    )
    assert "rw.HopProgress(MODEL), a potential" in capsys.readouterr().out
    assert rw.HopProgress(out, gamma=0.9).version
