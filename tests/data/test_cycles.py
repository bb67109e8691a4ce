"""Cycles among answers: found where they are planted, and set against what noise makes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from rewardwrap.data import EpisodeStore, Fragments, Preferences


def store(count: int) -> EpisodeStore:
    return EpisodeStore.from_episodes(
        [
            {
                "obs": np.full((2, 1), float(i)),
                "action": np.zeros(1),
                "reward": np.array([float(i)]),
                "terminated": [True],
                "truncated": [False],
                "id": str(i),
            }
            for i in range(count)
        ]
    )


def answered(count: int, better, *, times: int = 1, flips: float = 0.0) -> Preferences:
    """Every pair of ``count`` clips, ``times`` times; ``better(i, j)`` says whether j wins."""
    data, rng = store(count), np.random.default_rng(0)
    pairs = np.array([*combinations(range(count), 2)] * times)
    zero = np.zeros(len(pairs), int)
    a, b = (Fragments(data, pairs[:, side], zero, zero + 1) for side in (0, 1))
    said = np.array([float(better(i, j)) for i, j in pairs])
    return Preferences(a, b, np.where(rng.random(len(said)) < flips, 1 - said, said))


def test_a_scalar_reward_makes_no_cycle():
    found = answered(8, lambda i, j: j > i).cycles()
    assert (found.triangles, found.cycles, found.noise, found.scalar) == (56, 0, 0.0, True)


def test_a_planted_cycle_is_found_and_told():
    """0 over 1 over 2 over 0, each answered twice alike: no noise, and still a circle."""
    said = answered(3, lambda i, j: (j - i) % 3 == 2, times=2)
    found = said.cycles()
    assert (found.triangles, found.cycles, found.noise, found.expected) == (1, 1, 0.0, 0.0)
    assert not found.scalar
    rows = found.examples[0]
    winners = [(said.b if said.preferred[row] else said.a).episode[row] for row in rows]
    losers = [(said.a if said.preferred[row] else said.b).episode[row] for row in rows]
    assert winners == [losers[-1], *losers[:-1]]
    assert "contradict a scalar reward" in str(found)


def test_rock_paper_scissors_is_more_than_noise_without_a_repeated_answer():
    found = answered(12, lambda i, j: j > i if (i - j) % 3 == 0 else (j - i) % 3 == 1).cycles()
    assert found.cycles > found.expected
    assert not found.scalar


@pytest.mark.parametrize("times", [1, 2])
def test_wrong_answers_alone_are_not_taken_for_a_cycle(times):
    found = answered(20, lambda i, j: j > i, times=times, flips=0.1).cycles()
    assert found.cycles > 0
    assert found.scalar


def test_ties_skips_and_single_answers_make_no_triple():
    said = answered(3, lambda i, j: 1.0)
    none = Preferences(said.a, said.b, np.array([0.5, np.nan, 1.0])).cycles()
    assert (none.triangles, none.cycles, none.scalar) == (0, 0, True)
    assert "cannot be judged" in str(none)
