"""Rewards and features of any unit and any origin, copies, and successors that nobody recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rewardwrap.data import DataError, EpisodeStore, Preferences, sample_fragments
from rewardwrap.data.rows import UNKNOWN_SUCCESSOR
from rewardwrap.data.successors import with_successors
from rewardwrap.nets.objectives.regression import Scaling
from rewardwrap.nets.paid import NetError
from rewardwrap.nets.preference_recipe import fit_preferences
from rewardwrap.nets.reward_recipe import fit_regression
from rewardwrap.nets.success_recipe import fit_success

STEPS = 25


def line(unit: float = 1.0, origin: float = 0.0, pay: Any = None, seed: int = 0) -> EpisodeStore:
    """40 episodes of 25 steps, ``obs = origin + unit * x``, paid ``pay(x)``."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, STEPS + 1, 1))
    episodes = [
        {
            "obs": origin + unit * each,
            "action": np.zeros((STEPS, 1)),
            "reward": (pay or (lambda row: row))(each[:-1, 0]),
            "terminated": np.zeros(STEPS, bool),
            "truncated": np.arange(STEPS) == STEPS - 1,
        }
        for each in x
    ]
    return EpisodeStore.from_episodes(episodes)


@pytest.mark.parametrize(
    ("unit", "origin", "pay"),
    [
        (1.0, 0.0, lambda x: 1e-7 * x),
        (1.0, 0.0, lambda x: 1e-30 * x),
        (1.0, 0.0, lambda x: 1e9 * x),
        (1.0, 0.0, lambda x: 1e7 + x),
        (1e-7, 0.0, None),
        (1e7, 0.0, None),
        (1.0, 1e7, None),
        (1.0, -1e9, None),
    ],
)
def test_any_unit_and_origin_is_learned(unit: float, origin: float, pay: Any) -> None:
    store = line(unit, origin, pay)
    fitted = fit_regression(store, epochs=40)
    assert fitted.metrics["heldout"]["r2"] > 0.999
    # what the loop pays, a few rows at a time, is what was measured
    batch = store.select([0]).transitions()
    paid = fitted.net.freeze()(batch)
    assert np.corrcoef(paid, batch.reward)[0, 1] > 0.999


def test_a_constant_has_no_deviation_and_a_tiny_one_has_its_own() -> None:
    assert Scaling.of([0.1] * 7).sd == 1.0
    assert Scaling.of([0.0, 0.0]).sd == 1.0
    assert Scaling.of([1e-100, 3e-100]).sd == pytest.approx(1e-100)


def test_copies_under_other_names_stay_on_one_side() -> None:
    noise = line(pay=lambda x: np.random.default_rng(int(1e6 * abs(x[0]))).normal(size=len(x)))
    twice = EpisodeStore.concat([noise, noise, noise])
    # other rewards, other flags and another last observation do not make another episode
    obs = twice.obs.copy()
    obs[twice.first_obs + twice.lengths] += np.arange(len(twice))[:, None]
    twice = replace(twice, obs=obs, truncated=np.zeros_like(twice.truncated))
    for seed in range(3):
        train, held = twice.split(0.2, seed=seed)
        assert not set(train.obs[train.first_obs, 0]) & set(held.obs[held.first_obs, 0])
    assert fit_regression(twice, epochs=60).metrics["heldout"]["r2"] < 0.1
    with pytest.raises(DataError, match="at least two episodes, got 1"):
        EpisodeStore.concat([noise.select([0]), noise.select([0])]).split(0.5, seed=0)
    clips = sample_fragments(twice, 200, 5, seed=0)
    pairs = Preferences(clips.select(range(100)), clips.select(range(100, 200)), np.ones(100))
    given = pairs.split(0.3, seed=0)
    sides = [
        set(twice.obs[twice.first_obs[np.r_[p.a.episode, p.b.episode]], 0])
        for p in (given.train, given.heldout)
    ]
    assert not sides[0] & sides[1]


def walk() -> EpisodeStore:
    """Paid ``next_obs - obs``; the last successor of each episode was not recorded."""
    rng = np.random.default_rng(0)
    episodes = []
    for _ in range(40):
        x = np.cumsum(rng.normal(size=STEPS + 1))
        seen = np.append(x[:-1], x[-2])[:, None]
        last = np.arange(STEPS) == STEPS - 1
        episodes.append(
            {"obs": seen, "action": np.zeros((STEPS, 1)), "reward": np.diff(x),
             "terminated": last & (x[0] > 0), "truncated": np.zeros(STEPS, bool),
             "info": {UNKNOWN_SUCCESSOR: last, "good": np.diff(x) > 0}}
        )  # fmt: skip
    return EpisodeStore.from_episodes(episodes)


def test_a_regression_learns_nothing_from_a_successor_that_nobody_recorded() -> None:
    found = fit_regression(walk(), reads=("obs", "action", "next_obs"))
    assert found.metrics["heldout"]["r2"] > 0.999
    assert found.metrics["unknown_successors"] == 40
    assert fit_regression(walk(), epochs=1).metrics["unknown_successors"] == 0


def test_every_other_objective_leaves_it_out_or_refuses() -> None:
    reads = ("obs", "next_obs")
    store = walk()
    assert with_successors(store, ("obs",)) is store
    cut = with_successors(store, reads)
    assert cut.lengths.tolist() == [STEPS - 1] * 40
    np.testing.assert_array_equal(cut.episode(3).obs, store.episode(3).obs[:-1])
    taught = fit_preferences(store, reads=reads, pairs=100, length=5, epochs=20, members=1)
    assert taught.metrics["heldout"]["pair_accuracy"] > 0.7
    clips = sample_fragments(store, 400, 5, seed=0)
    pairs = Preferences(clips.select(range(200)), clips.select(range(200, 400)), np.ones(200))
    given = fit_preferences(store, preferences=pairs, reads=reads, epochs=1, members=1)
    assert given.metrics["labels"]["dropped"] > 0
    assert fit_success(store, "good", objective=process(), reads=reads, epochs=1).metrics["heldout"]
    with pytest.raises(NetError, match="successor of every step .*--drop-last"):
        fit_success(store, "terminated", reads=reads, epochs=1)
    nothing = replace(store, info={UNKNOWN_SUCCESSOR: np.ones(store.steps)})
    with pytest.raises(DataError, match="record a successor to be fitted with next_obs"):
        fit_preferences(nothing, reads=reads)


def process() -> Any:
    from rewardwrap.nets.objectives import Process

    return Process()
