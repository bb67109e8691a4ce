from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core.few_lanes import FewLanes
from rewardwrap.core.reward import Reward
from rewardwrap.core.scalar import OneLane, number
from rewardwrap.core.stream import Stream
from rewardwrap.testing import hosts
from rewardwrap.testing.examples import TASK, brightness, effort
from rewardwrap.testing.tapes import random_episodes, tape_of

PHI = rw.Potential(brightness, gamma=0.9)


def whole() -> Reward:
    """Something of everything: memory, batches of one, knowledge, names inside names."""
    shaping = (PHI.named("phi") + rw.function(effort).clip(-0.5, None)).named("both")
    held = rw.Delay(rw.EnvReward(), 2).named("held")
    return rw.EnvReward() + 0.5 * shaping + held + rw.Normalize(rw.EnvReward(), warmup=4)


@given(seed=st.integers(0, 10**6), lanes=st.integers(1, 4))
def test_all_hosts_agree_on_random_tapes(seed: int, lanes: int) -> None:
    tape = tape_of(random_episodes(np.random.default_rng(seed), task=TASK, width=2), lanes, TASK)
    # a potential wants Phi >= 0 at the end
    tape = replace(tape.closed(), obs=np.abs(tape.obs), next_obs=np.abs(tape.next_obs))
    want = hosts.by_step(whole(), tape)
    for host in (hosts.by_lane, hosts.by_few_lanes, hosts.by_stream, hosts.by_stream_with_resets):
        got = host(whole(), tape)
        assert got.keys() == want.keys()
        for name, column in want.items():
            np.testing.assert_allclose(got[name], column, rtol=1e-9, atol=1e-9, err_msg=name)


class World:
    """A step function that repeats itself from a seed, whoever asks."""

    def __init__(self, lanes: int = 3) -> None:
        self.rng, self.lanes = np.random.default_rng(3), lanes

    def row(self) -> tuple[Any, ...]:
        return self.rng.random(2), float(self.rng.normal()), False, False, {}

    def rows(self) -> tuple[Any, ...]:
        rng, n = self.rng, self.lanes
        dones, infos = rng.random(n) < 0.3, [{} for _ in range(n)]
        for i in np.flatnonzero(dones):
            infos[i] = {
                "terminal_observation": rng.random(2),
                "TimeLimit.truncated": rng.random() < 0.5,
            }
        obs, actions = rng.random((n, 2)), rng.random((n, 1))
        return actions, obs, rng.normal(size=n), dones, infos, [{} for _ in range(n)]


travels: list[Callable[[Any], Any]] = [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy]


@pytest.mark.parametrize("travel", travels)
def test_a_lane_goes_on_after_a_journey_in_mid_episode(travel: Callable[[Any], Any]) -> None:
    lane, world = OneLane(whole(), task=TASK), World()
    lane.begin(np.zeros(2), {})
    step = lane.stepper(lambda action: world.row(), copies=True)
    for _ in range(3):
        step(np.ones(1))
    other, elsewhere = travel((lane, world))
    again = other.stepper(lambda action: elsewhere.row(), copies=True)
    for _ in range(4):
        _, one, *_, here = step(np.ones(1))
        _, two, *_, there = again(np.ones(1))
        assert one == two
        assert here == there
    assert list(here["reward_terms"]) == list(lane.names)


@pytest.mark.parametrize("travel", travels)
def test_few_lanes_go_on_after_a_journey(travel: Callable[[Any], Any]) -> None:
    few, world = FewLanes(whole(), 3, task=TASK), World()
    few.begin(np.zeros((3, 2)), [{}, {}, {}])
    for _ in range(5):
        few.advance(*world.rows())
    other, elsewhere = travel((few, world))
    for _ in range(6):
        np.testing.assert_array_equal(few.advance(*world.rows()), other.advance(*elsewhere.rows()))
        np.testing.assert_array_equal(few.terms, other.terms)
        np.testing.assert_array_equal(few.sums, other.sums)


def test_terms_and_their_sums_come_with_info() -> None:
    lane = OneLane(rw.EnvReward() + rw.Constant(-1.0).named("time"), task=TASK)
    info: dict[str, Any] = {}
    lane.begin(np.zeros(1), info)
    zero = {"env": 0.0, "time": 0.0, "shaped": 0.0}
    assert info == {"reward_terms": zero, "episode_terms": zero}
    step = lane.stepper(lambda action: (np.zeros(1), 3, False, False, {}), copies=False)
    first, second = step(0)[-1], step(0)[-1]
    assert first["reward_terms"] == {"env": 3.0, "time": -1.0, "shaped": 2.0}
    assert first["episode_terms"] == first["reward_terms"]
    assert second["episode_terms"] == {"env": 6.0, "time": -2.0, "shaped": 4.0}


def test_sums_of_a_lane_that_ended_stay_until_its_next_step() -> None:
    few = FewLanes(rw.EnvReward(), 2, task=TASK)
    few.begin(np.zeros((2, 1)), [{}, {}])
    obs, pays, acts = np.zeros((2, 1)), np.array([2.0, 3.0]), np.zeros(2)
    infos: list[dict[str, Any]] = [{"terminal_observation": np.zeros(1)}, {}]
    few.advance(acts, obs, pays, np.array([True, False]), infos, [{}, {}])
    assert infos[0]["episode_terms"] == {"env": 2.0, "shaped": 2.0}
    assert few.sums[0].tolist() == [2.0, 3.0]
    few.advance(acts, obs, pays, np.zeros(2, bool), [{}, {}], [{}, {}])
    assert few.sums[0].tolist() == [2.0, 6.0]


def odd(value: float) -> Reward:
    broken = rw.function(lambda reward: np.where(reward > 2, value, reward))
    return rw.EnvReward() + (broken.named("inner") * rw.Constant(1)).named("outer")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_lane_names_the_innermost_term_that_is_not_finite(value: float) -> None:
    lane, pays = OneLane(odd(value), task=TASK), iter([1.0, 3.0])
    lane.begin(np.zeros(1), {})
    step = lane.stepper(lambda a: (np.zeros(1), next(pays), False, False, {}), copies=False)
    step(0)
    said = f'term "inner" must be finite, got {value} in lane 0 at step 1'
    with pytest.raises(rw.RewardValueError, match=said):
        step(0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_few_lanes_name_term_lane_and_step_too(value: float) -> None:
    few, nobody = FewLanes(odd(value), 2, task=TASK), np.zeros(2, bool)
    few.begin(np.zeros((2, 1)), [{}, {}])
    few.advance(nobody, np.zeros((2, 1)), np.ones(2), nobody, [{}, {}], [{}, {}])
    said = f'term "inner" must be finite, got {value} in lane 1 at step 1'
    with pytest.raises(rw.RewardValueError, match=said):
        few.advance(nobody, np.zeros((2, 1)), np.array([1.0, 3]), nobody, [{}, {}], [{}, {}])


def test_other_weights_go_on_with_the_old_carry() -> None:
    seen = iter([1.0, 4.0, 9.0])
    lane = OneLane(rw.Potential(brightness, gamma=1.0).named("f"), task=TASK)
    lane.begin(np.zeros(1), {})
    env = lambda action: (np.array([next(seen)]), 0.0, False, False, {})  # noqa: E731
    assert lane.stepper(env, copies=False)(0)[1] == 1.0
    lane.replace_reward(2 * rw.Potential(brightness, gamma=1.0).named("f"))
    assert lane.stepper(env, copies=False)(0)[1] == 2 * (4.0 - 1.0)
    few = FewLanes(PHI.named("f"), 2, task=TASK)
    for other in (PHI.named("g"), rw.Constant(1.0).named("f"), PHI.named("f") + rw.Constant(1)):
        for host in (lane, few):
            with pytest.raises(rw.ConfigError, match=r"must record the terms \(f\)"):
                host.replace_reward(other)


@pytest.mark.parametrize("pay", [1, np.float32(1), np.array(1.0), True, np.int64(1)])
def test_any_one_number_is_a_reward(pay: Any) -> None:
    assert type(number(pay)) is float
    assert number(pay) == 1.0


@pytest.mark.parametrize("pay", [[1.0], np.zeros(1), None, "one", np.zeros((1, 1))])
def test_anything_else_is_not(pay: Any) -> None:
    with pytest.raises(rw.RewardValueError, match="environment's reward must be one number, got"):
        number(pay)


def test_a_broken_true_reward_is_refused_where_nothing_pays_it() -> None:
    bonus = rw.Constant(1.0)
    one = OneLane(bonus)
    one.begin(np.zeros(2), {})
    step = one.stepper(lambda action: (np.zeros(2), np.nan, False, False, {}), copies=False)
    with pytest.raises(rw.RewardValueError, match='reward "env" must be finite'):
        step(0)
    few, batch = FewLanes(bonus, 2), Stream(bonus, 2)
    rewards, nobody, infos = np.array([0.0, np.inf]), np.zeros(2, bool), [{}, {}]
    few.begin(np.zeros((2, 2)), infos)
    with pytest.raises(rw.RewardValueError, match='reward "env" must be finite, got inf in lane 1'):
        few.advance(np.zeros(2), np.zeros((2, 2)), rewards, nobody, infos, infos)
    batch.begin(np.zeros((2, 2)))
    with pytest.raises(rw.RewardValueError, match='reward "env" must be finite, got inf in lane 1'):
        batch.advance(np.zeros(2), np.zeros((2, 2)), rewards, nobody, nobody)
