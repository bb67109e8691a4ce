"""Couplings and the score of an episode: marginals, the exact plan as oracle, invariances, by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core.errors import ConfigError, MissingExtra
from rewardwrap.scores.coupling import exact, sinkhorn
from tests.rewards.test_pwil import episode, model

costs = st.builds(
    lambda n, m, seed: np.random.default_rng(seed).uniform(size=(n, m)),
    st.integers(1, 8), st.integers(1, 8), st.integers(0, 10_000),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(costs, st.sampled_from([1.0, 0.1, 0.01]))
def test_marginals_are_exact_and_no_plan_is_cheaper_than_the_best(
    cost: Any, epsilon: float
) -> None:
    n, m = cost.shape
    best, plan = exact(cost), sinkhorn(cost, epsilon)
    for each in (best, plan):
        assert each.min() >= -1e-12
        assert each.sum(1) == pytest.approx(np.full(n, 1 / n), abs=1e-9)
        assert each.sum(0) == pytest.approx(np.full(m, 1 / m), abs=1e-9)
    assert (plan * cost).sum() >= (best * cost).sum() - 1e-9


def test_it_comes_to_the_best_plan_with_less_entropy() -> None:
    cost = np.random.default_rng(0).uniform(size=(30, 30))
    best = (exact(cost) * cost).sum()
    over = [
        (sinkhorn(cost, e, iterations=3000) * cost).sum() - best for e in (1.0, 0.1, 0.01, 0.001)
    ]
    assert over == sorted(over, reverse=True)
    assert over[-1] < 1e-3
    # and to the even plan with more
    assert sinkhorn(cost, 1e4) == pytest.approx(np.full((30, 30), 1 / 900), rel=1e-3)


def test_an_episode_by_hand(tmp_path: Path) -> None:
    # (0, 1, 3) on (0, 2, 3): the second step owes one third
    score = rw.Transport(model(tmp_path, [0, 2, 3]), epsilon=0.0, cost="euclidean")
    assert score.steps(episode(0, 1, 3)) == pytest.approx([0, -1 / 3, 0])
    assert score([episode(0, 1, 3), episode(1, 0, 3), episode(0, 2, 3)]) == pytest.approx(
        [-1 / 3, -1 / 3, 0]
    )


def test_order_counts_for_nothing_and_the_nearest_demonstration_for_all(tmp_path: Path) -> None:
    far = rw.Transport(
        model(tmp_path / "a", [0, 2, 3, 50, 60], [3, 2]), epsilon=0.0, cost="euclidean"
    )
    assert far([episode(3, 1, 0)]) == pytest.approx([-1 / 3])
    assert far([episode(50, 60)]) == pytest.approx([0.0])


def test_it_follows_the_distance_from_a_circle(tmp_path: Path) -> None:
    turn = np.linspace(0, 2 * np.pi, 40)
    score = rw.Transport(model(tmp_path, np.cos(turn)), epsilon=0.01, cost="euclidean")
    draws = np.random.default_rng(0)
    away = np.linspace(0.02, 1.0, 12)
    paid = score([episode(*(np.cos(turn) + a * draws.normal(size=40))) for a in away])
    from scipy.stats import spearmanr

    assert spearmanr(paid, -away).statistic > 0.9


def test_it_is_paid_at_the_end_of_an_episode(tmp_path: Path) -> None:
    score = rw.Transport(model(tmp_path, [0, 2, 3]), epsilon=0.0, cost="euclidean")
    reward = rw.Grouped(score, group=1, centred=False)
    assert rw.relabel(reward, episode(0, 1, 3)) == pytest.approx([0, 0, -1 / 3])
    assert reward.to_config()["grouped"]["score"]["transport"]["cost"] == "euclidean"


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    path = model(tmp_path, [0, 2, 3])
    with pytest.raises(ConfigError, match="epsilon must be at least 0 .* got -1"):
        rw.Transport(path, epsilon=-1.0)
    with pytest.raises(ConfigError, match='cost must be "cosine" or "euclidean", got \'taxi\''):
        rw.Transport(path, cost="taxi")  # type: ignore[arg-type]
    with pytest.raises(
        ConfigError, match="Transport: model must hold demonstrations, got rewardwrap/testing/model"
    ):
        rw.Transport("rewardwrap/testing/model")
    with pytest.raises(ConfigError, match="epsilon must be above 0, got 0"):
        sinkhorn(np.ones((2, 2)), 0.0)


@pytest.mark.parametrize("epsilon", [0.0, 0.05])
def test_the_solver_of_others_agrees(tmp_path: Path, epsilon: float) -> None:
    pytest.importorskip("ot", reason='needs pip install "rewardwrap[ot]"')
    path = model(tmp_path, [0, 2, 3, 7, 8.5], [3, 2])
    played = [episode(0, 1, 3, 4), episode(6.5, 8, 8.25), episode(2, 2.5)]
    own, pot = (
        rw.Transport(path, epsilon=epsilon, cost="euclidean", iterations=2000, solver=solver)
        for solver in ("own", "pot")
    )
    assert pot(played) == pytest.approx(own(played), abs=1e-6)
    assert np.ptp(own(played)) > 0.1


def test_a_solver_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ot", None)
    path = model(tmp_path, [0, 2, 3])
    with pytest.raises(MissingExtra, match=r"solver pot must have ot, .*rewardwrap\[ot\]"):
        rw.Transport(path, solver="pot")
    with pytest.raises(ConfigError, match='solver must be "own" or "pot", got \'sinkhorn\''):
        rw.Transport(path, solver="sinkhorn")  # type: ignore[arg-type]
