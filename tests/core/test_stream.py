from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core import tree
from rewardwrap.core.info import NO_INFO
from rewardwrap.core.stream import Stream
from rewardwrap.testing.examples import TASK, brightness

NOBODY = np.zeros(2, bool)
OBS = np.arange(2.0)[:, None]


def advance(stream: Stream, pays: Any, *, dones: Any = NOBODY, resets: Any = None) -> Any:
    rewards, dones = np.asarray(pays, float), np.asarray(dones, bool)
    resets = None if resets is None else np.asarray(resets, bool)
    return stream.advance(NOBODY, OBS, rewards, dones, NOBODY, NO_INFO, resets=resets)


def started(reward: rw.Reward) -> Stream:
    stream = Stream(reward, 2, task=TASK)
    stream.begin(OBS)
    return stream


def test_it_records_every_term_and_sums_them_over_the_episode() -> None:
    stream = started(rw.EnvReward() + rw.Constant(-1.0).named("time"))
    assert stream.names == ("env", "time", "shaped")
    assert advance(stream, [1, 2]).tolist() == [0, 1]
    assert stream.terms.tolist() == [[1, 2], [-1, -1], [0, 1]]
    advance(stream, [3, 4])
    assert stream.sums.tolist() == [[4, 6], [-2, -2], [2, 4]]


def test_sums_of_a_finished_episode_stay_until_the_lanes_next_step() -> None:
    stream = started(rw.EnvReward() + rw.Constant(1.0))
    advance(stream, [1, 1])
    advance(stream, [2, 2], dones=[True, False])
    assert stream.sums[0].tolist() == [3, 3]
    advance(stream, [5, 5])
    assert stream.sums[0].tolist() == [5, 8]


def test_sums_of_a_finished_episode_outlive_a_row_that_only_resets() -> None:
    stream = started(rw.EnvReward())
    advance(stream, [2, 2], dones=[True, False])
    advance(stream, [99, 1], resets=[True, False])
    assert stream.sums[0].tolist() == [2, 3]
    advance(stream, [7, 1])
    assert stream.sums[0].tolist() == [7, 4]


def test_rows_that_only_reset_are_paid_nothing_and_keep_their_carry() -> None:
    reward = rw.Delay(rw.EnvReward(), 3)
    stream = started(reward)
    advance(stream, [1, 1])
    before = [leaf[0].copy() for leaf in tree.leaves(stream._carry)]
    assert advance(stream, [50, 1], resets=[True, False])[0] == 0.0
    assert stream.terms[:, 0].tolist() == [0.0] * len(stream.names)
    for then, now in zip(before, tree.leaves(stream._carry), strict=True):
        np.testing.assert_array_equal(now[0], then)


def test_rows_that_only_reset_are_not_learned_from() -> None:
    resetting, clean = rw.Normalize(rw.EnvReward()), rw.Normalize(rw.EnvReward())
    one, other = started(resetting), Stream(clean, 1)
    other.begin(OBS[:1])
    advance(one, [1e6, 0], resets=[True, True])
    for pay in (1.0, -2.0, 0.5):
        advance(one, [1e6, pay], resets=[True, False])
        nobody = NOBODY[:1]
        other.advance(nobody, OBS[:1], np.array([pay]), nobody, nobody)
    learned = resetting.state_dict()["0.moments"]
    np.testing.assert_allclose(learned, clean.state_dict()["0.moments"])
    assert learned[0] == 3


def test_evaluation_learns_nothing() -> None:
    reward = rw.Normalize(rw.EnvReward())
    stream = started(reward)
    stream.training = False
    advance(stream, [1, 2])
    assert reward.state_dict()["0.moments"].tolist() == [0, 0, 0]


def test_episodes_may_begin_in_some_lanes_alone() -> None:
    stream = started(rw.Potential(brightness, gamma=1.0))
    advance(stream, [0, 0])
    stream.begin(OBS - 5, rows=np.array([True, False]))
    # lane 0 comes from -5 to 0, lane 1 stays at 1
    assert advance(stream, [0, 0]).tolist() == [5, 0]


@pytest.mark.parametrize("resets", [None, [False, False]])
@pytest.mark.parametrize("wrong", [np.zeros(1), np.zeros((2, 1)), 0.0])
def test_anything_but_one_number_per_lane_is_refused(wrong: Any, resets: Any) -> None:
    class Odd(rw.Reward):
        tag = "odd"

        def __call__(self, batch: rw.Transitions) -> Any:
            return wrong

    with pytest.raises(rw.RewardValueError, match=r"must .*shape \(2,\), one number per lane"):
        advance(started(Odd()), [0, 0], resets=resets)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("resets", [None, [True, False]])
def test_the_innermost_term_that_is_not_finite_is_named(value: float, resets: Any) -> None:
    odd = rw.function(lambda reward: np.where(reward > 2, value, reward))
    stream = started(rw.EnvReward() + (odd.named("inner") + rw.Constant(1)).named("outer"))
    advance(stream, [1, 1])
    said = f'term "inner" must be finite, got {value} in lane 1 at step 1'
    with pytest.raises(rw.RewardValueError, match=said):
        advance(stream, [1, 3], resets=resets)


def test_a_nan_of_the_environment_is_named_as_its_own() -> None:
    with pytest.raises(rw.RewardValueError, match='reward "env" must be .*nan in lane 0 at step 0'):
        advance(started(rw.EnvReward().named("a")), [np.nan, 0])


def test_a_true_reward_that_cannot_be_recorded_is_refused_also_where_nothing_pays_it() -> None:
    for resets in (None, [True, False]):
        stream = started(rw.Constant(1.0))
        with pytest.raises(rw.RewardValueError, match='reward "env" must be finite'):
            advance(stream, [0, np.nan], resets=resets)


def test_another_reward_goes_on_with_the_carry_of_the_old_one() -> None:
    shaping = rw.Potential(brightness, gamma=1.0)
    one, two = started(shaping.named("f")), started(shaping.named("f"))
    for stream in (one, two):
        advance(stream, [0, 0])
    two.replace_reward(3.0 * shaping.named("f"))
    kept = list(tree.leaves(two._carry))
    for got, want in zip(kept, tree.leaves(one._carry), strict=True):
        np.testing.assert_array_equal(got, want)
    for other in (shaping.named("g"), rw.Constant(1.0).named("f")):
        with pytest.raises(rw.ConfigError, match=r"must record the terms \(f\) and carry the same"):
            two.replace_reward(other)


def test_what_cannot_run_online_is_refused() -> None:
    with pytest.raises(rw.ConfigError, match="must not need later steps"):
        Stream(rw.EnvReward().delta(align="next"), 2)
    with pytest.raises(rw.ConfigError, match="must be a rewardwrap reward, got function"):
        Stream(brightness, 2)  # type: ignore[arg-type]
