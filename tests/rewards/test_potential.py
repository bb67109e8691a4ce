from __future__ import annotations

import warnings

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw
from rewardwrap.adapters.offline import transitions
from rewardwrap.core.transitions import Transitions
from rewardwrap.testing import check_reward

gammas = st.floats(0, 1)
values = st.lists(st.floats(0, 10), min_size=2, max_size=12)


def position(obs):
    return obs[:, 0]


def potential(gamma=0.9, phi=position, **options):
    return rw.Potential(phi, gamma=gamma, **options)


def along(log, phis, **ends):
    """An episode through states whose potentials are given."""
    return log([0.0] * (len(phis) - 1), obs=[[p] for p in phis], **ends)


# H01: the identity ---------------------------------------------------------------------------------


def test_worked_numbers(log, play):
    episode = along(log, [0.0, 0.5, 7.0])
    for paid in (rw.relabel(potential(), episode), play(potential(), episode)[0]):
        np.testing.assert_allclose(paid, [0.45, -0.5])
        assert paid[0] + 0.9 * paid[1] == pytest.approx(0.0, abs=1e-12)


@given(phis=values, gamma=gammas, end=st.sampled_from(["terminated", "truncated", "both", "cut"]))
def test_the_discounted_sum_telescopes_however_the_episode_ends(log, phis, gamma, end):
    terminated, truncated = end in ("terminated", "both"), end in ("truncated", "both")
    episode = along(log, phis, terminated=terminated, truncated=truncated)
    steps = len(phis) - 1
    left = 0.0 if terminated else gamma**steps * phis[-1]
    paid = rw.relabel(potential(gamma), episode)
    assert paid @ gamma ** np.arange(steps) == pytest.approx(left - phis[0], abs=1e-9)


@given(data=st.data(), gamma=gammas)
def test_it_telescopes_in_every_lane_of_a_batch_with_any_pattern_of_ends(data, gamma):
    steps, lanes = 8, 3
    draw = data.draw(st.randoms(use_true_random=False))
    rng = np.random.default_rng(draw.randrange(2**32))
    reward = potential(gamma)
    carry, obs, first = reward.init(lanes), rng.random((lanes, 1)), np.ones(lanes, bool)
    start, total, scale = obs[:, 0].copy(), np.zeros(lanes), np.ones(lanes)
    for _ in range(steps):
        after = rng.random((lanes, 1))
        terminated, truncated = rng.random((2, lanes)) < 0.25
        batch = Transitions(
            obs=obs,
            action=np.zeros(lanes),
            next_obs=after,
            reward=np.zeros(lanes),
            terminated=terminated,
            truncated=truncated & ~terminated,
            first=first,
        )
        carry, paid = reward.step(carry, batch)
        total += scale * paid
        scale *= gamma
        ended = terminated | truncated
        left = np.where(terminated, 0.0, scale * after[:, 0])
        np.testing.assert_allclose(total, left - start, atol=1e-9)
        obs = np.where(ended[:, None], rng.random((lanes, 1)), after)
        start[ended], total[ended], scale[ended] = obs[ended, 0], 0.0, 1.0
        first = ended


@given(phis=values, gamma=gammas, reward=st.floats(-5, 5))
def test_it_does_not_depend_on_the_environments_reward(log, phis, gamma, reward):
    episode = along(log, phis)
    paid = {**episode, "reward": episode["reward"] + reward}
    np.testing.assert_array_equal(
        rw.relabel(potential(gamma), episode), rw.relabel(potential(gamma), paid)
    )


@given(phis=values, gamma=gammas, shift=st.floats(0, 5))
def test_a_constant_added_to_phi_moves_a_terminated_return_by_itself_alone(log, phis, gamma, shift):
    episode, discounts = along(log, phis), gamma ** np.arange(len(phis) - 1)
    moved = potential(gamma, lambda obs: obs[:, 0] + shift)
    difference = (rw.relabel(moved, episode) - rw.relabel(potential(gamma), episode)) @ discounts
    assert difference == pytest.approx(-shift, abs=1e-9)


@given(phis=values, gamma=gammas)
def test_a_closed_loop_earns_nothing_at_a_discount_of_one_and_a_drip_below(log, phis, gamma):
    loop = along(log, [*phis, phis[0]], terminated=False)
    assert rw.relabel(potential(1.0), loop).sum() == pytest.approx(0, abs=1e-9)
    drip = (gamma - 1) * sum(phis)
    assert rw.relabel(potential(gamma), loop).sum() == pytest.approx(drip, abs=1e-9)


# H01: the invariance ------------------------------------------------------------------------------

STATES, ACTIONS, GAMMA = 6, 3, 0.9
END = STATES - 1


def shaping(phi, *, gamma=GAMMA, ends=True):
    """F(s, s') for every pair of states, as the reward under test pays it."""
    before, after = (grid.ravel() for grid in np.meshgrid(range(END), range(STATES), indexing="ij"))
    n = len(before)
    batch = Transitions(
        obs=before[:, None],
        action=np.zeros(n),
        next_obs=after[:, None],
        reward=np.zeros(n),
        terminated=(after == END) & ends,
        truncated=np.zeros(n, bool),
        first=np.ones(n, bool),
    )
    reward = potential(gamma, lambda obs: phi[obs[:, 0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rw.RewardwrapWarning)
        _, paid = reward.step(reward.init(n), batch)
    return paid.reshape(END, STATES)


def greedy(chance, pay):
    """The optimal action in each state, by value iteration; ``pay`` is r(s, a, s')."""
    value = np.zeros(STATES)
    for _ in range(400):
        quality = (chance * (pay + GAMMA * value)).sum(axis=-1)
        value[:END] = quality.max(axis=1)
    return quality.argmax(axis=1)


def changed_policies(**options):
    """In how many of 200 random problems shaping changes what is best."""
    rng, changed = np.random.default_rng(0), 0
    for _ in range(200):
        chance = rng.dirichlet(np.full(STATES, 0.5), size=(END, ACTIONS))
        pay = rng.normal(size=(END, ACTIONS, 1))
        # large beside the rewards, so that a mistake shows
        phi = rng.normal(size=STATES) * 20
        shaped = pay + shaping(phi, **options)[:, None, :]
        changed += not np.array_equal(greedy(chance, pay), greedy(chance, shaped))
    return changed


def test_no_potential_changes_the_best_policy():
    assert changed_policies() == 0


def test_a_potential_kept_at_the_terminal_state_changes_it():
    assert changed_policies(ends=False) >= 100


def test_another_discount_than_the_agents_changes_it():
    assert changed_policies(gamma=1.0) >= 50


# H02: where episodes end ----------------------------------------------------------------------------


def best_exit(ends):
    """Start in the middle of five cells; the left exit pays 1, the right one .6 and has a high Phi."""
    phi = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
    cells = np.arange(5)
    value = np.zeros(5)
    reward = potential(GAMMA, lambda obs: phi[obs[:, 0]])
    for _ in range(100):
        quality = np.full((5, 2), -np.inf)
        for action, move in enumerate((-1, 1)):
            after = cells[1:4] + move
            ended = (after == 0) | (after == 4)
            batch = Transitions(
                obs=cells[1:4, None],
                action=np.full(3, action),
                next_obs=after[:, None],
                reward=np.zeros(3),
                terminated=ended & ends,
                truncated=np.zeros(3, bool),
                first=np.ones(3, bool),
            )
            paid = 1.0 * (after == 0) + 0.6 * (after == 4) + reward.step(reward.init(3), batch)[1]
            quality[1:4, action] = paid + np.where(ended, 0.0, GAMMA * value[after])
        value[1:4] = quality[1:4].max(axis=1)
    return ("left", "right")[quality[2].argmax()]


def test_the_better_of_two_exits_stays_the_better_one():
    assert best_exit(ends=True) == "left"


def test_and_does_not_if_phi_is_kept_at_the_exits():
    assert best_exit(ends=False) == "right"


def test_failing_pays_no_potential(log):
    paid = rw.relabel(potential(1.0), along(log, [4.0, 10.0]))
    # with Phi kept it would be +6
    assert paid.tolist() == [-4.0]


def test_truncation_keeps_the_potential(log, play):
    episode = along(log, [1.0, 2.0, 4.0], terminated=False, truncated=True)
    for paid in (rw.relabel(potential(), episode), play(potential(), episode)[0]):
        # zeroing Phi would add the bias -gamma * Phi(s_T) to the last step
        np.testing.assert_allclose(paid, [0.8, 0.9 * 4 - 2])


def test_truncation_zeroes_it_for_learners_that_do_not_bootstrap(log, play):
    episode = along(log, [1.0, 2.0, 4.0], terminated=False, truncated=True)
    reward = potential(on_truncation="terminal")
    for paid in (rw.relabel(reward, episode), play(reward, episode)[0]):
        np.testing.assert_allclose(paid, [0.8, -2.0])


def test_terminated_and_truncated_at_once_counts_as_terminated(log, play):
    episode = along(log, [1.0, 2.0, 4.0], truncated=True)
    for paid in (rw.relabel(potential(), episode), play(potential(), episode)[0]):
        np.testing.assert_allclose(paid, [0.8, -2.0])


def test_the_next_episode_starts_from_its_own_first_observation(log, play, player):
    episodes = [
        along(log, [1.0, 2.0]),
        along(log, [5.0, 6.0, 7.0], terminated=False, truncated=True),
    ]
    want = [[-1.0], [0.4, 0.3]]
    for got, expected in zip(play(potential(), episodes), want, strict=True):
        np.testing.assert_allclose(got, expected)
    venv = rw.wrap(DummyVecEnv([lambda: player(episodes)]), potential())
    venv.reset()
    np.testing.assert_allclose(
        [venv.step([0])[1][0] for _ in range(3)], [-1.0, 0.4, 0.3], rtol=1e-6
    )


def test_a_negative_phi_at_a_terminal_state_is_warned_about_once(log, play):
    episode = along(log, [-1.0, -2.0])
    reward = potential()
    with pytest.warns(rw.RewardwrapWarning, match="got -2. Ending there pays -Phi"):
        play(reward, episode)
    play(reward, [episode] * 2)
    batch = transitions(episode)
    reward.step(reward.init(1), batch)
    other = potential()
    with pytest.warns(rw.RewardwrapWarning, match="got -2"):
        other.step(other.init(1), batch)


def test_a_negative_phi_elsewhere_is_not(log, play):
    play(potential(), along(log, [-1.0, -2.0, 0.0]))
    play(potential(), along(log, [-1.0, -2.0], terminated=False, truncated=True))


# H03: a potential that changes while it shapes -------------------------------------------------------


def test_the_value_at_entry_is_remembered(log, player):
    table = np.array([1.0, 2.0, 3.0])
    reward = potential(phi=lambda obs: table[obs[:, 0].astype(int)])
    env = rw.wrap(player([along(log, [0, 1, 2], terminated=False)]), reward)
    env.reset()
    assert env.step(0)[1] == pytest.approx(0.9 * 2 - 1)
    table *= 2
    # 2 was cached when s' was entered; re-evaluating it would subtract 4
    assert env.step(0)[1] == pytest.approx(0.9 * 6 - 2)


@given(seed=st.integers(0, 10**6), gamma=gammas)
def test_it_telescopes_with_cached_values_whatever_phi_becomes(log, player, seed, gamma):
    rng, table = np.random.default_rng(seed), np.empty(8)
    reward = potential(gamma, lambda obs: table[obs[:, 0].astype(int)])
    env = rw.wrap(player([along(log, range(8))]), reward)
    table[:] = rng.random(8)
    env.reset()
    start, total, wrong = table[0], 0.0, 0.0
    for t in range(7):
        anew = table[t]
        table[:] = rng.random(8)
        total += gamma**t * env.step(0)[1]
        after = table[t + 1] if t < 6 else 0.0
        # the negative control: Phi(s) by the new table
        wrong += gamma**t * (gamma * after - table[t])
        assert total == pytest.approx((gamma ** (t + 1) * after if t < 6 else 0.0) - start)
        assert t == 0 or anew != table[t]
    if gamma > 0.1:
        assert wrong != pytest.approx(-start)


# what may be asked of phi -----------------------------------------------------------------------------


def test_a_named_field_and_a_linear_form_read_the_recipe():
    env = rw.wrap(gym.make("CartPole-v1"), rw.Potential("pole_angle", gamma=1.0))
    obs, _ = env.reset(seed=0)
    after, paid, *_ = env.step(1)
    assert paid == pytest.approx(after[2] - obs[2])
    form = {"pole_angle": -2.0, "cart_position": 1.0, "bias": 5.0}
    env = rw.wrap(gym.make("CartPole-v1"), rw.Potential(form, gamma=1.0))
    obs, _ = env.reset(seed=0)
    after, paid, *_ = env.step(1)
    assert paid == pytest.approx(after[0] - obs[0] - 2 * (after[2] - obs[2]))


def test_phi_may_read_info(log, play):
    episode = log([0.0, 0.0], terminated=False, height=[3.0, 5.0])
    reward = rw.Potential(lambda obs, info: info["height"], gamma=1.0)
    for paid in (rw.relabel(reward, episode), play(reward, episode)[0]):
        assert paid.tolist() == [3.0, 2.0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: potential(1.2), r"gamma must lie in \[0, 1\], got 1.2"),
        (lambda: potential(on_truncation="keep"), "on_truncation must be"),
        (
            lambda: rw.Potential(3.0),
            "phi must be a field, a linear form, a function or a reward, got 3.0",
        ),
    ],
)
def test_bad_options_are_refused(wrong, said):
    with pytest.raises(rw.ConfigError, match=said):
        wrong()


def test_what_does_not_fit_the_env_is_refused_before_the_first_step():
    env = gym.make("CartPole-v1")
    with pytest.raises(rw.UnknownName, match='"pole_angel". Did you mean "pole_angle"'):
        rw.wrap(env, rw.Potential("pole_angel", gamma=0.9))
    with pytest.raises(rw.ConfigError, match="Potential: gamma must be set, got None"):
        rw.wrap(env, rw.Potential("pole_angle"))
    with pytest.raises(rw.ConfigError, match="must be an importable"):
        rw.wrap(env, rw.Potential("nowhere:phi", gamma=0.9))
    with pytest.raises(rw.GammaMismatch):
        rw.wrap(env, rw.Potential("pole_angle", gamma=0.9), gamma=0.99)


def test_a_phi_of_another_shape_is_refused(log):
    with pytest.raises(rw.RewardValueError, match=r"got \(5, 3\) from a batch of 5"):
        rw.relabel(
            rw.Potential(lambda obs: obs.repeat(3, axis=-1), gamma=0.9), along(log, [1.0, 2.0])
        )


@pytest.mark.parametrize("ends", ["bootstrap", "terminal"])
def test_it_keeps_the_contract(ends):
    skipped = check_reward(potential(on_truncation=ends))
    # all but what a function of a test module cannot do: be written down
    assert len(skipped) <= 2
