"""Which pairs to ask about: the handbook's numbers, then what holds for every strategy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.annotate.annotator import Query
from rewardwrap.annotate.selection import (
    STRATEGIES,
    Candidates,
    disagreement,
    entropy,
    k_center,
    keys_of,
    probabilities,
    select,
)
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.data import EpisodeStore, sample_fragments


def candidates(n: int = 40, members: int = 3, seed: int = 0) -> Candidates:
    rng = np.random.default_rng(seed)
    keys = np.stack([np.arange(n), rng.integers(0, 9, n)], axis=1)
    prefix = np.stack([np.arange(n) % 5, np.arange(n) % 2], axis=1)
    return Candidates(
        keys, rng.normal(size=(n, members)), rng.normal(size=(n, 4)), prefix, restorable=True
    )


def test_three_members_on_paper() -> None:
    differences = np.array([[2.0, 0.0, -1.0]])
    p = probabilities(differences)
    assert p[0] == pytest.approx([0.88080, 0.5, 0.26894], abs=5e-6)
    assert p.mean() == pytest.approx(0.54991, abs=5e-6)
    assert disagreement(differences) == pytest.approx([0.25227], abs=5e-6)
    assert entropy(differences) == pytest.approx([0.54689], abs=5e-6)


def test_sure_members_have_no_entropy_and_nothing_overflows() -> None:
    assert entropy(np.array([[1e9, -1e9]])) == pytest.approx([0.0], abs=1e-9)
    assert disagreement(np.array([[1e9, -1e9]])) == pytest.approx([0.5])


def test_disagreement_takes_the_most_disputed_first() -> None:
    c = Candidates(np.arange(3)[:, None], np.array([[1.0, 1.0], [5.0, -5.0], [1.0, -1.0]]))
    assert select(c, "disagreement", 2, seed=0).tolist() == [1, 2]
    sure = Candidates(np.arange(3)[:, None], np.array([[9.0, 9.0], [0.0, 0.0], [3.0, 3.0]]))
    assert select(sure, "entropy", 2, seed=0).tolist() == [1, 2]


@pytest.mark.parametrize("strategy", ["disagreement"])
def test_identical_members_fall_back_to_uniform(strategy: str) -> None:
    same = np.repeat(np.random.default_rng(0).normal(size=(30, 1)), 3, axis=1)
    c = Candidates(np.arange(30)[:, None], same)
    assert select(c, strategy, 5, seed=3).tolist() == select(c, "uniform", 5, seed=3).tolist()


def test_k_center_covers_from_the_outside() -> None:
    line = np.array([[0.0], [1.0], [4.0], [10.0]])
    assert k_center(line, np.array([[0.0]]), 2).tolist() == [3, 2]
    assert k_center(line, None, 3).tolist() == [3, 0, 2]
    assert len(k_center(line, None, 9)) == 4


def test_the_hybrid_stays_in_the_disputed_half() -> None:
    c = candidates()
    assert c.differences is not None
    chosen = select(c, "disagreement+k-center", 6, seed=0)
    half = np.argsort(-disagreement(c.differences))[:20]
    assert set(chosen) <= set(half.tolist())


def test_a_tree_takes_pairs_of_one_prefix_and_refuses_what_cannot_be_restored() -> None:
    c = candidates()
    assert c.prefix is not None
    chosen = select(c, "tree", 30, seed=0)
    assert len(chosen)
    assert (c.prefix[chosen, 0] == c.prefix[chosen, 1]).all()
    with pytest.raises(ConfigError, match="tree must branch from restored states"):
        select(Candidates(c.keys, c.differences, c.features, c.prefix), "tree", 3, seed=0)


@given(
    st.sampled_from(sorted(STRATEGIES)),
    st.integers(1, 60),
    st.integers(0, 99),
    st.lists(st.integers(0, 39), max_size=40),
)
def test_no_strategy_repeats_a_pair_and_all_are_deterministic(
    strategy: str, budget: int, seed: int, before: list[int]
) -> None:
    c = candidates()
    doubled = Candidates(
        np.concatenate([c.keys, c.keys]),
        *(np.concatenate([x, x]) for x in (c.differences, c.features, c.prefix) if x is not None),
        restorable=True,
    )
    asked = doubled.keys[before]
    chosen = select(doubled, strategy, budget, seed=seed, asked=asked)
    keys = [tuple(k) for k in doubled.keys[chosen].tolist()]
    assert len(set(keys)) == len(keys) <= budget
    assert not set(keys) & {tuple(k) for k in asked.tolist()}
    assert chosen.tolist() == select(doubled, strategy, budget, seed=seed, asked=asked).tolist()
    if strategy != "tree":
        assert len(chosen) == min(budget, 40 - len(set(before)))


def test_the_order_of_a_pair_is_no_difference(swings: EpisodeStore) -> None:
    clips = sample_fragments(swings, 20, 10, seed=0)
    asked = Query(clips.select(slice(0, 10)), clips.select(slice(10, None)))
    assert (keys_of(asked) == keys_of(asked.swapped())).all()


def test_nothing_is_chosen_from_nothing() -> None:
    c = candidates()
    assert not len(select(c, "k-center", 3, seed=0, asked=c.keys))


def test_what_a_strategy_goes_by_must_be_given() -> None:
    c = candidates()
    with pytest.raises(ConfigError, match="disagreement must be given differences with 40 rows"):
        select(Candidates(c.keys), "disagreement", 3, seed=0)
    with pytest.raises(ConfigError, match="k-center: features must be finite"):
        select(Candidates(c.keys, features=np.full((40, 2), np.nan)), "k-center", 3, seed=0)
    with pytest.raises(ConfigError, match="budget must be at least 1, got 0"):
        select(c, "uniform", 0, seed=0)
    with pytest.raises(UnknownName, match='Did you mean "entropy"'):
        select(c, "entropi", 3, seed=0)


def learned(rounds: int, strategy: str, seed: int) -> float:
    """Cosine to the true direction after ``10 * rounds`` answers about a linear reward in 8 numbers."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=8)
    truth /= np.linalg.norm(truth)
    pool = rng.normal(size=(2000, 8)) * 2.0
    asked = np.zeros((0, 1), np.int64)
    members = np.zeros((8, 5))
    for batch in range(rounds):
        rows = rng.choice(2000, 200, replace=False)
        c = Candidates(rows[:, None], pool[rows] @ members)
        use = "uniform" if not batch else strategy
        asked = np.concatenate([asked, rows[select(c, use, 10, seed=seed, asked=asked), None]])
        x, y = pool[asked[:, 0]], (pool[asked[:, 0]] @ truth > 0).astype(float)
        for m in range(5):
            drawn = np.random.default_rng([seed, batch, m]).integers(len(x), size=len(x))
            w = np.zeros(8)
            for _ in range(15):  # Newton's steps of a logistic regression with a small ridge
                p = 1 / (1 + np.exp(-x[drawn] @ w))
                hessian = (x[drawn].T * (p * (1 - p))) @ x[drawn] + 0.1 * np.eye(8)
                w -= np.linalg.solve(hessian, x[drawn].T @ (p - y[drawn]) + 0.1 * w)
            members[:, m] = w
    mean = members.mean(axis=1)
    return float(mean @ truth / np.linalg.norm(mean))


def test_disagreement_learns_no_less_than_uniform_from_as_many_answers() -> None:
    uniform, disputed = (
        [learned(6, strategy, seed) for seed in range(8)]
        for strategy in ("uniform", "disagreement")
    )
    assert np.mean(disputed) > np.mean(uniform)
    assert all(d > u - 0.02 for d, u in zip(disputed, uniform, strict=True))
