"""Drift of episodes: false alarms, detection, and steps that are refused."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from scipy import stats

from rewardwrap import RewardwrapWarning
from rewardwrap import evaluate as ev
from rewardwrap.statistics import ScoresError
from rewardwrap.statistics.two_samples import ks_distances, mmd_distances, psi_distances
from rewardwrap_policies import controller

ENVS = ("Pendulum-v1", "CartPole-v1", "MountainCar-v0")
METHODS = ("mmd", "ks", "psi")


@cache
def _steps(env_id: str, episodes: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """Observations and episode starts of a controller that takes one random action in ten."""
    env: Any = gym.make(env_id)
    if env_id == "CartPole-v1":
        env = gym.wrappers.TimeLimit(env.unwrapped, 100)
    act, rng = controller(env_id), np.random.default_rng(1)
    env.action_space.seed(0)
    rows, first = [], []
    for seed in range(episodes):
        obs, _ = env.reset(seed=seed)
        over, start = False, True
        while not over:
            rows.append(obs)
            first.append(start)
            action = env.action_space.sample() if rng.random() < 0.1 else act(obs)
            obs, _, terminated, truncated, _ = env.step(action)
            over, start = terminated or truncated, False
    env.close()
    return np.array(rows), np.array(first)


def _alarms(env_id: str, method: str, *, shift: float, rounds: int = 60) -> float:
    """Share of alarms between 50 and 50 episodes, one random dimension shifted."""
    means = ev.episode_means(*_steps(env_id))
    rng = np.random.default_rng(7)
    spread = means.std(axis=0)
    found = 0
    for _ in range(rounds):
        order = rng.permutation(len(means))
        moved = means[order[50:100]].copy()
        dimension = rng.integers(means.shape[1])
        moved[:, dimension] += shift * spread[dimension]
        tested = ev.detect_drift(means[order[:50]], moved, rng=rng, method=method, permutations=199)
        found += tested.alarm
    return found / rounds


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("env_id", ENVS)
def test_the_same_policy_seldom_alarms_and_one_deviation_nearly_always(
    env_id: str, method: str
) -> None:
    assert _alarms(env_id, method, shift=0.0) <= 0.10
    assert _alarms(env_id, method, shift=1.0) >= 0.90


@pytest.mark.parametrize("env_id", ENVS)
def test_steps_are_refused_because_they_would_alarm_without_a_change(env_id: str) -> None:
    steps, _ = _steps(env_id)
    halves = steps[:1000], steps[1000:2000]
    assert (
        min(stats.ks_2samp(a, b).pvalue for a, b in zip(*(h.T for h in halves), strict=True)) < 0.05
    )
    with pytest.raises(ScoresError, match="rows that follow each other as steps do"):
        ev.detect_drift(*halves, rng=np.random.default_rng(0))


def test_distances_are_those_of_the_textbook() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=40), rng.normal(size=60) + 0.5
    pooled, labels = np.concatenate([a, b]), (np.arange(100) < 40)[None]
    assert ks_distances(pooled, labels)[0] == pytest.approx(stats.ks_2samp(a, b).statistic)
    edges = np.quantile(a, np.linspace(0, 1, 11)[1:-1])
    p, q = (np.bincount(np.searchsorted(edges, x, side="left"), minlength=10) + 0.5 for x in (a, b))
    p, q = p / p.sum(), q / q.sum()
    assert psi_distances(pooled, labels)[0] == pytest.approx(float(((q - p) * np.log(q / p)).sum()))
    assert ev.psi(a, b) == psi_distances(pooled, labels)[0]
    apart = np.abs(pooled[:, None] - pooled[None])
    width = np.median(apart[np.triu_indices(100, 1)])

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.exp(-((x[:, None] - y[None]) ** 2) / (2 * width**2)).mean())

    by_hand = kernel(a, a) + kernel(b, b) - 2 * kernel(a, b)
    assert mmd_distances(pooled, labels)[0] == pytest.approx(by_hand)


def test_the_usual_psi_limit_is_wrong_at_a_hundred() -> None:
    rng = np.random.default_rng(0)
    drawn = [ev.psi(rng.normal(size=100), rng.normal(size=100)) for _ in range(300)]
    assert np.mean(drawn) == pytest.approx(0.19, abs=0.03)
    assert np.mean(np.array(drawn) > 0.1) > 0.7


@pytest.mark.parametrize("method", METHODS)
def test_the_p_value_of_equal_distributions_is_uniform_at_any_number(method: str) -> None:
    rng = np.random.default_rng(3)
    chances = [
        ev.detect_drift(
            rng.exponential(size=20),
            rng.exponential(size=25),
            rng=rng,
            method=method,
            permutations=99,
        ).p_values[0]
        for _ in range(200)
    ]
    assert np.mean(np.array(chances) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert np.mean(chances) == pytest.approx(0.5, abs=0.08)


def test_holm_names_the_dimension_that_changed() -> None:
    rng = np.random.default_rng(0)
    before, now = rng.normal(size=(50, 4)), rng.normal(size=(50, 4))
    now[:, 2] += 2.0
    found = ev.detect_drift(before, now, rng=rng)
    assert found.alarm
    assert found.changed.tolist() == [2]
    assert found.statistics[2] > found.thresholds[2]


def test_a_dimension_that_never_varies_is_no_evidence() -> None:
    rows = np.column_stack([np.ones(30), np.random.default_rng(0).normal(size=30)])
    found = ev.detect_drift(rows, rows.copy(), rng=np.random.default_rng(0))
    assert not found.alarm
    assert found.p_values[0] == 1.0


def test_many_rows_are_thinned_before_the_kernel() -> None:
    rng = np.random.default_rng(0)
    found = ev.detect_drift(rng.normal(size=2000), rng.normal(size=700), rng=rng, permutations=19)
    assert (found.reference, found.current) == (500, 500)


def test_episode_means_cut_at_the_starts() -> None:
    means = ev.episode_means([1.0, 3.0, 10.0], [True, False, True])
    assert means.tolist() == [[2.0], [10.0]]


def test_few_episodes_are_warned_about_and_too_few_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.warns(RewardwrapWarning, match="10 episodes show only large changes"):
        ev.detect_drift(rng.normal(size=10), rng.normal(size=10), rng=rng)
    with pytest.raises(ScoresError, match="episodes must be enough for a p-value of 0.05"):
        ev.detect_drift(rng.normal(size=2), rng.normal(size=3), rng=rng)
    with pytest.raises(ScoresError, match="permutations must be at least 19"):
        ev.detect_drift(rng.normal(size=30), rng.normal(size=30), rng=rng, permutations=10)


def test_episodes_of_a_learning_policy_are_warned_about() -> None:
    rng = np.random.default_rng(0)
    rising = np.linspace(0, 1.6, 200) + rng.normal(size=200) * 0.6
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        ev.detect_drift(rising, rng.normal(size=200), rng=rng)
    assert any("neighbouring episodes are alike" in str(w.message) for w in seen)


@pytest.mark.parametrize(
    ("reference", "current", "options", "sentence"),
    [
        (np.zeros((30, 2)), np.zeros((30, 3)), {}, "same dimensions, got 2 and 3"),
        (np.full(30, np.nan), np.zeros(30), {}, "reference must be finite, got nan"),
        (np.zeros((0, 2)), np.zeros((3, 2)), {}, "one row per episode"),
        (np.zeros(30), np.zeros(30), {"method": "t"}, "method must be one of"),
        (np.zeros(30), np.zeros(30), {"alpha": 0.0}, "alpha must lie in \\(0, 1\\)"),
    ],
)
def test_bad_input_is_refused(
    reference: np.ndarray, current: np.ndarray, options: dict, sentence: str
) -> None:
    with pytest.raises(ScoresError, match=sentence):
        ev.detect_drift(reference, current, rng=np.random.default_rng(0), **options)


def test_starts_that_do_not_fit_the_steps_are_refused() -> None:
    with pytest.raises(ScoresError, match="the first one included"):
        ev.episode_means([1.0, 2.0], [False, True])
