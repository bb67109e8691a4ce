"""The toy environments give the answers that they promise."""

from __future__ import annotations

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from rewardwrap.testing import (
    BoxActionChain,
    Chain,
    DictChain,
    DigitChain,
    ImageChain,
    OddChain,
    ReusingChain,
    TupleChain,
)

LAYOUTS = [Chain, DictChain, TupleChain, ImageChain, DigitChain, BoxActionChain]


@pytest.mark.parametrize("make", LAYOUTS, ids=lambda m: m.__name__)
def test_every_layout_is_a_proper_environment(make):
    with warnings.catch_warnings():
        # a toy is made without gymnasium.make, so it has no spec
        warnings.filterwarnings("ignore", ".*spec.*")
        check_env(make(), skip_render_check=True)


@pytest.mark.parametrize(
    ("actions", "terminated", "truncated"),
    [((2, 2), True, False), ((0, 0, 1, 1), False, True), ((1, 1, 1, 1), True, True)],
)
def test_episodes_end_in_all_three_ways(actions, terminated, truncated):
    env = Chain()
    env.reset(seed=0)
    *_, last = [env.step(action) for action in actions]
    assert last[1] == pytest.approx(0.1 * sum(actions))
    assert last[2:4] == (terminated, truncated)


def test_the_start_depends_on_the_number_of_the_episode_alone():
    env = Chain()
    starts = [env.reset(seed=7)[0][0], *(env.reset()[0][0] for _ in range(3))]
    assert starts == [0.0, 0.25, 0.5, 0.0]


@pytest.mark.parametrize("make", LAYOUTS, ids=lambda m: m.__name__)
def test_info_has_the_same_keys_and_types_in_reset_and_step(make):
    env = make()
    _, first = env.reset(seed=0)
    *_, then = env.step(env.action_space.sample())
    assert [(k, np.asarray(v).dtype) for k, v in first.items()] == [
        (k, np.asarray(v).dtype) for k, v in then.items()
    ]


@pytest.mark.parametrize("fresh_at_reset", [False, True])
def test_the_reusing_chain_overwrites_what_it_returned(fresh_at_reset):
    env = ReusingChain(fresh_at_reset=fresh_at_reset)
    start, _ = env.reset(seed=0)
    one = env.step(1)[0]
    two = env.step(1)[0]
    assert np.shares_memory(one, two)
    assert np.shares_memory(start, one) is not fresh_at_reset


def test_the_odd_chain_turns_odd_at_its_step():
    env = gym.wrappers.TimeLimit(OddChain(float("nan"), at=2), 3)
    env.reset(seed=0)
    assert np.isnan([env.step(1)[1] for _ in range(3)]).tolist() == [False, True, True]
