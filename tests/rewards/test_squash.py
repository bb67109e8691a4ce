from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.testing import check_reward

numbers = st.floats(-15, 15)
references = st.lists(numbers, min_size=1, max_size=5)


def value(log, reward, r):
    """What the squash pays for env rewards ``r``."""
    return rw.relabel(reward, log(np.atleast_1d(np.asarray(r, float))))


def par(refs, **options):
    return rw.PAR(rw.EnvReward(), refs, **options)


def test_par_of_three_references(log, play):
    assert value(log, par([0.5, 1.5, 3]), 2).round(4).tolist() == [0.5697]
    assert play(par([0.5, 1.5, 3]), log([2.0]))[0].round(4).tolist() == [0.5697]


@given(r=numbers, refs=references)
def test_par_lies_between_zero_and_one_and_increases(log, r, refs):
    low, high = value(log, par(refs), [r, r + 0.1])
    assert 0 < low < high < 1


@given(r=numbers, refs=references, shift=numbers)
def test_par_depends_on_differences_to_the_references_alone(log, r, refs, shift):
    moved = value(log, par([ref + shift for ref in refs]), r + shift)
    assert moved == pytest.approx(value(log, par(refs), r), rel=1e-9)


@given(ref=numbers, k=st.floats(0.1, 5))
def test_par_is_one_half_at_its_reference_and_steepest_there(log, ref, k):
    below, at, above = value(log, par([ref], k=k), [ref - 1e-4, ref, ref + 1e-4])
    assert at == pytest.approx(0.5)
    assert (above - below) / 2e-4 == pytest.approx(k / 4, rel=1e-4)


def test_par_has_the_slope_of_a_sigmoid(log):
    r = np.linspace(-5, 5, 101)
    low, at, high = (value(log, par([0.3]), r + step) for step in (-1e-5, 0, 1e-5))
    np.testing.assert_allclose((high - low) / 2e-5, at * (1 - at), atol=1e-8)


def test_log_sigmoid_of_worked_numbers(log):
    def both(a, b):
        terms = rw.LogSigmoid(rw.Constant(a)) + rw.LogSigmoid(rw.Constant(b))
        return value(log, terms, 0).item()

    assert both(3, -3) == pytest.approx(-3.0972, abs=5e-5)
    assert math.exp(both(3, -3)) == pytest.approx(0.045, abs=5e-4)
    assert both(1, 1) == pytest.approx(-0.6265, abs=5e-5)
    assert both(6, -3) == pytest.approx(-3.0511, abs=5e-5)
    # the raw sum, 3 against 2, says the opposite
    assert both(6, -3) < both(1, 1)
    assert value(log, rw.LogSigmoid(rw.EnvReward(), 1.5), 2).item() == pytest.approx(
        -0.4741, abs=5e-5
    )


@given(r=numbers, ref=numbers)
def test_log_sigmoid_is_negative_increasing_and_concave(log, r, ref):
    low, at, high = value(log, rw.LogSigmoid(rw.EnvReward(), ref), [r - 0.5, r, r + 0.5])
    assert low < at < high < 0
    assert at - low > high - at


@given(rs=st.lists(numbers, min_size=2, max_size=5))
def test_a_sum_of_log_sigmoids_is_at_most_the_worst_of_them(log, rs):
    terms = [rw.LogSigmoid(rw.Constant(r)) for r in rs]
    total = value(log, rw.Sum(tuple(terms)), 0).item()
    assert total <= min(value(log, term, 0).item() for term in terms)
    assert 0 < math.exp(total) < 1
    assert total == pytest.approx(value(log, rw.Sum(tuple(terms[::-1])), 0).item())


def test_raising_the_bad_component_helps_more(log):
    def both(a, b):
        return value(log, rw.LogSigmoid(rw.Constant(a)) + rw.LogSigmoid(rw.Constant(b)), 0).item()

    assert both(3, -2) > both(4, -3)


def test_symlog_of_nine_is_the_logarithm_of_ten(log, play):
    assert value(log, rw.Symlog(rw.EnvReward()), 9).round(4).tolist() == [2.3026]
    assert play(rw.Symlog(rw.EnvReward()), log([-9.0]))[0].round(4).tolist() == [-2.3026]


@given(r=st.floats(-1e6, 1e6))
def test_symlog_is_odd_invertible_and_never_larger(log, r):
    up, down = value(log, rw.Symlog(rw.EnvReward()), [r, -r])
    assert up == -down
    assert abs(up) <= abs(r)
    assert np.sign(up) * np.expm1(abs(up)) == pytest.approx(r, rel=1e-9, abs=1e-9)


def test_sign_makes_one_and_ten_the_same(log):
    assert value(log, rw.Sign(rw.EnvReward()), [-2, 0, 1, 10]).tolist() == [-1, 0, 1, 1]


@given(r=st.floats(-50, 50), scale=st.floats(0.1, 10))
def test_tanh_is_odd_and_bounded(log, r, scale):
    up, down = value(log, rw.Tanh(rw.EnvReward(), scale), [r, -r])
    assert up == -down
    assert abs(up) <= min(1, abs(r / scale))
    assert up == pytest.approx(math.tanh(r / scale))


@pytest.mark.parametrize(
    "reward",
    [par([0.0]), rw.LogSigmoid(rw.EnvReward()), rw.Tanh(rw.EnvReward()), rw.Symlog(rw.EnvReward())],
)
def test_huge_rewards_overflow_nowhere(log, reward):
    low, high = value(log, reward, [-1e300, 1e300])
    assert np.isfinite([low, high]).all()
    assert low < high


def test_a_bounded_proxy_stops_at_a_good_place_and_a_raw_one_runs_away(log):
    """Proxy z at a penalty of z^2 / 40; the truth is z - z^2 / 10."""
    z = np.arange(0, 30, 0.01)
    best = {
        name: z[np.argmax(value(log, squash, z) - z**2 / 40)]
        for name, squash in {
            "raw": rw.EnvReward(),
            "par": par([0.0]),
            "log_sigmoid": rw.LogSigmoid(rw.EnvReward()),
            "tanh": rw.Tanh(rw.EnvReward()),
        }.items()
    }
    assert best == pytest.approx(
        {"raw": 20, "par": 2.04, "log_sigmoid": 2.13, "tanh": 1.86}, abs=0.01
    )
    truth = {name: at - at**2 / 10 for name, at in best.items()}
    assert truth == pytest.approx(
        {"raw": -20, "par": 1.62, "log_sigmoid": 1.68, "tanh": 1.51}, abs=0.01
    )


def test_an_episode_is_judged_as_a_whole_through_its_sum(log, play):
    judged = rw.PAR(rw.EpisodeSum(rw.EnvReward()), [2.0])
    # sigmoid(0 - 2) on the steps before the last is cut away
    assert play(rw.Sparsify(judged, last=True), log([1.0, 1.0]))[0].tolist() == [0.0, 0.5]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: par([]),
        lambda: par([float("nan")]),
        lambda: par(["a"]),
        lambda: par([1.0], k=0),
        lambda: rw.Tanh(rw.EnvReward(), scale=0),
        lambda: rw.LogSigmoid(rw.EnvReward(), reference=float("inf")),
        lambda: rw.Sign(1.0),
    ],
)
def test_bad_options_are_refused(wrong):
    with pytest.raises(rw.ConfigError, match="must .*, got "):
        wrong()


@pytest.mark.parametrize(
    "reward",
    [
        par([0.5, 1.5], k=2.0),
        rw.LogSigmoid(rw.EnvReward(), 1.0),
        rw.Tanh(rw.EnvReward(), 2.0),
        rw.Symlog(rw.EnvReward()),
        rw.Sign(rw.EnvReward()),
    ],
)
def test_they_keep_the_contract(reward):
    assert check_reward(reward) == ()
