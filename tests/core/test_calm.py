"""On steps without borders the text pays, records and carries what the tree does."""

from __future__ import annotations

import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core.calm import CONFIRMED, calm_steps
from rewardwrap.core.info import ColumnInfo
from rewardwrap.core.stream import Stream
from rewardwrap.core.task import Task
from rewardwrap.core.terms import term_names
from rewardwrap.testing.examples import TASK, examples

LANES = 6
FORM = rw.Potential({"place": 0.5, "bias": 2.0}, gamma=0.9)
FITTING = {
    "env": rw.EnvReward(),
    "constant": rw.Constant(-0.5),
    "chain": ((rw.EnvReward() + 0.1) * 0.9).clip(-0.5, 0.5),
    "scaled": rw.EnvReward() + 0.5 * rw.Potential("place", gamma=0.9).named("s"),
    "linear": rw.EnvReward() + FORM.named("s") + rw.Constant(0.1).named("c"),
    "two": (FORM.named("a") + rw.Potential("place", gamma=0.5).named("b")).clip(-1.0, None),
    "function": rw.Potential(lambda obs: np.abs(obs[:, 0]), gamma=0.9),
    "row": rw.EnvReward() + rw.Potential(lambda obs: abs(obs[0]), gamma=0.9).named("s"),
}


def task() -> Task:
    place = SimpleNamespace(index=1, info=None, key=None, scale=0.5, offset=0.25)
    return Task(name="t", gamma=0.9, fields={"place": place}, width=2)


def played(stream: Stream, steps: int = 40, *, reset_rows: bool = True) -> list[Any]:
    """Rewards, terms, sums and what is carried, over calm steps, ends and rows that only reset."""
    rng, found = np.random.default_rng(0), []
    resets = None
    stream.begin(rng.normal(size=(LANES, 2)), ColumnInfo({}))
    for t in range(steps):
        nobody = np.zeros(LANES, bool)
        ended = rng.random(LANES) < 0.3 if t % 9 == 7 else nobody
        ended &= ~nobody if resets is None else ~resets
        cut = ended & (rng.random(LANES) < 0.5)
        obs, pay = rng.normal(size=(LANES, 2)), rng.normal(size=LANES)
        value = stream.advance(
            nobody, obs, pay, ended & ~cut, cut, ends=bool(ended.any()), resets=resets
        )
        found += [value.copy(), stream.terms.copy(), stream.sums.copy()]
        resets = ended if reset_rows and ended.any() else None
    return found


@pytest.mark.filterwarnings("ignore:Potential")
@pytest.mark.parametrize("resets", [False, True])
@pytest.mark.parametrize("name", FITTING)
def test_the_text_pays_records_and_sums_what_the_tree_does(name, resets):
    stream, plain = (Stream(FITTING[name], LANES, task=task()) for _ in range(2))
    plain._calm = None
    for a, b in zip(
        played(stream, reset_rows=resets), played(plain, reset_rows=resets), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-12)
    assert stream._calm is not None
    assert stream._calm.sure


@pytest.mark.parametrize(
    "reward",
    [
        rw.EnvReward().normalize(),
        rw.function(lambda action: action),
        rw.EnvReward() > 0.5,
        rw.Potential(lambda obs, info: info["x"], gamma=0.9),
    ],
)
def test_what_is_no_arithmetic_on_columns_is_left_to_the_tree(reward):
    assert Stream(reward, LANES, task=task())._calm is None


def test_no_reward_of_the_examples_is_read_wrongly():
    for rewards in examples().values():
        for reward in rewards:
            names = ("env", *term_names(reward), "shaped")
            made = calm_steps(reward, TASK, names, reward.init(LANES))
            assert made is None or callable(made.step)


def test_a_text_that_pays_otherwise_is_not_believed():
    stream = Stream(rw.EnvReward() * 2.0, LANES)
    assert stream._calm is not None

    def wrong(next_obs: Any, reward: Any, memory: Any, terms: Any) -> Any:
        terms[:] = 7.0
        return terms[-1]

    stream._calm.step = wrong
    nobody = np.zeros(LANES, bool)
    stream.begin(np.zeros(LANES))
    for _ in range(CONFIRMED + 2):
        value = stream.advance(nobody, nobody, np.ones(LANES), nobody, nobody, ends=False)
        assert value.tolist() == [2.0] * LANES
    assert stream._calm is None


def test_what_is_carried_survives_a_copy_between_calm_steps():
    def steps(stream: Stream, count: int, seed: int) -> np.ndarray:
        rng, nobody = np.random.default_rng(seed), np.zeros(LANES, bool)
        return np.array([
            stream.advance(nobody, rng.normal(size=(LANES, 2)), np.ones(LANES), nobody, nobody, ends=False)
            for _ in range(count)
        ])  # fmt: skip

    stream = Stream(FITTING["two"], LANES, task=task())
    stream.begin(np.zeros((LANES, 2)))
    steps(stream, CONFIRMED + 3, 0)
    other = pickle.loads(pickle.dumps(stream))
    np.testing.assert_array_equal(steps(stream, 9, 1), steps(other, 9, 1))
    stream.replace_reward(FITTING["two"])
    np.testing.assert_array_equal(steps(stream, 9, 2), steps(other, 9, 2))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_on_calm_steps_too(value):
    stream, nobody = Stream(rw.EnvReward() * 2.0, LANES), np.zeros(LANES, bool)
    stream.begin(np.zeros(LANES))
    for _ in range(CONFIRMED + 2):
        stream.advance(nobody, nobody, np.ones(LANES), nobody, nobody, ends=False)
    with pytest.raises(rw.RewardValueError, match="lane 3"):
        stream.advance(
            nobody, nobody, np.where(np.arange(LANES) == 3, value, 1.0), nobody, nobody, ends=False
        )
