from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.testing import check_reward


@pytest.mark.parametrize("key", ["forward", "reward_forward"])
def test_it_reads_a_term_with_or_without_its_prefix(log, play, key):
    episode = log([0, 0], reward_forward=[1.5, 2.5])
    assert rw.relabel(rw.Native(key), episode).tolist() == [1.5, 2.5]
    assert play(rw.Native(key), episode)[0].tolist() == [1.5, 2.5]


def test_the_terms_of_half_cheetah_sum_to_its_reward():
    reward = rw.Native("forward").named("forward") + rw.Native("ctrl").named("effort")
    env = rw.wrap(gym.make("HalfCheetah-v5"), reward)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(20):
        _, paid, _, _, info = env.step(rng.uniform(-1, 1, 6).astype(np.float32))
        assert paid == pytest.approx(info["reward_terms"]["env"])
        assert info["reward_terms"]["effort"] < 0


def test_a_key_the_environment_does_not_report_is_refused(log, play):
    with pytest.raises(rw.RewardValueError, match='info must hold "reward_speed", got .*forward'):
        rw.relabel(rw.Native("speed"), log([0], forward=[1.0]))
    with pytest.raises(rw.RewardValueError, match='info must hold "reward_speed", got .*forward'):
        play(rw.Native("speed"), log([0], forward=[1.0]))


def test_it_keeps_the_contract():
    assert check_reward(rw.Native("forward"), info=("reward_forward",)) == ()


def test_a_prefix_is_not_said_twice(log):
    with pytest.raises(rw.RewardValueError, match='info must hold "reward_speed", got'):
        rw.relabel(rw.Native("reward_speed"), log([0], forward=[1.0]))
