"""The reward for seeing new states (handbook 2.4)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import Transitions
from rewardwrap.loops.pebble import Entropy, knn_distance


def batch(states, training=True) -> Transitions:
    rows = np.asarray(states, float)
    nobody = np.zeros(len(rows), bool)
    return Transitions(
        obs=rows,
        action=np.zeros(len(rows), int),
        next_obs=rows,
        reward=np.zeros(len(rows)),
        terminated=nobody,
        truncated=nobody,
        first=nobody,
        training=training,
    )


def test_the_distance_by_hand():
    seen = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    found = knn_distance(np.array([[0.0, 0.0]]), seen, 2)
    assert found[0] == pytest.approx(5.0, abs=1e-5)
    assert knn_distance(np.array([[0.0, 0.0]]), seen, 9)[0] == pytest.approx(10.0, abs=1e-5)


def test_the_reward_by_hand():
    reward = Entropy(1, k=1)
    reward(batch([[0.0]]))
    paid = reward(batch([[2.0]]))
    # paid so far: 0 and log 3, deviation log(3) / 2
    assert paid[0] == pytest.approx(math.log(3) / (math.log(3) / 2), abs=1e-5)


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=9), st.integers(1, 3), st.floats(-3, 3))
def test_neighbours_do_not_depend_on_order_or_on_where_zero_is(values, k, shift):
    rows = np.array(values)[:, None]
    want = knn_distance(rows[:1], rows, k)
    assert knn_distance(rows[:1], rows[::-1], k) == pytest.approx(want)
    assert knn_distance(rows[:1] + shift, rows + shift, k) == pytest.approx(want, abs=1e-6)


def test_a_state_far_away_pays_more_than_one_seen_before():
    reward = Entropy(2, k=3)
    draws = np.random.default_rng(0)
    for _ in range(20):
        reward(batch(draws.normal(size=(10, 2))))
    near, far = reward(batch([[0.0, 0.0], [9.0, 9.0]], training=False))
    assert far > 2 * near


def test_it_learns_only_in_training_and_comes_back_from_its_state():
    reward = Entropy(2, k=2, keep=8)
    reward(batch(np.random.default_rng(0).normal(size=(12, 2))))
    state = {k: np.array(v) for k, v in reward.state_arrays().items()}
    probe = batch([[0.3, -0.2]], training=False)
    want = reward(probe)
    for name, value in reward.state_arrays().items():
        np.testing.assert_array_equal(value, state[name])
    other = Entropy(2, k=2, keep=8)
    other.load_state_arrays(state)
    np.testing.assert_array_equal(other(probe), want)
    with pytest.raises(ConfigError, match="must be at least 1"):
        Entropy(2, k=0)


def test_following_it_covers_more_than_walking_at_random():
    """Miniature: a point on a line chooses the neighbour that pays more; against a random walk."""
    draws = np.random.default_rng(0)

    def cover(curious: bool) -> int:
        reward, place, seen = Entropy(1, k=3), 0.0, set()
        for _ in range(200):
            choices = np.array([[place - 1.0], [place + 1.0]])
            pays = reward(batch(choices, training=False))
            best = int(pays[1] > pays[0]) if pays[1] != pays[0] else int(draws.integers(2))
            place = float(choices[best if curious else draws.integers(2), 0])
            reward(batch([[place]]))
            seen.add(place)
        return len(seen)

    assert cover(True) > 2 * cover(False)
