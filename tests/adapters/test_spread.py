"""Pay that is spread in a replay buffer: sums stay, and only steps that were played earn it."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import DQN

import rewardwrap as rw
from rewardwrap.adapters.lockstep import WAITING

BOX, ACTIONS = gym.spaces.Box(-9.0, 99.0, (1,)), gym.spaces.Discrete(2)


def lengths(episodes: Any) -> list[float]:
    return [float(len(e)) for e in episodes]


def stored(buffer: rw.SpreadReplayBuffer, rows: Any) -> Any:
    """Rewards of both lanes after steps of (played?, pay) for each; an episode ends where it is paid."""
    for step, row in enumerate(rows):
        infos, paid = [], np.array([pay or 0.0 for _, pay in row])
        for played, pay in row:
            info: dict[str, Any] = {} if played else {WAITING: True}
            if pay is not None:
                info["episode_terms"] = {"score": pay}
            infos.append(info)
        done = np.array([pay is not None for _, pay in row])
        at = np.full((2, 1), step, np.float32)
        buffer.add(at, at + 1, np.zeros((2, 1)), paid, done, infos)
    return buffer.rewards


def buffer(size: int = 8) -> rw.SpreadReplayBuffer:
    return rw.SpreadReplayBuffer(2 * size, BOX, ACTIONS, device="cpu", n_envs=2)


def test_steps_that_were_played_share_the_pay_and_waiting_earns_nothing() -> None:
    go, end = (True, None), (True, 6.0)
    rewards = stored(buffer(), [[go, go], [go, (False, None)], [end, (False, -1.0)], [go, end]])
    np.testing.assert_allclose(rewards[:4], [[2, -1], [2, 0], [2, 0], [0, 6]])


def test_a_ring_that_is_too_small_keeps_the_sum_of_what_is_left() -> None:
    go, end = (True, None), (True, 6.0)
    rewards = stored(buffer(3), [[go, go]] * 4 + [[end, end]])
    np.testing.assert_allclose(rewards, 2.0)


def test_a_ring_that_was_read_from_disk_goes_on_where_it_stood() -> None:
    ring = buffer()
    ring.pos = 5
    rewards = stored(ring, [[(True, None)] * 2, [(True, 4.0)] * 2])
    np.testing.assert_allclose(rewards[5:7], 2.0)


def test_a_lane_that_was_reset_does_not_share_with_its_next_episode() -> None:
    ring = buffer()
    stored(ring, [[(True, None)] * 2] * 2)
    # the second episode begins at observation 0 again
    rewards = stored(ring, [[(True, None)] * 2, [(True, 4.0)] * 2])
    np.testing.assert_allclose(rewards[:4], [[0, 0], [0, 0], [2, 2], [2, 2]])


def test_a_learner_stores_what_the_group_was_paid_spread_over_each_episode() -> None:
    kept: dict[str, Any] = {}
    for kind in (None, rw.SpreadReplayBuffer):
        venv = rw.make_grouped("CartPole-v1", lengths, group=4, n_envs=4)
        model = DQN(
            "MlpPolicy", venv, replay_buffer_class=kind, buffer_size=4000, learning_starts=10**6, seed=0
        )  # fmt: skip
        model.learn(1200)
        kept[str(kind)] = model.replay_buffer
    plain, spread = kept.values()
    ends = np.flatnonzero(plain.dones[:300].any(axis=1))
    assert len(ends) > 3
    for begin, end in zip([0, *(ends[:-1] + 1)], ends + 1, strict=True):
        rows = slice(begin, end)
        np.testing.assert_allclose(
            spread.rewards[rows].sum(axis=0), plain.rewards[rows].sum(axis=0), atol=1e-4
        )
        for lane in range(4):
            earned = spread.rewards[rows, lane]
            assert np.unique(earned.round(5)).size <= 2
            assert len(earned) > 1
    assert (plain.rewards[:300] != 0).sum() < (spread.rewards[:300] != 0).sum()


def test_bad_input_is_one_sentence() -> None:
    with pytest.raises(rw.ConfigError, match="must keep single steps, got n_steps"):
        rw.SpreadReplayBuffer(8, BOX, ACTIONS, optimize_memory_usage=True)
    ring = rw.SpreadReplayBuffer(16, BOX, ACTIONS, n_envs=2, term="score2")
    with pytest.raises(rw.ConfigError, match='one that an episode was paid, got "score2"'):
        stored(ring, [[(True, 1.0), (True, 1.0)]])
