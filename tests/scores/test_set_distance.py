"""Distances of sets: the hand numbers, their laws, and who is blamed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import rewardwrap as rw
from rewardwrap.core.episode import Episode

NORMAL = (0.0, 1.0)
rows = arrays(
    np.float64, st.tuples(st.integers(2, 8), st.just(2)), elements=st.integers(-50, 50).map(float)
)


def ending_at(where: float) -> Episode:
    last = np.array([False, True])
    return Episode(np.array([[0.0], [9.0], [where]]), np.zeros(2), np.zeros(2), last, ~last & last)


def test_the_outlier_is_blamed() -> None:
    distance = rw.SetDistance(NORMAL)
    group = [ending_at(x) for x in (-1.0, 1.0, 5.0)]
    # mean 5/3 and variance 56/9: (5/3)^2 + (sqrt(56/9) - 1)^2
    assert distance.distance(group) == pytest.approx(5.0111, abs=1e-4)
    np.testing.assert_allclose(distance.credits(group), [4.9889, 2.9889, -5.0111], atol=1e-4)
    np.testing.assert_array_equal(distance(group), distance.credits(group))
    # -1 and 1 are a sample with those two moments
    np.testing.assert_allclose(rw.SetDistance([-1.0, 1.0])(group), distance(group), atol=1e-12)


@given(rows, rows)
@settings(max_examples=50)
def test_the_frechet_distance_is_a_distance_of_moments(one: Any, other: Any) -> None:
    there = rw.SetDistance(other).distance(one)
    size = 1 + np.abs(one).max() ** 2 + np.abs(other).max() ** 2
    assert there >= 0
    assert rw.SetDistance(one).distance(other) == pytest.approx(there, abs=1e-6 * size)
    assert rw.SetDistance(one).distance(one) == pytest.approx(0, abs=1e-6 * size)
    assert rw.SetDistance(other + 7).distance(one + 7) == pytest.approx(there, abs=1e-6 * size)


@given(rows, st.sampled_from(["fd", "mmd", "vendi"]), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_permuted_episodes_are_credited_permuted_and_twins_alike(
    one: Any, kind: Any, random: Any
) -> None:
    score = rw.SetDistance([[0.0, 0.0], [1.0, 2.0], [4.0, 1.0]], kind=kind)
    credits, order = score.credits(one), list(range(len(one)))
    random.shuffle(order)
    np.testing.assert_allclose(score.credits(one[order]), credits[order], atol=1e-6)
    twins = score.credits(np.concatenate([one, one[:1]]))
    assert twins[0] == pytest.approx(twins[-1], abs=1e-6)


@given(rows)
@settings(max_examples=50)
def test_diversity_lies_between_one_and_n(one: Any) -> None:
    score = rw.SetDistance([[0.0, 0.0], [3.0, 4.0]], kind="vendi")
    assert 1 - 1e-6 <= score.distance(one) <= len(one) + 1e-6
    assert score.distance(one[:1].repeat(4, axis=0)) == pytest.approx(1.0)
    assert score.distance(1000.0 * np.arange(8).reshape(4, 2)) == pytest.approx(4.0)


def test_the_discrepancy_of_a_sample_with_itself_is_0() -> None:
    sample = [[0.0], [1.0], [4.0]]
    score = rw.SetDistance(sample, kind="mmd")
    assert score.distance(sample) == pytest.approx(0.0, abs=1e-12)
    assert score.distance([[90.0], [91.0]]) > score.distance([[0.0], [2.0]]) > 0
    assert score.credits([[0.0], [1.0], [90.0]]).argmin() == 2


@pytest.mark.parametrize("kind", ["fd", "mmd", "vendi"])
def test_a_large_reference_fits_into_memory(kind: Any) -> None:
    rows = np.random.default_rng(0).normal(size=(30_000, 2))
    credits = rw.SetDistance(rows, kind=kind).credits([[0.0, 0.0], [1.0, -1.0], [9.0, 9.0]])
    assert credits.argmin() == (0 if kind == "vendi" else 2)


def test_a_set_of_one_is_credited_0_and_features_are_yours() -> None:
    assert rw.SetDistance(NORMAL).credits([ending_at(5.0)]).tolist() == [0.0]
    length = rw.SetDistance((2.0, 0.0), features=len)
    assert length.distance([ending_at(0.0), ending_at(4.0)]) == 0.0
    episodes = rw.SetDistance([ending_at(-1.0).columns(), ending_at(1.0).columns()])
    assert episodes.distance([-1.0, 1.0]) == 0.0


@pytest.mark.parametrize("kind", ["fd", "mmd", "vendi"])
def test_swaps_raise_the_better_half_until_no_swap_does(kind: Any) -> None:
    draws = np.random.default_rng(0)
    score = rw.SetDistance(draws.normal(size=(40, 1)), kind=kind)
    rows = 3.0 * draws.normal(size=(12, 2))
    pairs = [(float(a), float(b)) for a, b in rows]

    def worth(half: Any) -> float:
        return score.distance(half) * (1 if kind == "vendi" else -1)

    better, worse = score.halves(pairs)
    assert [sorted(pair) for pair in zip(better, worse, strict=True)] == [sorted(p) for p in pairs]
    assert worth(better) >= worth([a for a, _ in pairs])
    for i, (_, other) in enumerate(zip(better, worse, strict=True)):
        swapped = [*better[:i], other, *better[i + 1 :]]
        assert worth(swapped) <= worth(better) + 1e-9


def test_bad_input_is_one_sentence() -> None:
    with pytest.raises(rw.ConfigError, match='kind must be "fd", "mmd" or "vendi", got \'kl\''):
        rw.SetDistance(NORMAL, kind="kl")  # type: ignore[arg-type]
    with pytest.raises(rw.ConfigError, match="at least 2 rows, got 1"):
        rw.SetDistance([0.0])
    with pytest.raises(rw.ConfigError, match="got two moments"):
        rw.SetDistance(NORMAL, kind="mmd")
    with pytest.raises(rw.ConfigError, match="a mean .* and a covariance"):
        rw.SetDistance((0.0, -1.0))
    with pytest.raises(rw.RewardValueError, match="must be 1 numbers as the reference's, got 2"):
        rw.SetDistance(NORMAL).credits([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(rw.RewardValueError, match="must be finite"):
        rw.SetDistance(NORMAL).credits([np.nan, 1.0])
