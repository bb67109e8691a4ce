"""CaRL's reward: what a drive is paid, and that no violation ever pays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw

EVENTS = ("over_speed", "off_lane", "off_centre", "close", "uncomfortable")
REWARD = rw.RouteCompletion("route", **{name: name for name in EVENTS}, hard=("crash",), lasting=2)
drives = st.lists(st.floats(0, 10), min_size=1, max_size=10)


def drive(log: Callable[..., Any], gains: Any, **events: Any) -> Any:
    route = np.cumsum(gains)
    nothing = {name: np.zeros(len(route)) for name in (*EVENTS, "crash")}
    return log(np.zeros(len(route)), route=route, **{**nothing, **events})


def test_the_worked_number(log: Any, play: Any) -> None:
    # 2 percent, half for the other car, half for 1.115 m/s too fast
    episode = drive(log, [2.0], close=[1], over_speed=[1.115])
    assert rw.relabel(REWARD, episode).tolist() == [0.5]
    assert play(REWARD, episode)[0].tolist() == [0.5]


@given(gains=drives)
def test_without_a_violation_the_sum_is_the_route(log: Any, gains: Any) -> None:
    episode = drive(log, gains)
    assert rw.relabel(REWARD, episode).sum() == pytest.approx(sum(gains), abs=1e-9)


@given(gains=drives, name=st.sampled_from([*EVENTS, "crash"]), at=st.integers(0, 9))
def test_a_violation_never_pays(log: Any, gains: Any, name: str, at: int) -> None:
    event = np.arange(len(gains)) == at % len(gains)
    paid = rw.relabel(REWARD, drive(log, gains, **{name: event})).sum()
    assert paid <= rw.relabel(REWARD, drive(log, gains)).sum() + 1e-9


def test_a_soft_one_lasts_as_said_and_a_hard_one_for_good(log: Any) -> None:
    gains = [1.0] * 5
    paid = rw.relabel(REWARD, drive(log, gains, close=[1, 0, 0, 0, 0], off_lane=[0, 0, 0, 0, 1]))
    assert paid.tolist() == [0.5, 0.5, 0.5, 1.0, 0.0]
    assert rw.relabel(REWARD, drive(log, gains, crash=[0, 1, 0, 1, 0])).tolist() == [1, -1, 0, 0, 0]


def test_what_an_environment_does_not_say_is_left_out(log: Any) -> None:
    bare = rw.RouteCompletion(rw.Native("route"), hard="crash", hint=0.0)
    assert rw.from_config(bare.to_config()).to_config() == bare.to_config()
    assert rw.relabel(bare, log([0, 0], route=[3, 2], crash=[0, 1])).tolist() == [3, 0]
    with pytest.raises(rw.RewardValueError, match="miles"):
        rw.relabel(rw.RouteCompletion("miles"), log([0], route=[1]))


def test_bad_numbers_are_one_sentence() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"slack": 0.0}, "slack must"),
        ({"lasting": 1.5}, "lasting must"),
        ({"hard": ("a",), "hint": -1.0}, "hint must"),
        ({"close": 3}, "a reward must be a name, a list or a mapping, got 3"),
    ]
    for options, sentence in cases:
        with pytest.raises(rw.ConfigError, match=sentence):
            rw.RouteCompletion("route", **options)
