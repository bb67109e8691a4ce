"""Totals as models write them: products, temperatures, weights. What the parts leave is a term."""

from __future__ import annotations

import ast
import sys

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.sandbox.reading import adds_up
from rewardwrap.testing import check_reward

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="strong isolation is Linux's"
)
PRODUCT = """
import numpy as np
from typing import Dict, Tuple

def reward(obs: np.ndarray, action, next_obs, info) -> Tuple[np.ndarray, Dict[str, np.ndarray]]:
    # Temperature parameters for the exponential transforms
    upright_temp: float = 0.1
    centre_temp: float = 0.5
    upright_reward = np.exp(-np.abs(next_obs.pole_angle) / upright_temp)
    centre_reward = np.exp(-np.abs(next_obs.cart_position) / centre_temp)
    total_reward = upright_reward * (0.5 + 0.5 * centre_reward)
    reward_dict = {"upright_reward": upright_reward, "centre_reward": centre_reward}
    return total_reward, reward_dict
"""


@linux
def test_a_total_that_multiplies_its_parts_runs_and_the_remainder_is_a_term():
    env = rw.wrap(gym.make("CartPole-v1"), 2.0 * rw.CodeReward(PRODUCT))
    env.reset(seed=0)
    for step in range(12):  # past the batches that the process confirms
        obs, paid, *_, info = env.step(step % 2)
        terms = info["reward_terms"]
        upright = np.exp(-abs(float(obs[2])) / 0.1)
        centre = np.exp(-abs(float(obs[0])) / 0.5)
        assert paid == pytest.approx(2.0 * upright * (0.5 + 0.5 * centre), rel=1e-5)
        assert terms["upright_reward"] == pytest.approx(2.0 * upright, rel=1e-5)
        added = [terms[k] for k in ("upright_reward", "centre_reward", "remainder")]
        assert sum(added) == pytest.approx(paid)
    env.close()


@linux
def test_it_keeps_the_contract_of_every_reward():
    source = """
def reward(obs, action, next_obs, info):
    near = np.exp(-np.square(next_obs[:, 0]) / 0.2)
    return 2.0 * near, {"near": near}
"""
    reward = rw.CodeReward(source)
    check_reward(reward)
    assert reward.recorded == ("near", "remainder")


HEAD = "def reward(obs, action, next_obs, info):\n    a, b = obs[:, 0], obs[:, 1]\n"


@pytest.mark.parametrize(
    ("sums", "lines"),
    [
        (True, "return a + b, {'a': a, 'b': b}"),
        (True, "p = {'a': 2.0 * a, 'b': -b}; return sum(p.values()), p"),
        (True, "t = np.zeros(len(a)); p = {}; p['a'] = a; t += p['a']; p['b'] = b; t = t + b; return t, p"),
        (True, "c = a - b; return c - 0.1 * a, dict(c=c, cost=-0.1 * a)"),
        (False, "return a * b, {'a': a, 'b': b}"),
        (False, "return 2.0 * a + b, {'a': a, 'b': b}"),
        (False, "p = {'a': a}; a = 2.0 * a; return a, p"),
        (False, "p = {'a': a, 'b': b}; p['b'] = 0.5 * b; return a + b, p"),
        (False, "return np.clip(a + b, -1.0, 1.0), {'a': a, 'b': b}"),
    ],
)  # fmt: skip
def test_whether_the_parts_add_up_is_read_off_the_text(sums, lines):
    tree = ast.parse(HEAD + f"    {lines}\n")
    assert adds_up(tree.body[0]) is sums


def test_a_branch_that_writes_a_part_leaves_it_open():
    tree = ast.parse(
        HEAD + "    t = a + b\n    for i in range(2):\n        a = a * 2.0\n"
        "    return t, {'a': a, 'b': b}\n"
    )
    assert not adds_up(tree.body[0])


def test_weights_beside_the_names_are_refused_and_told_where_they_go():
    with pytest.raises(rw.ConfigError, match=r"got weights .*Weights go into the code"):
        rw.CodeReward(PRODUCT, components={"upright_reward": 2.0, "centre_reward": 1.0})


def test_a_component_with_the_name_of_the_remainder_is_refused():
    with pytest.raises(rw.SandboxError, match=r"component remainder must have another name"):
        rw.CodeReward(HEAD + "    return a * b, {'remainder': a}\n")
    assert rw.CodeReward(HEAD + "    return a, {'remainder': a}\n").recorded == ("remainder",)
