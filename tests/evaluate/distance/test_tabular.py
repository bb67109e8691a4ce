from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import rewardwrap as rw
from rewardwrap.evaluate.distance import canonical
from rewardwrap.evaluate.distance.separation import METRICS
from rewardwrap.evaluate.distance.tabular import tabular_distance
from rewardwrap.evaluate.mdp import MdpError

PSEUDOMETRICS = ("epic", "dard", "starc-val", "starc-minimal", "erc")
SHAPING_PROOF = ("epic", "dard", "starc-val", "starc-minimal", "npec")
REDISTRIBUTION_PROOF = ("starc-val", "starc-minimal")
seeds = st.integers(0, 2**32 - 1)


class World:
    """A random MDP, and rewards on it."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.states, self.actions = int(self.rng.integers(2, 6)), int(self.rng.integers(2, 4))
        self.gamma = float(self.rng.uniform(0.0, 0.97))
        self.T = self.rng.dirichlet(np.ones(self.states), (self.states, self.actions))

    def reward(self) -> Any:
        return self.rng.normal(size=self.T.shape)

    def shaping(self, gamma: float | None = None) -> Any:
        phi = self.rng.normal(scale=3.0, size=self.states)
        discount = self.gamma if gamma is None else gamma
        return np.zeros_like(self.T) + discount * phi - phi[:, None, None]

    def redistribution(self) -> Any:
        moved = self.rng.normal(size=self.T.shape)
        return moved - (moved * self.T).sum(axis=2, keepdims=True)

    def distance(self, a: Any, b: Any, metric: str, **options: Any) -> float:
        return tabular_distance(a, b, self.T, gamma=self.gamma, metric=metric, **options)


@pytest.mark.parametrize("metric", SHAPING_PROOF)
@given(seed=seeds)
@settings(max_examples=40)
def test_shaping_and_a_positive_scale_keep_the_task(metric: str, seed: int) -> None:
    world = World(seed)
    a, b = world.reward(), world.reward()
    same = 0.3 * (b + world.shaping())
    assert world.distance(b, same, metric) < 1e-9
    assert world.distance(a, same, metric) == pytest.approx(world.distance(a, b, metric), abs=1e-9)


@pytest.mark.parametrize("metric", REDISTRIBUTION_PROOF)
@given(seed=seeds)
@settings(max_examples=40)
def test_starc_does_not_see_where_a_reward_lies_among_successors(metric: str, seed: int) -> None:
    world = World(seed)
    a = world.reward()
    assert world.distance(a, a + world.redistribution(), metric) < 1e-9


@pytest.mark.parametrize("metric", ["epic", "dard", "npec"])
def test_epic_dard_and_npec_do_see_it(metric: str) -> None:
    found = []
    for seed in range(60):
        world = World(seed)
        a = world.reward()
        found.append(world.distance(a, a + world.redistribution(), metric))
    assert 0.25 < np.median(found) <= 1.0


@pytest.mark.parametrize("metric", PSEUDOMETRICS)
@given(seed=seeds)
@settings(max_examples=40)
def test_a_distance_is_symmetric_between_0_and_1_and_takes_no_detours(
    metric: str, seed: int
) -> None:
    world = World(seed)
    a, b, c = world.reward(), world.reward(), world.reward()
    ab, bc, ac = (world.distance(x, y, metric) for x, y in ((a, b), (b, c), (a, c)))
    assert all(0.0 <= d <= 1.0 for d in (ab, bc, ac))
    assert ac <= ab + bc + 1e-9
    assert world.distance(b, a, metric) == pytest.approx(ab, abs=1e-9)


@pytest.mark.parametrize("metric", PSEUDOMETRICS)
def test_the_opposite_reward_is_as_far_as_it_gets(metric: str) -> None:
    world = World(3)
    a = world.reward()
    assert world.distance(a, -2 * a + world.shaping() * (metric != "erc"), metric) == (
        pytest.approx(1.0)
    )


@given(seed=seeds)
@settings(max_examples=30)
def test_npec_lies_in_0_to_1_and_is_asymmetric(seed: int) -> None:
    world = World(seed)
    a, b = world.reward(), world.reward()
    assert 0.0 <= world.distance(a, b, "npec") <= 1.0
    # for p = 2 it is the sine of the angle, which both directions share; zero is what tells them apart
    assert world.distance(np.zeros_like(a), b, "npec") == 1.0
    assert world.distance(b, np.zeros_like(a), "npec") == 0.0


def test_with_one_action_there_is_nothing_to_choose_so_starc_calls_all_rewards_one() -> None:
    rng = np.random.default_rng(0)
    T, (a, b) = rng.dirichlet(np.ones(3), (3, 1)), rng.normal(size=(2, 3, 1, 3))
    for metric in REDISTRIBUTION_PROOF:
        assert tabular_distance(a, b, T, gamma=0.9, metric=metric) == 0.0


@given(seed=seeds)
@settings(max_examples=15)
@example(seed=7056)  # nearly orthogonal: the best scale is near 0
def test_npec_is_the_minimum_that_a_numerical_minimiser_finds(seed: int) -> None:
    world = World(seed)
    a, b = world.reward(), world.reward()

    def left(x: Any) -> float:
        phi = x[2:]
        return float(np.square(x[0] * a + x[1] + world.gamma * phi - phi[:, None, None] - b).mean())

    # a bound rather than max(x[0], 0), whose flat side would hold the minimiser
    free = [(None, None)] * (world.states + 1)
    start, tight = np.full(world.states + 2, 0.1), {"ftol": 1e-14, "gtol": 1e-10, "maxiter": 5000}
    found, zero = (
        minimize(left, start, method="L-BFGS-B", bounds=[scale, *free], options=tight).fun
        for scale in ((0.0, None), (0.0, 0.0))
    )
    assert world.distance(a, b, "npec") == pytest.approx(np.sqrt(found / zero), abs=2e-3)


@given(seed=seeds)
@settings(max_examples=20)
def test_twice_epic_is_the_raw_distance_of_normalised_rewards(seed: int) -> None:
    world = World(seed)
    a, b = world.reward(), world.reward()
    even = np.full(world.states, 1 / world.states), np.full(world.actions, 1 / world.actions)
    x, y = (canonical.epic(r, *even, world.gamma) for r in (a, b))
    raw = np.linalg.norm(x / np.linalg.norm(x) - y / np.linalg.norm(y))
    assert raw == pytest.approx(2 * world.distance(a, b, "epic"), abs=1e-9)
    rho = np.corrcoef(x.ravel(), y.ravel())[0, 1]
    assert world.distance(a, b, "epic") == pytest.approx(np.sqrt((1 - rho) / 2), abs=1e-9)


@given(seed=seeds)
@settings(max_examples=15)
def test_the_minimal_form_is_what_a_numerical_minimiser_finds(seed: int) -> None:
    world = World(seed)
    a, count = world.reward(), world.T.size

    def moved(x: Any) -> Any:
        phi, spread = x[: world.states], x[world.states :].reshape(a.shape)
        spread = spread - (spread * world.T).sum(axis=2, keepdims=True)
        return a + world.gamma * phi - phi[:, None, None] + spread

    found = minimize(
        lambda x: float(np.square(moved(x)).sum()), np.zeros(world.states + count), method="L-BFGS-B",
        options={"maxiter": 20000, "maxfun": 10**6, "ftol": 1e-15, "gtol": 1e-9},
    )  # fmt: skip
    closed = canonical.minimal(a, world.T, world.gamma)
    np.testing.assert_allclose(closed, moved(found.x), atol=1e-4)


def test_shaping_with_another_discount_is_another_task() -> None:
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        T = rng.dirichlet(np.ones(5), (5, 2))
        a, phi = rng.normal(size=T.shape), rng.normal(size=5) * 6
        found.append(tabular_distance(a, a + phi - phi[:, None, None], T, gamma=0.9))
        right = a + 0.9 * phi - phi[:, None, None]
        assert tabular_distance(a, right, T, gamma=0.9) < 1e-12
    assert 0.1 < np.median(found) < 0.4


def test_rewards_that_agree_on_all_that_can_happen_are_one_task_to_starc_alone() -> None:
    T = np.zeros((4, 2, 4))
    for s in range(4):
        T[s, 0, (s + 1) % 4] = T[s, 1, s] = 1.0
    rng = np.random.default_rng(0)
    a = rng.normal(size=T.shape)
    b = np.where(T > 0, a, rng.normal(size=T.shape))
    distance = {m: tabular_distance(a, b, T, gamma=0.9, metric=m) for m in METRICS}
    assert distance["epic"] > 0.3
    assert max(distance[m] for m in ("starc-val", "starc-minimal", "erc")) < 1e-7


def test_returns_do_not_see_shaping_only_from_one_start() -> None:
    world = World(5)
    a = world.reward()
    shaped = a + world.shaping()
    start = np.eye(world.states)[0]
    assert world.distance(a, shaped, "erc", state_dist=start) < 1e-6
    assert world.distance(a, shaped, "erc") > 0.01


def test_exact_returns_correlate_as_simulated_ones_do() -> None:
    rng = np.random.default_rng(1)
    T, gamma = rng.dirichlet(np.ones(3), (3, 2)), 0.7
    a, b = rng.normal(size=(2, 3, 2, 3))
    states = rng.integers(3, size=20_000)
    G, H = np.zeros((2, len(states)))
    for t in range(40):
        actions = rng.integers(2, size=len(states))
        after = (rng.random(len(states))[:, None] > T[states, actions].cumsum(axis=1)).sum(axis=1)
        G += gamma**t * a[states, actions, after]
        H += gamma**t * b[states, actions, after]
        states = after
    rho = np.corrcoef(G, H)[0, 1]
    exact = tabular_distance(a, b, T, gamma=gamma, metric="erc")
    assert exact == pytest.approx(np.sqrt((1 - rho) / 2), abs=0.01)


def test_the_value_of_a_two_state_chain_by_hand() -> None:
    # action 0 stays, action 1 moves; +1 for being in state 1 after the step
    T = np.zeros((2, 2, 2))
    T[0, 0, 0] = T[0, 1, 1] = T[1, 0, 1] = T[1, 1, 0] = 1.0
    R = np.zeros((2, 2, 2))
    R[:, :, 1] = 1.0
    even = np.full((2, 2), 0.5)
    np.testing.assert_allclose(canonical.values(R, T, even, 0.5), [1.0, 1.0])
    gain = canonical.advantage(R, T, even, 0.5)[:, :, 0]
    np.testing.assert_allclose(gain, [[-0.5, 0.5], [0.5, -0.5]])
    # m = 1/2 everywhere: R + m/2 - m - m/2
    form = canonical.epic(R, np.full(2, 0.5), np.full(2, 0.5), 0.5)
    np.testing.assert_allclose(form[0, 0], [-0.5, 0.5])


@pytest.mark.parametrize("metric", METRICS)
def test_two_rewards_that_ask_for_nothing_are_one_task(metric: str) -> None:
    world = World(7)
    nothing = np.zeros_like(world.T)
    assert world.distance(nothing, nothing, metric) == 0.0
    if metric != "erc":
        assert world.distance(nothing, world.shaping(), metric) == 0.0
        assert world.distance(np.full_like(world.T, 4.0), world.shaping(), metric) == 0.0


@pytest.mark.parametrize("metric", PSEUDOMETRICS)
def test_one_reward_that_asks_for_nothing_is_halfway_to_any_other_with_a_warning(
    metric: str,
) -> None:
    world = World(7)
    with pytest.warns(rw.RewardwrapWarning, match=r"0\.5 by convention"):
        assert world.distance(np.zeros_like(world.T), world.reward(), metric) == 0.5


@pytest.mark.parametrize("metric", METRICS)
def test_unreachable_states_and_huge_or_tiny_rewards_are_fine(metric: str) -> None:
    T = np.zeros((3, 2, 3))
    T[:, :, 0] = 1.0  # 1 and 2 are never entered
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 2, 3))
    usual = tabular_distance(a, b, T, gamma=0.9, metric=metric)
    assert 0.0 <= usual <= 1.0
    far = tabular_distance(1e200 * a, 1e-200 * b, T, gamma=0.9, metric=metric)
    assert far == pytest.approx(usual, abs=1e-9)


def test_a_terminal_state_is_an_absorbing_one_where_a_potential_needs_its_0() -> None:
    # 0 -> 1 -> end; Phi(end) = 0 also in the rows of the end
    T = np.zeros((3, 2, 3))
    T[0, :, 1] = T[1, :, 2] = T[2, :, 2] = 1.0
    T[1, 1] = [1.0, 0.0, 0.0]
    R = np.zeros_like(T)
    R[1, 0, 2] = 1.0
    phi = np.array([0.2, 0.7, 0.0])
    shaped = R + 0.9 * phi - phi[:, None, None]
    assert tabular_distance(R, shaped, T, gamma=0.9) < 1e-12
    # Phi(s') = 0 at the end, but the end's own rows forgotten
    forgotten = np.where(np.arange(3)[:, None, None] == 2, R, shaped)
    assert tabular_distance(R, forgotten, T, gamma=0.9) > 0.05
    # where nothing but real transitions count they were zero anyway
    assert tabular_distance(R, forgotten, T, gamma=0.9, metric="starc-val") < 1e-12


def _ok() -> dict[str, Any]:
    world = World(0)
    return {"R1": world.reward(), "R2": world.reward(), "T": world.T.copy(), "gamma": 0.9}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"gamma": 1.0}, r"gamma must lie in \[0, 1\), got 1"),
        ({"gamma": -0.1}, r"gamma must lie in \[0, 1\), got -0\.1"),
        ({"gamma": float("nan")}, "got nan"),
        ({"T": np.ones((2, 2))}, r"T must have shape \(states, actions, states\)"),
        ({"T": np.ones((2, 1, 2))}, r"T must sum to 1 over its last axis, got 2 at \(0, 0\)"),
        ({"T": [[[1.5, -0.5]], [[0.0, 1.0]]]}, "T must not be negative, got -0.5"),
        ({"T": [[[np.nan, 1.0]], [[0.0, 1.0]]]}, "T must be finite, got nan"),
        ({"R1": np.ones((2, 3, 2))}, "R1 must have the shape of T"),
        ({"R2": np.ones((9, 9))}, "R2 must have the shape of T"),
        ({"state_dist": [0.5, 0.5, 0.5]}, "state_dist must"),
        ({"action_dist": [2.0]}, "action_dist must"),
        ({"policy": np.ones((1, 1))}, "policy must have shape"),
    ],
)
def test_bad_arrays_are_refused_with_a_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MdpError, match=sentence):
        tabular_distance(**{**_ok(), **change})


def test_a_nan_is_named_with_its_place() -> None:
    given = _ok()
    given["R2"][0, 0, 1] = np.nan
    with pytest.raises(MdpError, match=r"R2 must be finite, got nan at \(0, 0, 1\)"):
        tabular_distance(**given)


def test_an_unknown_metric_is_named_with_its_neighbours() -> None:
    with pytest.raises(rw.ConfigError, match='No metric "epci". Did you mean "epic"'):
        tabular_distance(**_ok(), metric="epci")
