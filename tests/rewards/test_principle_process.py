"""Principles: bounds, abstention, negation, and what an answer may be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw

answers = st.lists(st.sampled_from([0.0, 1.0]), min_size=3, max_size=3)
NAMES = ("a", "b", "c")


def share(log: Any, told: Any, **options: Any) -> float:
    columns = {name: [value] for name, value in zip(NAMES, told, strict=True)}
    reward = rw.PrincipleProcess({name: name for name in NAMES}, **options)
    return float(rw.relabel(reward, log([0.0], **columns))[0])


def test_the_worked_numbers(log: Any) -> None:
    assert share(log, [1, 0, 1]) == pytest.approx(2 / 3)
    assert share(log, [1, 0, 1], weights={"a": 2.0}) == 0.75


@given(told=answers)
def test_all_is_at_most_the_share_and_any_at_least(log: Any, told: Any) -> None:
    found = share(log, told)
    assert min(told) <= found <= max(told)
    assert share(log, [1.0 - y for y in told]) == pytest.approx(1.0 - found)


def test_who_abstains_has_no_weight_and_nobody_decides_nothing(log: Any) -> None:
    nan = float("nan")
    assert share(log, [1, nan, 0]) == 0.5
    assert share(log, [1, nan, nan], weights={"b": 9.0}) == 1.0
    assert share(log, [nan] * 3) == 0.5


def test_it_is_the_process_that_renorm_takes(log: Any, play: Any) -> None:
    step = rw.PrincipleProcess({"new": "a", "on": rw.Native("b") > 0.5})
    episode = log([0, 0, 1], a=[1, 0, 1], b=[0, 0, 1])
    for reward in (step, rw.ReNorm(step)):
        np.testing.assert_allclose(play(reward, episode)[0], rw.relabel(reward, episode))
    assert rw.relabel(rw.ReNorm(step), episode).sum() == pytest.approx(1.5)
    assert rw.from_config(step.to_config()).to_config() == step.to_config()


def test_bad_input_is_one_sentence(log: Any) -> None:
    with pytest.raises(rw.RewardValueError, match='"b" must be answered 1, 0 or NaN, got 0.3'):
        share(log, [1, 0.3, 0])
    with pytest.raises(rw.ConfigError, match="principles must name at least one"):
        rw.PrincipleProcess({})
    for weights in ({"d": 1.0}, {"a": 0.0}, {"a": "much"}):
        with pytest.raises(rw.ConfigError, match="weights must be above 0 and of a principle"):
            share(log, [1, 1, 1], weights=weights)
