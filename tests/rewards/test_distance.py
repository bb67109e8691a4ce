from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.testing import check_reward

far = st.floats(0, 1e4)
above = st.floats(0.05, 20)


def paid(log, reward):
    return rw.relabel(reward, log([0.0])).item()


@pytest.mark.parametrize(
    ("options", "want"), [({}, 0.8046), ({"dispersion": 0.5}, 0.6474), ({"density": 2}, 0.8970)]
)
def test_the_numbers_of_the_handbook(log, play, options, want):
    shape = rw.Distance(rw.Constant(1000), scale=2300, **options)
    assert paid(log, shape) == pytest.approx(want, abs=5e-5)
    assert play(shape, log([0.0]))[0].item() == pytest.approx(want, abs=5e-5)


@given(d=far, more=st.floats(1, 1e4), width=above, density=above)
def test_it_is_one_at_zero_falls_with_distance_and_rises_with_both_widths(
    log, d, more, width, density
):
    def shape(at, **other):
        options = {"scale": 100.0, "dispersion": width, "density": density, **other}
        return paid(log, rw.Distance(rw.Constant(at), **options))

    assert shape(0.0) == 1.0
    assert 0.0 <= shape(d + more) <= shape(d) <= 1.0
    assert shape(d, dispersion=2 * width) >= shape(d)
    assert shape(d, density=2 * density) >= shape(d)
    # both only rescale the distance: density d is a dispersion d times as large
    assert shape(d) == pytest.approx(shape(d, dispersion=width * density, density=1.0), rel=1e-9)


@given(d=far, density=above)
def test_the_signed_one_is_zero_at_its_radius_and_positive_within(log, d, density):
    def shape(at):
        return paid(log, rw.SignedDistance(rw.Constant(at), scale=100.0, density=density))

    radius = 200.0 * math.log(2.0)
    assert -1.0 <= shape(d) <= 1.0
    if abs(d - radius) > 1e-6:
        assert np.sign(shape(d)) == np.sign(radius - d)
    assert shape(0.0) == 1.0
    # from [0, 1] to [-1, 1] where nothing bends it
    plain = paid(log, rw.SignedDistance(rw.Constant(d), scale=100.0))
    assert plain == pytest.approx(2 * paid(log, rw.Distance(rw.Constant(d), scale=100.0)) - 1)


def test_what_is_no_distance_is_a_sentence(log):
    with pytest.raises(rw.RewardValueError, match="at least 0, got -1"):
        paid(log, rw.Distance(rw.Constant(-1), scale=1))
    for name in ("scale", "dispersion", "density"):
        with pytest.raises(rw.ConfigError, match=f"SignedDistance: {name} must"):
            rw.SignedDistance(rw.Constant(1), **{"scale": 1.0, name: 0.0})
    with pytest.raises(rw.ConfigError, match="of must be a field or a reward, got 3"):
        rw.Distance(3, scale=1)


@pytest.mark.parametrize("cls", [rw.Distance, rw.SignedDistance])
def test_it_keeps_the_contract(cls):
    assert check_reward(cls(rw.EnvReward() * rw.EnvReward(), scale=0.5, density=2.0)) == ()
