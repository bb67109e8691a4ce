"""Strict reward code pays the same for equal input: what it might keep is refused, frozen or watched."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core.transitions import Transitions
from rewardwrap.sandbox.reading import read
from rewardwrap.sandbox.state import changed, frozen
from rewardwrap.sandbox.worker import _loaded
from tests.sandbox.test_gate import body

ZERO = "return np.zeros(len(obs)) + "

REFUSED = {
    "uninitialised": body("return np.empty_like(obs)[:, 0]"),
    "empty": body("return np.empty(len(obs))"),
    "constructor": body("return np.ndarray((len(obs),))"),
    "constructor by name": "make = np.ndarray\n" + body("return make((len(obs),))"),
    "masked ufunc": body("return np.add(obs[:, 0], 1.0, where=obs[:, 0] > 0)"),
    "masked method": body("return np.exp(obs, where=obs > 0)[:, 0]"),
    "function attribute": body("[0 for reward.n in (1.0,)]", ZERO + "reward.n"),
    "comprehension target": "m = [0.0]\n" + body("[0 for m[0] in (m[0] + 1.0,)]", ZERO + "m[0]"),
    "the time of day": body(
        "return np.full(len(obs), np.array('now', dtype='M8[us]').astype(float))"
    ),
    "today": body("return np.array('ToDay').astype('datetime64[s]').astype(float) + obs[:, 0]"),
    "item": "m = [0.0]\n" + body("m[0] += 1.0", ZERO + "m[0]"),
    "default argument": "def reward(obs, action, next_obs, info, m=[0.0]):\n    return obs[:, 0]",
    "walrus": body("return (x := obs)[:, 0]"),
    "class": "class A:\n    n = 0\n" + body("return obs[:, 0]"),
    "fill": "m = np.zeros(1)\n" + body("m.fill(m[0] + 1)", ZERO + "m[0]"),
    "put": "m = np.zeros(1)\n" + body("np.put(m, 0, m[0] + 1)", ZERO + "m[0]"),
    "copyto": "m = np.zeros(1)\n" + body("np.copyto(m, m + 1)", ZERO + "m[0]"),
    "random": body("return np.random.rand(len(obs))"),
    "id": body(ZERO + "id(obs)"),
    "hash": body(ZERO + "hash('a')"),
    "set": body(ZERO + "len({1, 2})"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_gate_refuses_what_pays_differently(name):
    assert read(REFUSED[name]).refusal is not None


@pytest.mark.parametrize(
    "source",
    [
        body("return np.sum(obs, axis=-1, where=obs > 0)"),
        body(
            "safe = np.zeros(len(obs))",
            "return np.divide(1.0, obs[:, 0], out=safe, where=obs[:, 0] != 0)",
        ),
        "def near(x: np.ndarray) -> np.ndarray:\n    'Now or today.'\n    return x\n"
        + body("return near(obs)[:, 0]"),
        body("return obs[:, 0], {'movement': obs[:, 0], 'm': 0.0 * obs[:, 0]}"),
    ],
)
def test_honest_neighbours_of_it_pass(source):
    assert read(source).refusal is None


# fmt: off
CAUGHT = {
    "append": "m = [0.0]\n" + body("m.append(1.0)", ZERO + "len(m)"),
    "append through the class": "m = [0.0]\n" + body("list.append(m, 1.0)", ZERO + "len(m)"),
    "list by another name": "m = [0.0]\n" + body("a = m", "a[0] = a[0] + 1.0", ZERO + "m[0]"),
    "dict by another name": "m = {'a': 0.0}\n" + body("a = m", "a['a'] = a['a'] + 1.0", ZERO + "m['a']"),
    "list in a tuple": "m = ([0.0], 1)\n" + body("a = m[0]", "a[0] = a[0] + 1.0", ZERO + "m[0][0]"),
    "list plus": "m = [0.0]\n" + body("a = m", "a += [1.0]", ZERO + "len(m)"),
    "out": "m = np.zeros(1)\n" + body("np.add(m, 1.0, out=m)", ZERO + "m[0]"),
    "out by place": "m = np.zeros(1)\n" + body("np.add(m, 1.0, m)", ZERO + "m[0]"),
    "out of a method": "m = np.zeros(1)\n" + body("obs.sum(keepdims=True, out=m)", ZERO + "m[0]"),
    "augmented": "m = np.zeros(1)\n" + body("a = m", "a += 1.0", ZERO + "m[0]"),
    "a view": "m = np.zeros(3)\n" + body("a = m[1:]", "a[0] = a[0] + 1.0", ZERO + "m[1]"),
    "ufunc at": "m = np.zeros(1)\n" + body("np.add.at(m, 0, 1.0)", ZERO + "m[0]"),
    "not a number": "m = np.zeros(1) * np.nan\n" + body("np.nan_to_num(m, copy=False)", ZERO + "m[0]"),
    "a helper":
        "m = np.zeros(1)\ndef bump(a):\n    b = a\n    b[0] = b[0] + 1.0\n" + body("bump(m)", ZERO + "m[0]"),
    "array in a dict": "m = {'a': np.zeros(1)}\n" + body("a = m['a']", "a += 1.0", ZERO + "m['a'][0]"),
    "generator": "g = (i for i in range(9))\n" + body(ZERO + "max(zip(g, [1]))[0]"),
    "iterator": "g = reversed([1.0, 2.0])\n" + body(ZERO + "sum(zip(g))"),
    "text put together": body("return np.array('n' + 'ow', dtype='M' + '8[us]').astype(float) + obs[:, 0]"),
    "closure":
        "def make():\n    s = [0.0]\n    def f():\n        t = s\n        t[0] = t[0] + 1.0\n"
        "        return s[0]\n    return f\nf = make()\n" + body(ZERO + "f()"),
    "bound method": "m = [0.0]\nn = m.copy\nk = m.append\n" + body("k(1.0)", ZERO + "len(n())"),
    "array of objects":
        "m = np.array([[0.0], 1], dtype=object)\n" + body("a = m[0]", "a[0] = a[0] + 1.0", ZERO + "a[0]"),
    "an argument by another name": body("a = obs", "a += 1.0", "return a[:, 0]"),
    "sorting an argument": body("a = np.sort(obs)", "obs.sum(out=obs)", "return a[:, 0]"),
}
# fmt: on


def batch(**columns) -> Transitions:
    no = np.zeros(4, bool)
    rows = np.arange(8.0).reshape(4, 2)
    return Transitions(**{"obs": rows, "action": rows, "next_obs": rows, "reward": no * 1.0,
                          "terminated": no, "truncated": no, "first": no, **columns})  # fmt: skip


def calls(source: str) -> list[bytes]:
    """What two calls pay, as in the worker, empty where the source is refused or stopped."""
    if read(source).refusal is not None:
        return []
    obs = np.arange(8.0).reshape(4, 2)
    obs.flags.writeable = False
    paid = []
    try:
        function, kept = _loaded(source, steady=True)
        for _ in range(2):
            paid.append(function(obs, obs, obs, {}).tobytes())
            if changed(kept):
                return []
    except (TypeError, ValueError):
        return []
    return paid


@pytest.mark.parametrize("name", CAUGHT)
def test_what_passes_the_gate_never_pays_differently(name):
    assert calls(CAUGHT[name]) == []


def test_constants_that_nobody_writes_into_are_free():
    source = "W = [1.0, 2.0]\nB = np.array(W)\nN = {'a': (B, 3)}\n" + body(
        "return obs @ B + W[0] + N['a'][1]"
    )
    first, second = calls(source)
    assert first == second


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the wall is Linux's")
def test_a_list_that_changes_later_stops_the_reward():
    reward = rw.CodeReward(
        "m = [0.0]\n" + body("if obs[0, 0] > 90:", "    m.append(1.0)", "return obs[:, 0]")
    )
    reward(batch())
    with pytest.raises(rw.SandboxError, match="keep nothing between calls"):
        reward(batch(obs=np.full((4, 2), 99.0)))
    reward.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the wall is Linux's")
def test_a_dict_observation_keeps_nothing_either():
    obs = {"x": np.arange(4.0), "deep": {"y": np.arange(4.0)}}
    for lines in (
        ("a = obs", "a['x'] = a['x'] + 1.0"),
        ("a = obs['deep']", "a['n'] = len(a)"),
        ("a = obs", "a |= {'z': 1}"),
    ):
        reward = rw.CodeReward(body(*lines, "return obs['x']"))
        with pytest.raises(rw.SandboxError, match="read-only"):
            reward(batch(obs=obs, next_obs=obs))
        reward.close()


def test_constants_stay_what_they_are():
    names = {"W": [1.0, 2.0], "A": np.arange(3.0), "N": {"a": (1, [2])}, "f": np.exp, "E": 1e-8, "np": np,
             "D": np.float32, "g": lambda x: x, "s": np.sum}  # fmt: skip
    kept = frozen(names)
    assert not changed(kept)
    assert names["W"] == [1.0, 2.0]
    assert type(names["W"]) is list
    names["N"]["a"][1].append(3)
    assert changed(kept)
