from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.testing import check_reward

progress = rw.Progress(rw.Native("completion"))
units = st.floats(0, 1)
gains = st.lists(st.floats(0, 10), min_size=1, max_size=10)


def gate(*factors, **options):
    return rw.Gate(rw.EnvReward(), tuple(rw.Native(name) for name in factors), **options)


def test_two_halves_quarter_the_progress(log, play):
    episode = log([2.0], ttc=[0.5], speed=[1 - 1.115 / 2.23])
    assert rw.relabel(gate("ttc", "speed"), episode).tolist() == [0.5]
    assert play(gate("ttc", "speed"), episode)[0].tolist() == [0.5]


@given(gain=gains)
def test_without_violations_an_episode_pays_its_completion(log, gain):
    route = np.cumsum(gain)
    reward = rw.Gate(progress, (rw.Native("soft"),), hard=(rw.Native("crash"),))
    episode = log(np.zeros(len(gain)), completion=route, soft=1 + 0 * route, crash=0 * route)
    assert rw.relabel(reward, episode).sum() == pytest.approx(route[-1], abs=1e-9)


@given(steps=st.lists(st.tuples(st.floats(0, 10), units, units), min_size=1, max_size=10))
def test_each_step_lies_between_zero_and_its_progress(log, steps):
    gain, one, other = map(list, zip(*steps, strict=True))
    episode = log(gain, one=one, other=other)
    paid = rw.relabel(gate("one", "other"), episode)
    assert ((paid >= 0) & (paid <= gain)).all()
    np.testing.assert_allclose(paid, rw.relabel(gate("other", "one"), episode), atol=1e-12)


@given(gain=gains, at=st.integers(0, 9), hint=st.floats(0, 5))
def test_adding_a_violation_never_raises_the_return(log, gain, at, hint):
    crash = np.zeros(len(gain))
    reward = gate(hard=(rw.Native("crash"),), hint=hint)
    before = rw.relabel(reward, log(gain, crash=crash)).sum()
    crash[at % len(gain)] = 1
    assert rw.relabel(reward, log(gain, crash=crash)).sum() <= before + 1e-9


def test_a_hard_violation_costs_its_hint_and_closes_the_episode(log, play):
    reward = gate(hard=(rw.Native("crash"),), hint=3.0)
    crashed = log([1.0, 1.0, 1.0, 1.0], crash=[0, 1, 0, 1])
    clean = log([1.0, 1.0], crash=[0, 0])
    assert rw.relabel(reward, crashed).tolist() == [1, -3, 0, 0]
    assert [p.tolist() for p in play(reward, [crashed, clean])] == [[1, -3, 0, 0], [1, 1]]


def test_hints_may_differ_and_the_largest_is_charged(log):
    hard = (rw.Native("collision"), rw.Native("off_road"))
    reward = gate(hard=hard, hint=(1.0, 0.0))
    assert rw.relabel(reward, log([1.0, 1.0], collision=[0, 0], off_road=[0, 1])).tolist() == [1, 0]
    assert rw.relabel(reward, log([1.0, 1.0], collision=[0, 1], off_road=[0, 1])).tolist() == [
        1,
        -1,
    ]


def test_standing_still_pays_nothing(log):
    reward = rw.Gate(progress, (rw.Native("soft"),))
    paid = rw.relabel(reward, log([0] * 5, completion=[3, 3, 3, 3, 3], soft=[1] * 5))
    assert paid.tolist() == [3, 0, 0, 0, 0]


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_a_factor_outside_the_unit_interval_is_refused(log, play, wrong):
    said = r"factor 1 must lie in \[0, 1\], got .* in lane 0"
    for pay in (rw.relabel, play):
        with pytest.raises(rw.RewardValueError, match=said):
            pay(gate("one", "two"), log([1.0], one=[1.0], two=[wrong]))


def test_a_sticky_penalty_outlasts_its_violation(log, play):
    sticky = rw.Sticky(rw.EnvReward(), factor=0.5, steps=2)
    violated = log([0, 1, 0, 0, 0, 0])
    assert rw.relabel(sticky, violated).tolist() == [1, 0.5, 0.5, 0.5, 1, 1]
    again = log([1, 0, 1, 0, 0, 0])
    assert rw.relabel(sticky, again).tolist() == [0.5, 0.5, 0.5, 0.5, 0.5, 1]


def test_a_sticky_penalty_does_not_reach_the_next_episode(log, play):
    sticky = rw.Sticky(rw.EnvReward(), steps=500)
    paid = play(sticky, [log([0, 1]), log([0, 0], terminated=False, truncated=True), log([1])])
    assert [p.tolist() for p in paid] == [[1, 0.5], [1, 1], [0.5]]


def test_a_sticky_penalty_of_no_steps_ends_with_the_violation(log):
    sticky = rw.Sticky(rw.EnvReward(), factor=0.0, steps=0)
    assert rw.relabel(sticky, log([0, 1, 0])).tolist() == [1, 0, 1]


def test_yaml_says_the_whole_of_it():
    config = {
        "gate": {
            "progress": {"progress": {"native": "completion"}},
            "factors": [{"native": "speed"}, {"sticky": {"violation": {"native": "ttc"}}}],
            "hard": [{"native": "collision"}, {"native": "off_road"}],
            "hint": [1.0, 0.0],
        }
    }
    made = rw.from_config(config)
    assert isinstance(made.factors[1], rw.Sticky)
    assert rw.from_config(made.to_config()).to_config() == made.to_config()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: gate(hint=-1.0),
        lambda: gate(hard=(rw.EnvReward(),), hint=(1.0, 1.0)),
        lambda: gate(hard=(rw.EnvReward(),), hint=(-1.0,)),
        lambda: gate(hard=(rw.EnvReward(),), hint=(float("nan"),)),
        lambda: rw.Gate(rw.EnvReward(), (1.0,)),
        lambda: rw.Sticky(rw.EnvReward(), factor=2.0),
        lambda: rw.Sticky(rw.EnvReward(), steps=-1),
    ],
)
def test_bad_options_are_refused(wrong):
    with pytest.raises(rw.ConfigError, match="must .*, got "):
        wrong()


def test_they_keep_the_contract():
    soft, hard = rw.EnvReward().clip(0, 1), rw.EnvReward().clip(1, 1.5) - 1.0
    assert check_reward(rw.Gate(rw.EnvReward(), (soft, soft), hard=(hard,))) == ()
    assert check_reward(rw.Sticky(hard, steps=1)) == ()
