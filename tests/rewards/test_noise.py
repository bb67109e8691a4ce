from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw
from rewardwrap.core.info import ColumnInfo
from rewardwrap.core.transitions import Transitions
from rewardwrap.testing import check_reward

bits = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=12)
scopes = st.sampled_from(["episode", "step", "group"])


def flip(p, **options):
    if options.get("scope") == "group":
        options["group"] = "task"
    return rw.Flip(rw.EnvReward(), p, **options)


def noisy(reward, episodes):
    return rw.relabel(reward, episodes, training=True)


def with_task(log, reward, task):
    """An episode whose reset reports its task."""
    episode = log(reward)
    episode["info"]["task"] = np.full(len(reward) + 1, task)
    return episode


@given(r=bits, scope=scopes)
def test_without_noise_it_is_the_identity_and_with_all_of_it_the_complement(log, r, scope):
    episode = with_task(log, r, 3)
    assert noisy(flip(0.0, scope=scope), episode).tolist() == r
    assert noisy(flip(1.0, scope=scope), episode).tolist() == [1 - x for x in r]


@given(r=bits, scope=scopes, p=st.floats(0, 1), seed=st.integers(0, 99))
def test_two_flips_with_the_same_draw_cancel(log, r, scope, p, seed):
    group = "task" if scope == "group" else None
    twice = rw.Flip(flip(p, scope=scope, seed=seed), p, scope=scope, seed=seed, group=group)
    assert noisy(twice, with_task(log, r, 7)).tolist() == r


@pytest.mark.parametrize("scope", ["episode", "step", "group"])
def test_the_mean_of_a_flipped_reward_keeps_a_gap_of_one_minus_two_p(log, scope):
    n, p = 4000, 0.4
    for r in (0.0, 1.0):
        episodes = [with_task(log, [r], task) for task in range(n)]
        mean = np.mean(noisy(flip(p, scope=scope, seed=1), episodes))
        # .6 for right, .4 for wrong; 4 standard deviations
        assert mean == pytest.approx(p + (1 - 2 * p) * r, abs=4 * math.sqrt(p * (1 - p) / n))


@pytest.mark.parametrize("rates", [0.3, (0.1, 0.4)])
def test_the_surrogate_is_unbiased(log, rates):
    n = 4000
    for r in (0.0, 1.0):
        paid = noisy(flip(rates, unbiased=True, scope="step"), log([r] * n))
        assert len(set(paid.round(9))) == 2
        assert paid.mean() == pytest.approx(r, abs=4 * paid.std() / math.sqrt(n))


def test_the_worked_surrogate(log):
    # (1 - .4) / (1 - .8) and (0 - .4) / (1 - .8)
    paid = noisy(flip(0.4, unbiased=True, scope="step"), log([1.0] * 50))
    assert set(paid.round(9)) == {3.0, -2.0}


def test_false_positives_and_false_negatives_have_rates_of_their_own(log):
    assert noisy(flip((1.0, 0.0)), log([0, 1])).tolist() == [1, 1]
    assert noisy(flip((0.0, 1.0)), log([0, 1])).tolist() == [0, 0]
    n = 4000
    zeros = noisy(flip((0.1, 0.6), scope="step"), log([0.0] * n)).mean()
    ones = noisy(flip((0.1, 0.6), scope="step"), log([1.0] * n)).mean()
    assert zeros == pytest.approx(0.1, abs=0.02)
    assert ones == pytest.approx(0.4, abs=0.035)


def test_an_episode_shares_one_draw_and_a_step_does_not(log, play):
    episodes = [log([1.0] * 8)] * 40
    for paid in (play(flip(0.5), episodes), noisy(flip(0.5), episodes)):
        assert {tuple(p) for p in paid} == {(0.0,) * 8, (1.0,) * 8}
    assert len({tuple(p) for p in play(flip(0.5, scope="step"), episodes)}) > 20


def test_a_group_is_drawn_anew_at_every_visit_for_all_lanes_that_begin_together(log, play, player):
    episodes = [with_task(log, [1.0, 1.0], task) for task in (3, 8)]
    reward = flip(0.3, scope="group", seed=3)
    venv = rw.wrap(DummyVecEnv([lambda: player(episodes)] * 3), reward)
    venv.reset()
    paid = np.array([venv.step(np.zeros(3, int))[1] for _ in range(4 * 400)])
    assert (paid == paid[:, :1]).all()
    visits = paid[:, 0].reshape(400, 2, 2)
    assert (visits[..., 0] == visits[..., 1]).all()
    for of_group in visits[..., 0].T:
        # 4 standard deviations
        assert of_group.mean() == pytest.approx(0.7, abs=4 * math.sqrt(0.21 / 400))


def answers(redraw: bool, seed: int, *, questions=20, options=5, group=8, updates=6000) -> float:
    """Share of right answers of a group-normalised policy gradient under flips at p = 0.4."""
    rng = np.random.default_rng(seed)
    reward = flip(0.4, scope="group", redraw=redraw, seed=seed)
    logits, carry = np.zeros((questions, options)), reward.init(group)
    zeros, everyone = np.zeros(group), np.ones(group, bool)
    for _ in range(updates):
        question = rng.integers(questions)
        chances = np.exp(logits[question] - logits[question].max())
        chances /= chances.sum()
        chosen = rng.choice(options, size=group, p=chances)
        info = ColumnInfo({"task": np.full(group, question)})
        right = (chosen == 0).astype(float)
        batch = Transitions(
            zeros, chosen, zeros, right, everyone, ~everyone, everyone, info_before=info
        )
        carry, paid = reward.step(carry, batch)
        advantage = (paid - paid.mean()) / (paid.std() + 1e-6)
        for answer, a in zip(chosen, advantage, strict=True):
            logits[question] += 0.2 / group * a * ((np.arange(options) == answer) - chances)
    return float((logits.argmax(axis=1) == 0).mean())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_noise_that_is_drawn_anew_can_be_learned_through_and_wrong_labels_cannot(seed):
    assert answers(True, seed) >= 0.95
    assert answers(False, seed) <= 0.8


def test_a_group_without_a_new_draw_shares_one_for_ever(log, play, player):
    episodes = [with_task(log, [1.0, 1.0], task) for task in range(50)]
    reward = flip(0.5, scope="group", redraw=False, seed=3)
    paid = play(reward, episodes)
    assert all(p[0] == p[1] for p in paid)
    assert 10 < sum(p[0] for p in paid) < 40
    np.testing.assert_array_equal(paid, play(reward, episodes))
    venv = rw.wrap(DummyVecEnv([lambda: player(episodes)] * 3), reward)
    venv.reset()
    lanes = np.array([venv.step(np.zeros(3, int))[1] for _ in range(100)])
    np.testing.assert_array_equal(lanes, np.repeat(np.concatenate(paid), 3).reshape(-1, 3))


@pytest.mark.parametrize(
    "reward",
    [
        flip(1.0),
        flip(1.0, scope="step", unbiased=False),
        rw.Gaussian(rw.EnvReward(), 5.0),
        rw.Dropout(rw.EnvReward(), 1.0),
    ],
)
def test_evaluation_is_never_perturbed(log, play, reward):
    episode = log([0.0, 1.0, 1.0])
    assert play(reward, episode, training=False)[0].tolist() == [0, 1, 1]
    assert rw.relabel(reward, episode).tolist() == [0, 1, 1]
    assert play(reward, episode)[0].tolist() != [0, 1, 1]


def test_training_that_begins_mid_episode_draws_then(log, player):
    env = rw.wrap(player([log([1.0] * 4)]), flip(1.0), training=False)
    env.reset()
    before = env.step(0)[1]
    env.training = True
    assert (before, env.step(0)[1]) == (1.0, 0.0)


def test_the_same_seed_draws_the_same_and_another_seed_does_not(log, play):
    episodes = [log([1.0] * 30)] * 2
    one, other, third = (play(flip(0.5, scope="step", seed=s), episodes) for s in (5, 5, 6))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one, third)


def test_lanes_and_logged_episodes_have_noise_of_their_own(log, player):
    episode = log([1.0] * 64)
    first, second = noisy(flip(0.5, scope="step"), [episode, episode])
    assert not np.array_equal(first, second)
    venv = rw.wrap(DummyVecEnv([lambda: player([episode])] * 2), flip(0.5, scope="step"))
    venv.reset()
    lanes = np.array([venv.step(np.zeros(2, int))[1] for _ in range(64)])
    # the number of a lane alone decides what it draws, here as in the log
    np.testing.assert_array_equal(lanes.T, [first, second])


def test_a_lane_draws_the_same_whatever_the_others_do(log, player):
    long, short = log([1.0] * 60), log([1.0] * 7)
    paid = []
    for other in (long, short):
        lanes = [lambda: player([long]), lambda e=other: player([e])]
        venv = rw.wrap(DummyVecEnv(lanes), rw.Gaussian(rw.EnvReward(), 1.0))
        venv.reset()
        paid.append([venv.step(np.zeros(2, int))[1][0] for _ in range(60)])
    np.testing.assert_array_equal(*paid)


def test_a_run_goes_on_with_the_same_noise_after_a_copy(log, player):
    env = rw.wrap(player([log([0.0] * 20)]), rw.Gaussian(rw.EnvReward(), 1.0))
    env.reset()
    env.step(0)
    copies = [pickle.loads(pickle.dumps(env._lanes)), copy.deepcopy(env._lanes)]
    want = [env.step(0)[1] for _ in range(5)]
    for lane in copies:
        step = lane.stepper(lambda action: (np.zeros(1), 0.0, False, False, {}), copies=False)
        assert [step(0)[1] for _ in range(5)] == want


def test_gaussian_noise_has_its_deviation_and_no_bias(log):
    paid = noisy(rw.Gaussian(rw.EnvReward(), 0.5), log([2.0] * 4000))
    assert paid.mean() == pytest.approx(2, abs=4 * 0.5 / math.sqrt(4000))
    assert paid.std() == pytest.approx(0.5, rel=0.05)


def test_dropout_loses_its_share(log):
    paid = noisy(rw.Dropout(rw.EnvReward(), 0.3), log([2.0] * 4000))
    assert set(paid) == {0.0, 2.0}
    assert np.mean(paid == 0) == pytest.approx(0.3, abs=0.03)


def test_an_outcome_is_flipped_at_the_end_alone_where_asked(log, play):
    outcome = rw.Sparsify(flip(1.0), last=True)
    assert play(outcome, log([0.0, 0.0, 1.0]))[0].tolist() == [0, 0, 0]
    assert play(outcome.fresh(), log([0.0, 0.0, 0.0]))[0].tolist() == [0, 0, 1]


def test_a_reward_that_is_not_binary_is_refused(log):
    with pytest.raises(rw.RewardValueError, match=r"base must pay 0 or 1, got 0.5 in lane 0"):
        noisy(flip(0.5), log([0.5]))
    with pytest.raises(rw.RewardValueError, match="base must pay 0 or 1"):
        rw.relabel(flip(0.5), log([0.5]))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: flip(1.5),
        lambda: flip((0.1, 0.2, 0.3)),
        lambda: flip("half"),
        lambda: flip(0.1, scope="run"),
        lambda: rw.Flip(rw.EnvReward(), 0.1, scope="group"),
        lambda: rw.Flip(rw.EnvReward(), 0.1, group="task"),
        lambda: flip(0.5, unbiased=True),
        lambda: flip(0.5, seed=-1),
        lambda: rw.Gaussian(rw.EnvReward(), -1.0),
        lambda: rw.Dropout(rw.EnvReward(), 2.0),
    ],
)
def test_bad_options_are_refused(wrong):
    with pytest.raises(rw.ConfigError, match="must .*, got "):
        wrong()


@pytest.mark.parametrize(
    "reward",
    [
        rw.Flip(rw.Sign(rw.EnvReward()).maximum(0), 0.3),
        rw.Flip(rw.Sign(rw.EnvReward()).maximum(0), [0.3, 0.1], scope="step", unbiased=True),
        rw.Gaussian(rw.EnvReward(), 0.3),
        rw.Dropout(rw.EnvReward(), 0.3),
    ],
)
def test_they_keep_the_contract(reward):
    assert check_reward(reward) == ()
