"""Reward code that is a class: what a lane keeps is its own, is declared, and begins with the episode."""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Iterator

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core.transitions import Transitions
from rewardwrap.llm.client import Completion, Usage
from rewardwrap.llm.extraction import code_in
from rewardwrap.sandbox.reading import read

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="strong isolation is Linux's"
)
KEEPS = '''
class Reward:
    """Pays what is beyond the best so far, and the mean of the last three."""

    scale = 10.0

    def __init__(self):
        self.best: float = 0.0
        self._last = None
        self.seen = []

    def _gain(self, now):
        return self.scale * max(0.0, now - self.best)

    def __call__(self, obs, action, next_obs, info):
        gain = self._gain(next_obs[0])
        self.best = max(self.best, next_obs[0])
        change = 0.0 if self._last is None else -np.abs(next_obs - self._last).sum()
        self._last = np.array(next_obs)
        self.seen.append(float(next_obs[1]))
        if len(self.seen) > 3:
            self.seen.pop(0)
        mean = sum(self.seen) / len(self.seen)
        return gain + change + mean, {"gain": gain, "change": change, "mean": mean}
'''


def method(*lines: str, start: str = "self.n = 0.0", name: str = "__call__") -> str:
    inner = "\n".join(f"        {line}" for line in lines)
    return (
        f"class R:\n    def __init__(self):\n        {start}\n"
        f"    def {name}(self, obs, action, next_obs, info):\n{inner}\n"
    )


COUNTS = method("self.n += 1.0", "return self.n")


def by_hand(x: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The class above in this process, for the rows of one lane."""
    paid = []
    for row, begins in zip(x, first, strict=True):
        if begins:
            best, last, seen = 0.0, row, []
        gain, change = 10.0 * max(0.0, row[0] - best), -np.abs(row - last).sum()
        best, last, seen = max(best, row[0]), row, [*seen, row[1]][-3:]
        paid.append(gain + change + sum(seen) / len(seen))
    return np.array(paid)


def rows_of(n: int, begins: list[int], **columns) -> Transitions:
    x = np.random.default_rng(3).normal(size=(n, 4))
    no, first = np.zeros(n, bool), np.isin(np.arange(n), begins)
    return Transitions(**{"obs": x, "action": x[:, :2], "next_obs": x, "reward": no * 1.0,
                          "terminated": no, "truncated": no, "first": first, **columns})  # fmt: skip


@pytest.fixture(scope="module")
def reward() -> Iterator[rw.CodeReward]:
    made = rw.CodeReward(KEEPS)
    yield made
    made.close()


def test_steps_of_one_lane_pay_what_the_class_pays_here(reward) -> None:
    batch = rows_of(600, [0, 7, 300])  # three turns
    np.testing.assert_allclose(reward.over_time(batch), by_hand(batch.next_obs, batch.first))
    np.testing.assert_allclose(sum(batch.terms.values()), by_hand(batch.next_obs, batch.first))
    assert reward.components == ("gain", "change", "mean")
    assert (reward.where, reward.by_row, reward.memoryless) == ("process", True, False)
    assert "class" in reward.why


def test_lanes_side_by_side_keep_each_its_own_and_begin_anew_alone(reward) -> None:
    steps, lanes = 8, 3
    x = np.random.default_rng(5).normal(size=(steps, lanes, 4))
    first = np.zeros((steps, lanes), bool)
    first[0], first[4, 1] = True, True
    carry, paid = reward.init(lanes), []
    for t in range(steps):
        batch = rows_of(lanes, [], obs=x[t], next_obs=x[t], action=x[t, :, :2], first=first[t])
        if t == 5:
            reward.close()  # a worker that is replaced forgets nothing
            carry = copy.deepcopy(carry)
        carry, value = reward.step(carry, batch)
        paid.append(value)
    for lane in range(lanes):
        expected = by_hand(x[:, lane], first[:, lane])
        np.testing.assert_allclose(np.array(paid)[:, lane], expected)


def test_one_environment_and_many_pay_alike_over_episode_borders(reward) -> None:
    actions = np.random.default_rng(0).uniform(-2, 2, (17, 1)).astype(np.float32)
    venv = rw.make("Pendulum-v1", reward, n_envs=2, seed=0, env_kwargs={"max_episode_steps": 7})
    venv.reset()
    many = [float(venv.step(np.stack([a, -a]))[1][0]) for a in actions]
    env = rw.wrap(gym.make("Pendulum-v1", max_episode_steps=7), reward)
    env.reset(seed=0)
    alone = []
    for a in actions[:7]:
        alone.append(float(env.step(a)[1]))
    assert many[:7] == pytest.approx(alone)
    assert len(set(np.round(many, 9))) == len(many)
    venv.close()


@pytest.mark.parametrize("name", ["compute", "compute_reward", "reward"])
def test_the_method_that_pays_may_have_these_names_and_code_of_batches_runs(name: str) -> None:
    """Batched: a row comes as a batch of one."""
    code = rw.CodeReward(
        method("self.n = self.n + next_obs[:, 0]", "return self.n", name=name)
        + "    def reset(self):\n        self.n = 100.0\n"
    )
    batch = rows_of(5, [0, 3])
    x = batch.next_obs[:, 0]
    expected = 100.0 + np.concatenate([np.cumsum(x[:3]), np.cumsum(x[3:])])
    np.testing.assert_allclose(code.over_time(batch), expected)
    assert not code.by_row
    assert list(code.probe(batch)) == ["total"]
    code.close()


def test_what_is_known_of_the_clock_is_there_too() -> None:
    code = rw.CodeReward(method("self.n += info['step']", "return self.n"))
    np.testing.assert_allclose(code.over_time(rows_of(5, [0, 3])), [1, 3, 6, 1, 3])
    code.close()


def test_a_total_that_multiplies_leaves_a_remainder() -> None:
    code = rw.CodeReward(
        method(
            "self.n += 1.0", "up = next_obs[0]", "return self.n * up, {'up': up, 'long': self.n}"
        )
    )
    batch = rows_of(3, [0])
    total = code.over_time(batch)
    assert tuple(batch.terms) == ("up", "long", "remainder")
    np.testing.assert_allclose(total, sum(batch.terms.values()))
    code.close()


# fmt: off
REFUSED = {
    "undeclared": (method("self.m = 1.0", "return self.n"), "self.m must be set in __init__"),
    "read only": (method("return self.last"), "self.last must be set in __init__"),
    "inherits": (COUNTS.replace("class R:", "class R(list):"), "must stand alone"),
    "decorated": ("@np.vectorize\n" + COUNTS, "must stand alone"),
    "shadows": (method("self.reset = 1.0", "return self.n", start="self.reset = 0.0")
                + "    def reset(self):\n        self.n = 0.0\n", "name of its own"),
    "no self": ("class R:\n    def compute(obs, action, next_obs, info):\n        return 1.0\n",
                "take self first"),
    "arguments": (COUNTS.replace("__init__(self)", "__init__(self, n)"), "take self alone"),
    "beside": (COUNTS + "def reward(obs, action, next_obs, info):\n    return obs[:, 0]\n", "beside reward"),
    "self replaced": (method("self = obs", "self.n = 1.0", "return self.n"), "self must not be assigned"),
    "of another": (method("obs.n = 1.0", "return self.n"), "attributes must not be assigned"),
    "deep": (method("self.n.a = 1.0", "return self.n"), "attributes must not be assigned"),
    "special": (COUNTS + "    def __del__(self):\n        self.n = 0.0\n", "must be left out"),
    "dunder": (method("return self.n.__class__"), "underscore"),
    "signature": (COUNTS.replace("next_obs, info", "next_obs"), r"__call__ must take \(obs"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_gate_says_what_a_class_may_not(name: str) -> None:
    source, said = REFUSED[name]
    refusal = read(source).refusal
    assert refusal is not None
    assert re.search(said, refusal), refusal


CAUGHT = {
    "list of the class": ("class R:\n    m = []\n    def __init__(self):\n        self.n = 0.0\n"
                          "    def compute(self, obs, action, next_obs, info):\n        a = self.m\n"
                          "        a.append(1.0)\n        return float(len(a))\n", "keep nothing"),
    "list of the module": ("m = []\n" + method("m.append(1.0)", "return float(len(m))"), "keep nothing"),
    "a function": (method("self.n = np.exp", "return 1.0"), "must be a number, text, an array"),
    "too much": (method("self.n = np.zeros(600)", "return 1.0"), "at most 4092 bytes"),
    "without end": (method("self.n = [0.0]", "self.n.append(self.n)", "return 1.0"), "RecursionError"),
    "an index": (method("return next_obs[9]"), "out of bounds"),
}  # fmt: skip


@pytest.mark.parametrize("name", CAUGHT)
def test_what_it_keeps_is_plain_small_and_its_own(name: str) -> None:
    source, said = CAUGHT[name]
    with pytest.raises(rw.SandboxError, match=said):
        rw.CodeReward(source).over_time(rows_of(2, [0]))


def test_an_answer_whose_block_is_a_class_is_taken() -> None:
    said = f"A plan.\n```python\n{KEEPS}```\n"
    assert code_in(Completion(said, Usage(1, 1))).startswith("class Reward:")
