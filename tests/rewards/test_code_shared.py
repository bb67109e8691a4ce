"""One worker serves lanes, environments and copies of a reward; threads wait for each other's turn."""

from __future__ import annotations

import copy
import pickle
import sys
import threading

import numpy as np
import pytest

import rewardwrap as rw
from tests.rewards.test_code import batch_of, body

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="strong isolation is Linux's"
)
SOURCE = body("if next_obs[0] > 0:", "    return next_obs[0]", "return -2.0 * next_obs[1]")


def by_hand(x: np.ndarray) -> np.ndarray:
    return np.where(x[:, 0] > 0, x[:, 0], -2.0 * x[:, 1])


def test_equal_rewards_and_copies_share_a_worker_that_ends_with_the_last() -> None:
    one = rw.CodeReward(SOURCE)
    rewards = [one, rw.CodeReward(SOURCE), copy.deepcopy(one), pickle.loads(pickle.dumps(one))]
    batch = batch_of()
    for reward in rewards:
        assert reward.worker is None
        np.testing.assert_allclose(reward(batch), by_hand(batch.next_obs))
    assert len({reward.worker for reward in rewards}) == 1
    for reward in rewards[:-1]:
        reward.close()
        assert rewards[-1].worker is not None
    one(batch)  # a closed one that goes on does not keep it
    rewards[-1].close()
    assert all(reward.worker is None for reward in rewards)
    np.testing.assert_allclose(one(batch), by_hand(batch.next_obs))
    one.close()


def test_a_translation_that_is_confirmed_leaves_the_worker_to_the_others() -> None:
    rewards = [rw.CodeReward(body("return next_obs[:, 0]")) for _ in range(2)]
    batch = batch_of()
    for _ in range(9):
        rewards[0](batch)
        if rewards[0].worker is not None:
            rewards[1](batch)
    assert rewards[0].where == "calculus"
    while rewards[1].worker is not None:
        rewards[1](batch)
    assert rewards[0].worker is None


@pytest.mark.parametrize(
    "other",
    [
        {"deadline": 2.0},
        {"memory_mb": 256},
        {"gate": "off"},
        {"source": SOURCE + "\n"},
    ],
)
def test_other_code_or_another_wall_is_another_worker(other) -> None:
    made = [rw.CodeReward(**{"source": SOURCE, **given}) for given in ({}, other)]
    for reward in made:
        reward(batch_of())
    assert made[0].worker != made[1].worker
    for reward in made:
        reward.close()


def test_code_that_may_keep_something_is_not_shared() -> None:
    source = "n = [0.0]\n" + body("n[0] += 1.0", "return obs[:, 0]")
    made = [rw.CodeReward(source, gate="off", components=()) for _ in range(2)]
    for reward in made:
        reward(batch_of())
    assert made[0].worker != made[1].worker
    for reward in made:
        reward.close()


def test_batches_of_two_looks_keep_a_worker_each() -> None:
    reward, wide = rw.CodeReward(SOURCE), batch_of(next_obs=np.ones((6, 9)))
    reward(batch_of())
    first = reward.worker
    np.testing.assert_allclose(reward(wide), 1.0)
    assert reward.worker != first
    reward(batch_of())
    assert reward.worker == first
    reward.close()


def test_threads_are_paid_each_for_its_own_rows() -> None:
    """Two on one reward, two on copies of it, different numbers of rows: nobody gets another's numbers."""
    reward = rw.CodeReward(SOURCE)
    reward.probe(batch_of())
    rewards, wrong = [reward, reward, copy.deepcopy(reward), copy.deepcopy(reward)], []

    def steps(at: int) -> None:
        x = np.random.default_rng(at).normal(size=(40, 1 + at, 4))
        for rows in x:
            batch = batch_of(1 + at, obs=rows, next_obs=rows)
            if not np.allclose(rewards[at](batch), by_hand(rows)):
                wrong.append(at)

    threads = [threading.Thread(target=steps, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len({r.worker for r in rewards}) == 1
    for r in rewards:
        r.close()
