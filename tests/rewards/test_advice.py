from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.testing import check_reward

values = st.lists(st.floats(-5, 5), min_size=1, max_size=10)
gammas = st.floats(0.3, 1)


def phi(obs, action):
    return obs[:, 0] + 0.0 * action


def advice(gamma=0.5, **options):
    return rw.Advice(phi, gamma=gamma, **options)


def along(log, phis, **ends):
    """An episode with Phi(s_t, a_t) as given; the terminal observation is not read."""
    return log([0.0] * len(phis), obs=[[p] for p in [*phis, 99.0]], **ends)


def test_look_back_pays_the_advice_minus_the_one_before(log, play):
    cut = along(log, [2.0, 1.0], terminated=False, truncated=True)
    assert rw.relabel(advice(), cut).tolist() == [2, -3]
    assert play(advice(), cut)[0].tolist() == [2, -3]


def test_a_terminal_step_is_closed(log, play):
    episode = along(log, [2.0, 1.0])
    assert rw.relabel(advice(), episode).tolist() == [2, -3 - 1]
    assert [p.tolist() for p in play(advice(), [episode, episode])] == [[2, -4], [2, -4]]


@given(phis=values, gamma=gammas)
def test_the_discounted_sum_of_a_terminated_episode_is_zero(log, phis, gamma):
    paid = rw.relabel(advice(gamma), along(log, phis))
    assert paid @ gamma ** np.arange(len(phis)) == pytest.approx(0, abs=1e-9)


@given(phis=values, gamma=gammas)
def test_the_discounted_sum_of_a_cut_episode_is_its_last_advice(log, phis, gamma):
    paid = rw.relabel(advice(gamma), along(log, phis, terminated=False, truncated=True))
    last = len(phis) - 1
    assert paid @ gamma ** np.arange(len(phis)) == pytest.approx(gamma**last * phis[-1], abs=1e-9)


@given(phis=values, gamma=gammas)
def test_advice_on_states_alone_is_a_potential_one_step_late(log, phis, gamma):
    episode = along(log, phis, terminated=False)
    late = rw.relabel(advice(gamma), episode)[1:]
    shaping = rw.relabel(rw.Potential(lambda obs: obs[:, 0], gamma=gamma), episode)[:-1]
    np.testing.assert_allclose(late * gamma, shaping, atol=1e-9)


def test_it_depends_on_the_action(log, play):
    reward = rw.Advice(lambda obs, action: 1.0 * (action == 1), gamma=1.0)
    episode = log([0.0] * 3, action=[1, 0, 1], terminated=False, truncated=True)
    assert rw.relabel(reward, episode).tolist() == [1, -1, 1]
    assert play(reward, episode)[0].tolist() == [1, -1, 1]


def test_it_takes_the_discount_of_the_run_and_refuses_another(log, play):
    run = rw.Advice(phi)
    episode = along(log, [2.0, 1.0], terminated=False, truncated=True)
    assert play(run, episode, gamma=0.5)[0].tolist() == [2, -3]
    with pytest.raises(rw.GammaMismatch):
        play(advice(0.5), episode, gamma=0.9)
    with pytest.raises(rw.GammaMismatch):
        play(advice(0.5) + rw.Potential(lambda obs: obs[:, 0], gamma=0.9), episode)


def test_no_discount_or_a_discount_of_zero_is_refused_before_the_first_step(log, play):
    with pytest.raises(rw.ConfigError, match=r"Advice: gamma must lie in \(0, 1\], got 0"):
        advice(gamma=0)
    with pytest.raises(rw.ConfigError, match="Advice: gamma must be above 0, got 0"):
        play(rw.Advice(phi), along(log, [1.0]), gamma=0.0)
    with pytest.raises(rw.ConfigError, match="Advice: gamma must be set, got None"):
        play(rw.Advice(phi), along(log, [1.0]))


def test_a_phi_that_is_no_function_or_of_another_shape_is_refused(log):
    with pytest.raises(rw.ConfigError, match="Advice: phi must be a function"):
        rw.Advice("height")
    with pytest.raises(rw.ConfigError, match="must be an importable"):
        rw.relabel(rw.Advice("nowhere:phi", gamma=1.0), along(log, [1.0]))
    wide = rw.Advice(lambda obs, action: obs.repeat(3, axis=-1), gamma=1.0)
    with pytest.raises(rw.RewardValueError, match=r"Advice: phi <lambda> .* got \(5, 3\)"):
        rw.relabel(wide, along(log, [1.0, 2.0]))


def test_a_named_function_comes_back_from_its_configuration():
    config = {"advice": {"phi": "numpy:maximum", "gamma": 0.9}}
    assert rw.from_config(config).to_config() == config


def test_it_keeps_the_contract():
    skipped = check_reward(rw.Advice(lambda obs, action: obs[:, 0] * action[:, 0], gamma=0.9))
    # all but what a lambda cannot do: be written down
    assert len(skipped) == 2
