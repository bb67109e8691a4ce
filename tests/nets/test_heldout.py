"""Held-out figures are of episodes that the fit has not seen: measured on labels that are pure noise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from rewardwrap.annotate.teachers import Teacher
from rewardwrap.data import EpisodeStore, Preferences, sample_fragments
from rewardwrap.evaluate.models.validation import validate
from rewardwrap.loops.candidate import fit_answers
from rewardwrap.nets.fitted import Fitted
from rewardwrap.nets.folder import load_model
from rewardwrap.nets.measures import pair_measures, regression_measures
from rewardwrap.nets.objectives import Outcome, Process
from rewardwrap.nets.preference_recipe import fit_preferences
from rewardwrap.nets.reward_recipe import fit_regression
from rewardwrap.nets.success_recipe import fit_success
from rewardwrap.statistics.ranking import auc

STEPS = 6


@pytest.fixture(scope="module")
def noise() -> EpisodeStore:
    """60 episodes whose rewards, marks and ends have nothing to do with what is seen."""
    draws = np.random.default_rng(0)
    return EpisodeStore.from_episodes(
        [
            {
                "obs": draws.normal(size=(STEPS + 1, 12)),
                "action": np.zeros(STEPS, int),
                "reward": draws.normal(size=STEPS),
                "terminated": (np.arange(STEPS) == STEPS - 1) & (number % 2 == 0),
                "truncated": (np.arange(STEPS) == STEPS - 1) & (number % 2 == 1),
                "info": {"mark": draws.integers(2, size=STEPS).astype(float)},
                "id": f"e{number}",
            }
            for number in range(60)
        ]
    )


def side(store: EpisodeStore, fitted: Fitted, name: str) -> EpisodeStore:
    """The episodes that the fit says were on one side."""
    named = set(fitted.metrics["episodes"][name])
    return store.select(np.array([str(i) in named for i in store.ids]))


def answers(store: EpisodeStore, count: int, seed: int) -> Preferences:
    """Answers by a coin about clips of an episode of one's own each, so that none is lost."""
    clips = sample_fragments(store, 2 * count, 3, seed=seed)
    said = np.random.default_rng(seed).integers(2, size=count).astype(float)
    return Preferences(clips.select(slice(0, count)), clips.select(slice(count, None)), said)


def test_a_regression_is_judged_by_other_episodes(noise: EpisodeStore) -> None:
    fitted = fit_regression(noise, reads=("obs",), epochs=40, patience=40, hidden=(64,))
    assert not set(side(noise, fitted, "train").ids) & set(side(noise, fitted, "heldout").ids)
    held = side(noise, fitted, "heldout")
    paid = fitted.net.freeze()(held.transitions())
    again = regression_measures(held, held.reward, paid)
    assert fitted.metrics["heldout"] == pytest.approx(again)
    # and noise is what it looks like from there
    assert fitted.metrics["heldout"]["r2"] < 0.05 < fitted.metrics["train"]["r2"]


def test_a_taught_fit_is_judged_by_other_episodes(noise: EpisodeStore) -> None:
    fitted = fit_preferences(noise, teacher=Teacher(), pairs=60, length=1, reads=("obs",),
                             members=1, epochs=80, lr=1e-2)  # fmt: skip
    assert fitted.metrics["train"]["pair_accuracy"] > 0.95
    assert fitted.metrics["heldout"]["pair_accuracy"] < 0.65
    assert not set(side(noise, fitted, "train").ids) & set(side(noise, fitted, "heldout").ids)


def test_given_answers_are_judged_by_other_episodes(noise: EpisodeStore) -> None:
    given = answers(noise, 300, seed=1)
    fitted = fit_preferences(
        noise, preferences=given, reads=("obs",), members=1, epochs=60, lr=1e-2
    )
    episodes = fitted.metrics["episodes"]
    assert not set(episodes["train"]) & set(episodes["heldout"])
    inside = np.isin(noise.ids, episodes["heldout"])
    judged = given.select(inside[given.a.episode] & inside[given.b.episode])
    again = pair_measures(fitted.net, judged, fitted.temperature)
    assert fitted.metrics["heldout"] == pytest.approx(again)
    assert fitted.metrics["train"]["pair_accuracy"] > again["pair_accuracy"] + 0.2


@pytest.mark.parametrize(("objective", "column"), [(Outcome(), "terminated"), (Process(), "mark")])
def test_successes_are_judged_by_other_episodes(
    noise: EpisodeStore, objective: Any, column: str
) -> None:
    fitted = fit_success(noise, column, objective=objective, reads=("obs",), epochs=30, lr=1e-2)
    held = side(noise, fitted, "heldout")
    assert not set(side(noise, fitted, "train").ids) & set(held.ids)
    paid = fitted.net.freeze()(held.transitions())
    label = held.info["mark"]
    if column == "terminated":
        paid, label = paid.reshape(-1, STEPS).mean(1), held.terminated.reshape(-1, STEPS)[:, -1]
    found = fitted.metrics["heldout"]
    assert found["auc"] == pytest.approx(auc(paid, label.astype(float)))
    assert found["brier"] == pytest.approx(np.mean((expit(paid) - label) ** 2))
    assert abs(found["auc"] - 0.5) < 0.3


def test_a_candidate_of_a_loop_is_judged_by_other_answers(noise: EpisodeStore) -> None:
    train, held = answers(noise, 60, seed=1), answers(noise, 60, seed=2)
    fitted = fit_answers(train, held, reads=("obs",), members=1, epochs=60, lr=1e-2)
    again = pair_measures(fitted.net, held, fitted.temperature)
    assert fitted.metrics["heldout"] == pytest.approx(again)
    assert fitted.metrics["train"]["pair_accuracy"] > again["pair_accuracy"] + 0.2


def test_a_validation_on_the_data_of_the_fit_looks_at_held_out_episodes_alone(
    noise: EpisodeStore, tmp_path: Any
) -> None:
    fitted = fit_regression(noise, reads=("obs",), epochs=40, patience=40, hidden=(64,))
    model = load_model(fitted.save(tmp_path / "m"))
    found = validate(model, noise, length=3)
    assert found.data["episodes"] == len(fitted.metrics["episodes"]["heldout"])
    assert found.steps["r2"] == pytest.approx(fitted.metrics["heldout"]["r2"])
    # episodes under another fingerprint were not seen, whatever they are called
    assert validate(model, replace(noise, reward=noise.reward + 1), length=3).data["episodes"] == 60
