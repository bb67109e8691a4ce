from __future__ import annotations

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.testing import check_reward


def walked(obs, **fields):
    steps = len(obs) - 1
    none = np.zeros(steps)
    log = {"obs": np.array(obs, float)[:, None], "action": none, "reward": none}
    return log | {"terminated": none > 0, "truncated": none > 0} | fields


def test_three_new_cells_and_five_repeats_by_hand():
    knowledge = rw.Knowledge(rw.Counts(), gamma=1.0, scale=0.1)
    paid = rw.relabel(knowledge, walked([0, 1, 2, 3, 3, 2, 1, 1, 2]), training=True)
    assert paid.round(12).tolist() == [0.1, 0.1, 0.1, 0, 0, 0, 0, 0]


def test_the_highest_so_far_pays_for_every_new_record_alone():
    knowledge = rw.Knowledge(lambda obs: obs[:, 0], gamma=1.0, scale=0.5)
    paid = rw.relabel(knowledge, walked([0, 1, 3, 2, 3, 4]), training=True)
    assert paid.tolist() == [0.5, 1.0, 0.0, 0.0, 0.5]


def test_what_was_learned_outlives_the_episode_and_a_life_is_paid_phi_at_most():
    knowledge = rw.Knowledge(rw.Counts(), gamma=1.0)
    first, second = rw.relabel(knowledge, [walked([0, 1, 2])] * 2, training=True)
    assert (first.tolist(), second.tolist()) == ([1.0, 1.0], [0.0, 0.0])


def test_a_step_that_teaches_nothing_costs_a_little():
    knowledge = rw.Knowledge(rw.Counts(), gamma=0.9)
    assert rw.relabel(knowledge, walked([0, 1, 1]), training=True).tolist() == [
        pytest.approx(0.9), pytest.approx(-0.1),
    ]  # fmt: skip


def test_lanes_share_one_history_and_what_they_learn_together():
    knowledge = rw.Knowledge(rw.Counts(), gamma=1.0)
    none, obs = np.zeros(3, bool), np.array([[5.0], [5.0], [7.0]])
    batch = rw.Transitions(obs, none, obs, np.zeros(3), none, none, ~none)
    assert knowledge.step(None, batch)[1].tolist() == [0.5, 0.5, 1.0]
    assert knowledge.step(None, batch)[1].tolist() == [0.0, 0.0, 0.0]


def test_a_frozen_one_pays_a_lane_as_if_it_were_alone():
    none, obs = np.zeros(3, bool), np.array([[5.0], [5.0], [7.0]])
    batch = rw.Transitions(obs, none, obs, np.zeros(3), none, none, ~none, training=False)
    for phi, want in ((rw.Counts(), [1.0, 1.0, 1.0]), (lambda obs: obs[:, 0], [5.0, 5.0, 7.0])):
        knowledge = rw.Knowledge(phi, gamma=1.0)
        assert knowledge.step(None, batch)[1].tolist() == want
        assert knowledge.step(None, batch)[1].tolist() == want


def test_the_contract():
    assert check_reward(rw.Knowledge(rw.Counts(), gamma=0.9)) == ()


def test_bad_settings_are_a_sentence():
    with pytest.raises(
        rw.ConfigError, match="Knowledge: phi must be a Counts, a field or a function"
    ):
        rw.Knowledge(rw.EnvReward())
    with pytest.raises(rw.ConfigError, match="Knowledge: scale must be above 0, got 0"):
        rw.Knowledge(rw.Counts(), scale=0)
