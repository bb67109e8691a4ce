from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core.task import Task
from rewardwrap.testing import hosts
from rewardwrap.testing.tapes import random_episodes, tape_of

RELATIONS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
TAPE = tape_of(random_episodes(np.random.default_rng(0), task=Task(), width=2), 2, Task()).closed()
values = st.floats(-3, 3) | st.sampled_from([-1.0, 0.0, -0.0, 1.0])


def log(rewards: Any) -> dict[str, Any]:
    nothing = np.zeros(len(rewards))
    ends = {"terminated": nothing, "truncated": nothing}
    return {"obs": np.zeros(len(rewards) + 1), "action": nothing, "reward": rewards, **ends}


@given(
    paid=st.lists(values, min_size=1, max_size=8), limit=values, name=st.sampled_from([*RELATIONS])
)
def test_a_comparison_pays_one_where_it_holds(paid: Any, limit: float, name: str) -> None:
    holds = RELATIONS[name](np.array(paid), limit).astype(float)
    made = RELATIONS[name](rw.EnvReward(), limit)
    np.testing.assert_array_equal(rw.relabel(made, log(paid)), holds)
    turned = RELATIONS[{">": "<", "<": ">", ">=": "<=", "<=": ">="}[name]]
    for number in (limit, np.float64(limit)):
        np.testing.assert_array_equal(rw.relabel(turned(number, rw.EnvReward()), log(paid)), holds)


@given(paid=st.lists(values, min_size=1, max_size=8))
def test_two_rewards_compare_step_by_step(paid: Any) -> None:
    square = rw.EnvReward() * rw.EnvReward()
    want = (np.array(paid) > np.array(paid) ** 2).astype(float)
    np.testing.assert_array_equal(rw.relabel(rw.EnvReward() > square, log(paid)), want)


@pytest.mark.parametrize("name", RELATIONS)
def test_every_host_agrees_and_the_step_is_text(name: str) -> None:
    made = RELATIONS[name](rw.EnvReward(), float(np.median(TAPE.reward)))
    want = RELATIONS[name](TAPE.reward, np.median(TAPE.reward)).astype(float)
    for host in hosts.HOSTS.values():
        np.testing.assert_array_equal(host(made, TAPE, training=False)["shaped"], want)
    assert hosts.by_lane(made, TAPE)["shaped"].sum() not in (0, want.size)


def test_the_lane_is_one_expression() -> None:
    import gymnasium as gym

    env = rw.wrap(gym.make("CartPole-v1"), (rw.EnvReward() > 0.5).named("alive"))
    assert "1.0 if compared_0 > 0.5 else 0.0 if compared_0 <= 0.5 else compared_0" in env.source


def test_it_is_written_down_and_read_back() -> None:
    made = 2.0 * (rw.Field("x_velocity") > 0.5)
    assert rw.from_config(made.to_config()).to_config() == made.to_config()
    assert made.to_config()["affine"]["base"] == {
        "indicator": {"base": {"field": {"of": "x_velocity"}}, "relation": ">", "limit": 0.5}
    }


def test_equality_stays_identity() -> None:
    reward, other = rw.EnvReward(), rw.EnvReward()
    assert reward != other
    assert hash(reward) != hash(other)
    assert len({reward, other, reward}) == 2
    assert reward in [other, reward]
    assert (reward > 0) != (reward > 0)


def test_events_combine_into_events() -> None:
    low, high = rw.EnvReward() > 0, rw.EnvReward() < 1
    for event in (low, low * high, low.minimum(high), low.maximum(high), 1 - low, low.named("up")):
        assert event.binary
        assert set(rw.relabel(event, log([-1.0, 0.5, 2.0]))) <= {0.0, 1.0}
    assert rw.Constant(1).binary
    for reward in (rw.EnvReward(), rw.Constant(0.5), 2 * low, low + high, low - 0.5):
        assert not reward.binary


def test_what_is_no_number_is_neither_above_nor_below() -> None:
    with pytest.raises(rw.RewardValueError, match="nan"):
        rw.relabel(rw.EnvReward() > 0, log([1.0, np.nan]))


def test_a_range_in_one_breath_is_refused() -> None:
    with pytest.raises(rw.ConfigError, match=r"write \(low < reward\) \* \(reward < high\)"):
        _ = 0 < rw.EnvReward() < 1
    with pytest.raises(rw.ConfigError, match="truth"):
        sorted([rw.EnvReward(), rw.EnvReward()])  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("limit", "said"), [("much", "got str"), (np.nan, "limit must be"), (True, "got bool")]
)
def test_what_cannot_be_compared_is_refused(limit: Any, said: str) -> None:
    with pytest.raises(rw.ConfigError, match=said):
        _ = rw.EnvReward() > limit


def test_an_unknown_relation_is_refused() -> None:
    with pytest.raises(rw.ConfigError, match="one of >, >=, <, <=, got '=='"):
        rw.from_config({"indicator": {"base": "env", "relation": "==", "limit": 0}})
