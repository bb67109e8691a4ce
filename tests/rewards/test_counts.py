from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import DQN

import rewardwrap as rw
from rewardwrap.testing import check_reward
from rewardwrap.testing.tapes import Tape, random_episodes, tape_of


def paid(reward: rw.Reward, obs: list[list[float]], *, training: bool = True) -> np.ndarray:
    """What one learning lane is paid for walking through these states."""
    steps = len(obs) - 1
    none = np.zeros(steps, bool)
    log = {"obs": np.array(obs), "action": none * 1, "reward": none * 1.0}
    return rw.relabel(reward, {**log, "terminated": none, "truncated": none}, training=training)


def side_by_side(lanes: int) -> rw.Transitions:
    none = np.zeros(lanes, bool)
    obs = np.zeros((lanes, 2))
    return rw.Transitions(obs, none, obs, np.zeros(lanes), none, none, ~none)


def test_the_first_fourth_and_sixteenth_visit_pay_one_a_half_and_a_quarter() -> None:
    bonus = paid(rw.Counts(), [[0.0]] * 17)
    assert [bonus[n - 1] for n in (1, 4, 16)] == [1.0, 0.5, 0.25]
    assert (np.diff(bonus) < 0).all()


def test_lanes_share_one_table_and_are_paid_alike() -> None:
    counts = rw.Counts()
    carry = counts.init(4)
    for want in (0.5, 8**-0.5, 12**-0.5, 0.25):
        carry, bonus = counts.step(carry, side_by_side(4))
        assert bonus.tolist() == [pytest.approx(want)] * 4
    assert len(counts.visits) == 1


def test_evaluation_counts_nothing_and_pays_what_is_new_in_full() -> None:
    counts = rw.Counts()
    paid(counts, [[0.0]] * 5)
    assert paid(counts, [[0.0], [0.0], [9.0], [9.0]], training=False).tolist() == [0.5, 1.0, 1.0]
    assert len(counts.visits) == 1


def test_none_rounds_the_observation() -> None:
    assert paid(rw.Counts(), [[0.0], [0.01], [0.04], [0.06], [-0.0]]).tolist() == [
        1.0, pytest.approx(2**-0.5), 1.0, pytest.approx(3**-0.5),
    ]  # fmt: skip
    assert paid(rw.Counts(digits=2), [[0.0], [0.01], [0.04]]).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "key",
    [
        lambda obs: obs[:, 0] > 0,
        lambda obs: [tuple(row > 0) for row in obs],
        lambda obs: ["right" if row[0] > 0 else "left" for row in obs],
    ],
    ids=["array", "tuples", "words"],
)
def test_a_function_of_a_batch_says_what_is_the_same(key) -> None:
    bonus = paid(rw.Counts(key), [[0.0], [1.0], [2.0], [-1.0], [3.0]])
    assert bonus.tolist() == [1.0, pytest.approx(2**-0.5), 1.0, pytest.approx(3**-0.5)]


def test_a_field_of_the_recipe_is_a_key() -> None:
    env = rw.wrap(gym.make("rewardwrap/NoisyTV-v0"), rw.Counts("cell").named("new"))
    env.reset(seed=0)
    terms = [env.step(action)[-1]["reward_terms"]["new"] for action in (1, 2, 2, 1)]
    assert terms == [1.0, pytest.approx(2**-0.5), pytest.approx(3**-0.5), 1.0]


def test_the_last_observation_of_an_episode_is_counted_and_not_the_first_of_the_next() -> None:
    counts = rw.Counts("cell")
    venv = rw.make("rewardwrap/NoisyTV-v0", counts, n_envs=2, seed=0)
    venv.reset()
    for _ in range(7):
        _, bonus, dones, _ = venv.step(np.array([1, 1]))
    assert dones.all()
    # two lanes, seven new cells: cell 7 for the first time, and cell 0 never
    assert bonus.tolist() == [pytest.approx(2**-0.5)] * 2
    assert len(counts.visits) == 7


def test_what_was_counted_is_saved(tmp_path) -> None:
    counts = rw.Counts()
    paid(counts, [[0.0], [0.0], [0.0], [5.0]])
    rw.save(counts, tmp_path)
    assert paid(rw.load(tmp_path), [[0.0], [0.0], [5.0]]).tolist() == [
        pytest.approx(3**-0.5),
        pytest.approx(2**-0.5),
    ]


def test_the_contract() -> None:
    assert check_reward(rw.Counts(normalise=True)) == ()


def test_keys_that_are_none_are_a_sentence() -> None:
    with pytest.raises(
        rw.RewardValueError, match=r"Counts: key must return hashable keys, got list"
    ):
        paid(rw.Counts(lambda obs: [[1] for _ in obs]), [[0.0]] * 2)
    with pytest.raises(rw.RewardValueError, match="one key for each of 1 lanes, got 2 keys"):
        paid(rw.Counts(lambda obs: [1, 2]), [[0.0]] * 2)
    with pytest.raises(rw.RewardValueError, match="one key for each of 1 lanes, got int"):
        paid(rw.Counts(lambda obs: 1), [[0.0]] * 2)
    with pytest.raises(
        rw.ConfigError, match="Counts: key must be a field, a function or None, got 3"
    ):
        rw.Counts(3)
    with pytest.raises(rw.ConfigError, match="Counts: beta must be at least 0, got -1"):
        rw.Counts(beta=-1)


def test_replay_buffers_pay_by_the_counts_of_now() -> None:
    counts = rw.Counts(lambda obs: obs[:, 0])
    venv = rw.make("rewardwrap/NoisyTV-v0", counts, n_envs=1, seed=0)
    model = DQN(
        "MlpPolicy",
        venv,
        learning_starts=40,
        buffer_size=100,
        replay_buffer_class=rw.RelabelReplayBuffer,
        replay_buffer_kwargs={"reward": counts},
        policy_kwargs={"net_arch": [8]},
        seed=0,
    )
    model.learn(60)
    known = counts.visits.arrays()["counts"].sum()
    model.replay_buffer.relabel()
    kept = model.replay_buffer.rewards[:60, 0]
    assert known == counts.visits.arrays()["counts"].sum() == 60
    # every visit is paid by the final count: sum over visits of N^-1/2 is the sum over keys of N^1/2
    assert kept.sum() == pytest.approx(np.sqrt(counts.visits.arrays()["counts"]).sum(), rel=1e-5)


def test_lanes_in_another_order_are_paid_in_that_order() -> None:
    task = rw.Task(name="any", gamma=0.9)
    tape: Tape = tape_of(random_episodes(np.random.default_rng(0), task=task, width=2), 3, task)
    one, other, order = rw.Counts(digits=0), rw.Counts(digits=0), [2, 0, 1]
    a, b = one.init(3), other.init(3)
    for t in range(tape.steps):
        a, first = one.step(a, tape.batch(t, training=True))
        b, second = other.step(b, tape.batch((t, order), training=True))
        assert first[order].tolist() == second.tolist()
