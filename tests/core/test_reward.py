from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core.reward import Affine, Reward
from rewardwrap.core.task import Task
from rewardwrap.core.terms import term_names, with_every_term_named
from rewardwrap.testing import hosts
from rewardwrap.testing.tapes import random_episodes, tape_of

Values = np.ndarray[Any, Any]
Link = tuple[Callable[[Any], Reward], Callable[[Values], Values]]

TAPE = tape_of(random_episodes(np.random.default_rng(0), task=Task(), width=2), 2, Task())
TAPE = TAPE.closed().take(slice(0, 6))
PAID = TAPE.reward

env = rw.EnvReward
numbers = st.one_of(
    st.integers(-3, 3), st.floats(-4, 4), st.floats(-4, 4).map(np.float64), st.just(0.0)
)


def bounds() -> st.SearchStrategy[tuple[float | None, float | None]]:
    side = st.one_of(st.none(), st.floats(-3, 3))
    return st.tuples(side, side).map(
        lambda b: b if b[0] is None or b[1] is None else (min(b), max(b))
    )


def between(values: Values, low: float | None, high: float | None) -> Values:
    if low is not None:
        values = np.maximum(values, low)
    return values if high is None else np.minimum(values, high)


links: st.SearchStrategy[Link] = st.one_of(
    numbers.map(lambda c: (lambda r: r * c, lambda v: v * c)),
    numbers.map(lambda c: (lambda r: float(c) * r, lambda v: v * c)),
    numbers.map(lambda c: (lambda r: r + c, lambda v: v + c)),
    numbers.map(lambda c: (lambda r: float(c) - r, lambda v: c - v)),
    numbers.filter(lambda c: abs(c) > 0.1).map(lambda c: (lambda r: r / c, lambda v: v / c)),
    st.just((lambda r: -r, lambda v: -v)),
    bounds().map(lambda b: (lambda r: r.clip(*b), lambda v: between(v, *b))),
    numbers.map(lambda c: (lambda r: r.minimum(c), lambda v: np.minimum(v, c))),
    numbers.map(lambda c: (lambda r: r.maximum(c), lambda v: np.maximum(v, c))),
)


def step(reward: Reward) -> Values:
    return hosts.by_step(reward, TAPE)["shaped"]


def relabelled(reward: Reward) -> Values:
    """What `rw.relabel` pays on one endless log of what the lanes were paid."""
    rows, nobody = PAID.ravel(), np.zeros(PAID.size, bool)
    log = {"obs": np.zeros(len(rows) + 1), "action": nobody, "reward": rows}
    log |= {"terminated": nobody, "truncated": nobody}
    return rw.relabel(reward, log).reshape(PAID.shape)


@given(chain=st.lists(links, max_size=7))
def test_any_chain_with_numbers_pays_what_numpy_computes_and_is_one_node(chain: Any) -> None:
    reward, want = env(), PAID
    for compose, compute in chain:
        reward, want = compose(reward), compute(want)
    assert isinstance(reward, rw.EnvReward) or isinstance(reward.base, rw.EnvReward)
    np.testing.assert_allclose(relabelled(reward), want, rtol=1e-9, atol=1e-7)
    for host in (hosts.by_lane, hosts.by_few_lanes, hosts.by_stream):
        np.testing.assert_allclose(host(reward, TAPE)["shaped"], want, rtol=1e-9, atol=1e-7)


@given(chain=st.lists(links, max_size=4))
def test_a_chain_on_a_sum_and_on_a_named_term_pays_the_same(chain: Any) -> None:
    reward, want = (env().named("a") + rw.Constant(0.5)).named("whole"), PAID + 0.5
    for compose, compute in chain:
        reward, want = compose(reward), compute(want)
    for host in (hosts.by_log, hosts.by_lane):
        np.testing.assert_allclose(host(reward, TAPE)["shaped"], want, rtol=1e-9, atol=1e-7)


@given(factor=st.floats(-3, 3))
def test_a_number_times_a_sum_goes_to_its_terms(factor: float) -> None:
    both = factor * (env().named("a") + rw.Constant(2.0).named("b") + rw.Constant(1.0))
    paid = hosts.by_lane(both, TAPE)
    np.testing.assert_allclose(paid["a"], factor * PAID)
    np.testing.assert_allclose(paid["b"], 2.0 * factor)
    np.testing.assert_allclose(paid["constant"], factor)
    np.testing.assert_allclose(paid["a"] + paid["b"] + paid["constant"], paid["shaped"])
    assert isinstance(both, rw.Sum)


def test_terms_add_up_to_shaped_on_every_host() -> None:
    reward = env() + 0.5 * env().clip(0, 1).named("bounded") - rw.Constant(0.1) + rw.Constant(1)
    for host in hosts.HOSTS.values():
        paid = host(reward, TAPE)
        assert list(paid) == ["env", "bounded", "constant", "constant_2", "shaped"]
        np.testing.assert_allclose(sum(paid.values()), 2 * paid["shaped"])


def test_sums_are_flat() -> None:
    a, b, c = map(rw.Constant, (1, 2, 3))
    assert (a + (b + c)).terms == ((a + b) + c).terms == (a, b, c)


def test_products_minima_and_maxima_go_lane_by_lane() -> None:
    low, high = env().clip(high=0.1), rw.Constant(-0.2)
    bound = np.minimum(PAID, 0.1)
    wants = {
        low * high: bound * -0.2,
        low.minimum(high): np.minimum(bound, -0.2),
        low.maximum(high): np.maximum(bound, -0.2),
        rw.Product((low, high, env())): bound * -0.2 * PAID,
        rw.Minimum((env(), high, rw.Constant(-1))): np.minimum(PAID, -1),
        rw.Maximum((env(), high, rw.Constant(0))): np.maximum(PAID, 0),
    }
    for reward, want in wants.items():
        for host in (hosts.by_log, hosts.by_lane, hosts.by_stream):
            np.testing.assert_allclose(host(reward, TAPE)["shaped"], want)


def test_what_changes_nothing_adds_no_node() -> None:
    reward = env()
    for same in (reward * 1, 1.0 * reward, reward + 0, reward.clip(), reward / 1):
        assert same is reward or same.to_config() == {"affine": {"base": {"env": {}}}}
    np.testing.assert_array_equal(step(reward.clip(-math.inf, math.inf)), PAID)


@pytest.mark.parametrize("name", ["", "a b", "1st", "_x", "a/b", "é", "a\n", 3, None])
def test_a_name_must_fit_a_column_and_a_tag(name: Any) -> None:
    with pytest.raises(rw.ConfigError, match="term name must be letters, digits"):
        env().named(name)


@pytest.mark.parametrize("name", ["env", "shaped"])
def test_the_names_that_every_run_records_are_reserved(name: str) -> None:
    with pytest.raises(rw.ConfigError, match=f'must not be "{name}"'):
        env().named(name)


def test_two_terms_may_not_share_a_name() -> None:
    twice = env().named("a") + (rw.Constant(1).named("a") * rw.Constant(2))
    with pytest.raises(rw.ConfigError, match="term names must differ, got a twice"):
        term_names(twice)
    with pytest.raises(rw.ConfigError, match="got a twice"):
        hosts.by_stream(twice, TAPE)
    assert term_names(env().named("a").clip(0, 1).named("b")) == ("b", "a")


def test_unnamed_addends_are_named_by_tag_and_numbered() -> None:
    one = rw.Constant(1)
    cases: dict[tuple[str, ...], Reward] = {
        ("constant", "constant_2", "constant_3"): env() + one + one + one.clip(0, 2),
        ("constant_2", "constant"): one + one.named("constant"),
        ("env_rescaled",): 2 * env(),
        ("env_rescaled", "env_rescaled_2"): 2 * env() + env().clip(0, 1) + env(),
        ("product", "minimum"): env() * one + env().minimum(one),
        (): env(),
    }
    for names, reward in cases.items():
        assert term_names(with_every_term_named(reward)) == names


@pytest.mark.parametrize("other", ["1", None, True, [1.0], np.zeros(1), 1j])
def test_only_numbers_and_rewards_combine(other: Any) -> None:
    for combine in (lambda: env() + other, lambda: env() * other):
        with pytest.raises(rw.ConfigError, match="must be combined with a number or a reward, got"):
            combine()


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_numbers_must_be_finite(wrong: float) -> None:
    for combine in (lambda: wrong * env(), lambda: env() + wrong, lambda: Affine(env(), low=wrong)):
        with pytest.raises(rw.ConfigError, match="must be finite, got"):
            combine()


def test_a_bound_that_is_no_number_or_leaves_nothing_is_refused() -> None:
    for low, high in ((math.nan, 1.0), (0.0, math.nan), (math.inf, None), (None, -math.inf)):
        with pytest.raises(rw.ConfigError, match="clip: a bound must be finite, got"):
            env().clip(low, high)
    for refuse in (lambda: env().clip(1, 0), lambda: Affine(env(), low=1, high=0)):
        with pytest.raises(rw.ConfigError, match=r"low must not exceed high, got \[1.0, 0.0\]"):
            refuse()


@pytest.mark.parametrize("cls", [rw.Sum, rw.Product, rw.Minimum, rw.Maximum])
def test_composites_are_made_of_rewards(cls: Any) -> None:
    with pytest.raises(rw.ConfigError, match="must have at least one reward, got none"):
        cls(())
    with pytest.raises(rw.ConfigError, match="must be made of rewards, got float"):
        cls((env(), 1.0))


def test_a_number_times_a_shifted_named_term_is_recorded_inside_the_name():
    from rewardwrap.core.stream import Stream

    stream = Stream(2.0 * (rw.EnvReward().named("a") + 1.0), 2)
    nobody = np.zeros(2, bool)
    stream.begin(np.zeros(2))
    paid = stream.advance(None, np.zeros(2), np.array([3.0, 4.0]), nobody, nobody)
    np.testing.assert_array_equal(paid, [8.0, 10.0])
    np.testing.assert_array_equal(stream.terms[stream.names.index("a")], [6.0, 8.0])
