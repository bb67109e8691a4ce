from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw

ROWS = {3: [0.0, 2.0], 1: [-1.0, 0.5]}
LOG = {"obs": [3, 1, 2, 3], "action": [1, 0, 1], "reward": [0.0] * 3}
LOG |= {"terminated": [False] * 3, "truncated": [False] * 3}


def test_it_pays_the_state_before_the_step() -> None:
    np.testing.assert_array_equal(rw.relabel(rw.Table(ROWS), LOG), [2.0, -1.0, 0.0])


def test_states_are_numbers_again_after_json() -> None:
    table = rw.from_config({"table": {"values": {"3": [0, 2], "1": [-1, 0.5]}}})
    assert table.to_config() == rw.Table(ROWS).to_config()


def test_a_recipe_field_may_hold_the_number() -> None:
    table = rw.Table({9: [1.0, 2.0, 3.0, 4.0]}, of={"row": 8, "column": 1})
    env = rw.wrap(gym.make("FrozenLake-v1", map_name="8x8", is_slippery=False), table)
    env.reset(seed=0)
    assert [env.step(a)[1] for a in (1, 2, 3)] == [0.0, 0.0, 4.0]


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({}, "values must be rows of numbers by state"),
        ({0: [1.0], 1: [1.0, 2.0]}, "got rows of 1, 2"),
        ({0: [np.nan]}, "finite numbers"),
        ({-1: [0.0]}, "a number from 0, got -1"),
        ({"a": [0.0]}, "a number from 0, got 'a'"),
    ],
)
def test_what_is_no_table_is_refused(values: Any, rule: str) -> None:
    with pytest.raises(rw.ConfigError, match=rule):
        rw.Table(values)


def test_observations_that_are_no_states_are_refused() -> None:
    with pytest.raises(rw.ConfigError, match="numbers of states"):
        rw.make("CartPole-v1", rw.Table(ROWS))
