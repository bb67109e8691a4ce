from __future__ import annotations

import copy
import math
import pickle

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

import rewardwrap as rw
from rewardwrap.testing import check_reward
from rewardwrap.testing.toys import OddChain

GAMMA = 0.9


def normalize(**options):
    return rw.Normalize(rw.EnvReward(), **{"gamma": GAMMA, **options})


def by_hand(episodes, *, gamma=GAMMA, epsilon=1e-8, bound=10.0):
    """The definition, with every return kept: no recursion to share a mistake with."""
    returns, paid = [], []
    for episode in episodes:
        rewards = episode["reward"]
        for t, reward in enumerate(rewards):
            returns.append(sum(gamma ** (t - i) * rewards[i] for i in range(t + 1)))
            deviation = math.sqrt(np.var(returns) + epsilon) if len(returns) > 1 else 1.0
            paid.append(min(max(reward / deviation, -bound), bound))
    return np.array(paid)


def some_episodes(log, seed=0, count=8):
    rng = np.random.default_rng(seed)
    return [
        log(rng.normal(1, 2, rng.integers(1, 9)), terminated=bool(i % 2), truncated=not i % 2)
        for i in range(count)
    ]


def test_rewards_are_divided_by_the_deviation_of_the_returns_so_far(log, play):
    reward = normalize(gamma=1.0)
    # returns 2, 4, 6: deviations -, 1, sqrt(8/3)
    want = [2, 2, 2 / math.sqrt(8 / 3)]
    np.testing.assert_allclose(play(reward, log([2.0, 2.0, 2.0]))[0], want, rtol=1e-7)
    np.testing.assert_allclose(rw.relabel(reward, log([2.0, 2.0, 2.0])), 2 / math.sqrt(8 / 3))


def test_the_running_numbers_are_those_of_the_definition(log, play):
    episodes = some_episodes(log)
    want = by_hand(episodes)
    np.testing.assert_allclose(np.concatenate(play(normalize(), episodes)), want, rtol=1e-9)
    logged = rw.relabel(normalize(), episodes, training=True)
    np.testing.assert_allclose(np.concatenate(logged), want, rtol=1e-9)


@given(
    rewards=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30),
    scale=st.sampled_from([1e-3, 1.0, 1e4]),
    shift=st.sampled_from([0.0, 1e3]),
)
def test_the_moments_are_exact_even_far_from_zero(log, rewards, scale, shift):
    rewards = np.array(rewards) * scale + shift
    reward = normalize(gamma=0.0)
    rw.relabel(reward, log(rewards), training=True)
    count, mean, squares = reward.state_arrays()["moments"]
    assert count == len(rewards)
    assert mean == pytest.approx(rewards.mean(), rel=1e-9, abs=1e-9)
    assert squares == pytest.approx(
        np.square(rewards - rewards.mean()).sum(), rel=1e-6, abs=1e-8 * (1 + abs(shift))
    )


def test_the_scale_agrees_with_vec_normalize(log, player):
    lanes = [some_episodes(log, seed, count=60) for seed in range(4)]
    ours = rw.wrap(DummyVecEnv([lambda e=e: player(e) for e in lanes]), normalize())
    plain = DummyVecEnv([lambda e=e: player(e) for e in lanes])
    theirs = VecNormalize(plain, norm_obs=False, gamma=GAMMA)
    ours.reset(), theirs.reset()
    paid = []
    for _ in range(200):
        one, other = ours.step(np.zeros(4, int)), theirs.step(np.zeros(4, int))
        paid.append((one[1], other[1]))
    one, other = np.array(paid)[1:].swapaxes(0, 1)
    # they begin with a variance of 1 that is counted 1e-4 times
    np.testing.assert_allclose(one, other, rtol=1e-3)
    count, mean, squares = ours.reward.state_arrays()["moments"]
    assert (mean, squares / count) == pytest.approx(
        (theirs.ret_rms.mean, theirs.ret_rms.var), rel=1e-5
    )


def test_the_return_starts_anew_after_a_truncation(log, play):
    long = log([1.0] * 5, terminated=False, truncated=True)
    together, apart = normalize(), normalize()
    play(together, [long, long])
    play(apart, long)
    apart.load_state_dict(apart.state_dict())  # to go on in another env is meant here
    play(apart, long)
    assert together.state_arrays()["moments"].tolist() == apart.state_arrays()["moments"].tolist()


def test_evaluation_uses_what_training_taught_and_teaches_nothing(log, play):
    reward, episodes = normalize(), some_episodes(log)
    play(reward, episodes)
    frozen = reward.state_arrays()["moments"]
    scale = 1 / math.sqrt(frozen[2] / frozen[0] + 1e-8)
    test = log([3.0, -1.0, 0.5])
    want = np.clip(test["reward"] * scale, -10, 10)
    np.testing.assert_allclose(play(reward, test, training=False)[0], want)
    np.testing.assert_allclose(rw.relabel(reward, test), want)
    np.testing.assert_array_equal(reward.state_arrays()["moments"], frozen)


def test_lanes_share_one_scale(log, player):
    episodes = some_episodes(log, count=1) * 20
    venv = rw.wrap(DummyVecEnv([lambda: player(episodes)] * 3), normalize())
    venv.reset()
    for _ in range(20):
        paid = venv.step(np.zeros(3, int))[1]
        assert len(set(paid.tolist())) == 1
    assert venv.reward.state_arrays()["moments"][0] == 60


def test_one_by_one_or_at_once_the_lanes_learn_the_same_in_the_end(log, player):
    lanes = [some_episodes(log, seed, count=60) for seed in range(4)]
    one, other = normalize(), normalize()
    batch = rw.wrap(DummyVecEnv([lambda e=e: player(e) for e in lanes]), one)
    singles = [rw.wrap(player(e), other) for e in lanes]
    batch.reset()
    [env.reset() for env in singles]
    for _ in range(100):
        paid = batch.step(np.zeros(4, int))[1]
        alone = []
        for env in singles:
            _, value, terminated, truncated, _ = env.step(0)
            alone.append(value)
            if terminated or truncated:
                env.reset()
    np.testing.assert_allclose(paid, alone, rtol=0.05)
    np.testing.assert_allclose(*(r.state_arrays()["moments"] for r in (one, other)), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:invalid value encountered in dot")
@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_refused_and_never_learned(odd):
    reward = normalize()
    env = rw.wrap(OddChain(odd, at=2), reward)
    env.reset(seed=0)
    env.step(1)
    before = reward.state_arrays()["moments"]
    with pytest.raises(rw.RewardValueError, match="must be finite"):
        env.step(1)
    np.testing.assert_array_equal(reward.state_arrays()["moments"], before)
    reward = normalize()
    venv = rw.wrap(DummyVecEnv([lambda: OddChain(odd, at=2), lambda: OddChain(0.5, at=2)]), reward)
    venv.reset()
    venv.step(np.ones(2, int))
    with pytest.raises(rw.RewardValueError, match="must be finite.*lane 0"):
        venv.step(np.ones(2, int))
    assert np.isfinite(reward.state_arrays()["moments"]).all()


def test_a_reward_too_large_to_square_does_not_poison_the_statistics(log, play):
    reward = normalize()
    paid = play(reward, log([1.0, 2.0, 1e300, 1.0, 2.0]))[0]
    assert np.isfinite(paid).all()
    assert np.isfinite(reward.state_arrays()["moments"]).all()


def test_the_result_is_bounded_unless_asked_otherwise(log):
    rare = log([0.0] * 500 + [1.0])
    assert rw.relabel(normalize(), rare, training=True)[-1] == 10
    assert rw.relabel(normalize(bound=2.0), rare, training=True)[-1] == 2
    assert rw.relabel(normalize(bound=None), rare, training=True)[-1] > 20


def test_until_warm_rewards_are_paid_as_they_are(log, play):
    paid = play(normalize(warmup=4), log([3.0, 50.0, 3.0, 3.0]))[0]
    assert paid[:3].tolist() == [3.0, 10.0, 3.0]
    assert 0 < paid[3] < 1


def test_knowledge_is_saved_loaded_and_copied(log, play):
    reward = normalize()
    play(reward, some_episodes(log))
    fresh = rw.from_config(reward.to_config())
    fresh.load_state_dict(reward.state_dict())
    for other in (fresh, copy.deepcopy(reward), pickle.loads(pickle.dumps(reward))):
        assert rw.relabel(other, log([1.0])) == rw.relabel(reward, log([1.0]))
    with pytest.raises(rw.ConfigError, match="moments must be"):
        fresh.load_state_arrays({"moments": np.array([1.0, np.nan, 2.0])})


def test_loading_reaches_an_environment_that_runs(log, player):
    reward = normalize()
    env = rw.wrap(player([log([2.0] * 9)]), reward, training=False)
    env.reset()
    assert env.step(0)[1] == 2.0
    reward.load_state_arrays({"moments": np.array([100.0, 0.0, 1600.0])})
    assert env.step(0)[1] == pytest.approx(0.5)


def test_the_method_builds_it_and_clip_stays_a_method():
    built = rw.EnvReward().normalize(gamma=0.5, bound=None)
    assert built.to_config() == {"normalize": {"base": {"env": {}}, "gamma": 0.5, "bound": None}}
    assert built.clip(-1, 1).high == 1


def test_it_runs_on_a_real_env():
    env = rw.wrap(gym.make("Pendulum-v1"), rw.EnvReward().normalize().named("scaled"))
    env.reset(seed=0)
    paid = [env.step(np.zeros(1, np.float32))[1] for _ in range(200)]
    assert max(map(abs, paid)) <= 10
    assert paid[-1] != paid[-2]


@pytest.mark.parametrize(
    "options",
    [{"gamma": -1}, {"epsilon": 0}, {"bound": 0}, {"warmup": 1}, {"warmup": 2.5}, {"gamma": "a"}],
)
def test_bad_options_are_refused(options):
    with pytest.raises(rw.ConfigError, match=f"Normalize: {next(iter(options))} must .*, got "):
        rw.Normalize(rw.EnvReward(), **options)


def test_it_keeps_the_contract():
    assert check_reward(normalize()) == ()
    assert check_reward(rw.EnvReward() + 0.5 * normalize(bound=None).named("scaled")) == ()
