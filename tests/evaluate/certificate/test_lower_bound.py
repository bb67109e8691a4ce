"""Certified returns: the handbook's ceilings, properties, tightness, and a real attack."""

from __future__ import annotations

import time
from functools import cache
from itertools import pairwise
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from rewardwrap import evaluate as ev
from rewardwrap.evaluate import CertificateError, certify
from rewardwrap_policies.smoothed import SmoothedPolicy

GRID = range(1, 201)
METHODS = ("clopper-pearson", "dkw")


def _certify(returns: Any, **changes: Any) -> ev.Certificate:
    given: dict[str, Any] = {"sigma": 0.2, "budgets": [0.0, 0.2, 0.4], "lower": 0.0}
    return certify(returns, **{**given, "thresholds": GRID, **changes})


def _drawn(count: int = 2000, seed: int = 0) -> np.ndarray:
    return np.clip(np.random.default_rng(seed).normal(150, 40, count), 0, 200).round()


def test_the_ceilings_of_perfect_episodes() -> None:
    found = _certify(np.full(10_000, 200.0), sigma=1.0, budgets=[0, 1, 2, 3, 5])
    assert found.certified.round(2).tolist() == [199.83, 196.81, 174.80, 111.57, 6.37]


def test_dkw_by_hand() -> None:
    found = _certify([1.0] * 60 + [3.0] * 40, thresholds=None, method="dkw", budgets=[0, 0.1])
    slack = np.sqrt(np.log(20) / 200)
    chances = np.array([1 - slack, 0.4 - slack])
    assert found.thresholds.tolist() == [1.0, 3.0]
    assert found.probabilities == pytest.approx(chances)
    assert found.certified[0] == pytest.approx(chances @ [1, 2])
    assert found.certified[1] == pytest.approx(ndtr(ndtri(chances) - 0.5) @ [1, 2])


returns = st.lists(st.integers(0, 20), min_size=40, max_size=80)


@settings(max_examples=60, deadline=None)
@given(returns, st.sampled_from(METHODS))
def test_bounds_fall_with_the_budget_rise_with_alpha_and_stay_below_the_mean(
    values: list[int], method: str
) -> None:
    budgets = np.linspace(0, 2, 9)
    bounds = [
        certify(
            [*values, 0, 20], sigma=0.3, budgets=budgets, lower=-1.0,
            thresholds=np.arange(21) - 0.5, alpha=alpha, method=method,
        )
        for alpha in (0.01, 0.05, 0.3)
    ]  # fmt: skip
    for found in bounds:
        assert (np.diff(found.certified) <= 1e-12).all()
        assert found.certified[0] <= found.mean
        assert (found.certified >= found.lower - 1e-12).all()
    for strict, loose in pairwise(bounds):
        assert (strict.certified <= loose.certified + 1e-12).all()


@given(st.floats(0.1, 10))
def test_only_the_budget_in_sigmas_counts(factor: float) -> None:
    plain = _certify(_drawn())
    scaled = _certify(_drawn(), sigma=0.2 * factor, budgets=np.array([0.0, 0.2, 0.4]) * factor)
    assert scaled.certified == pytest.approx(plain.certified)


def test_a_worse_lower_bound_costs_only_what_is_never_certain() -> None:
    high, low = _certify(_drawn()), _certify(_drawn(), lower=-50.0)
    assert (low.certified <= high.certified).all()


def test_other_budgets_are_the_same_statement() -> None:
    found = _certify(_drawn())
    assert found.at([0.2]) == pytest.approx(found.certified[1:2])
    assert found.at(0.4) == pytest.approx(found.certified[2:])


def test_the_plain_data_can_be_written() -> None:
    import json

    document = json.loads(json.dumps(_certify(_drawn()).to_dict(), allow_nan=False))
    assert document["certified"][0] < document["mean"]


def test_a_hundred_budgets_of_ten_thousand_returns_take_less_than_fifty_milliseconds() -> None:
    drawn = np.abs(np.random.default_rng(0).normal(100, 20, 10_000))
    for method, thresholds in (("dkw", None), ("clopper-pearson", np.linspace(0.1, 200, 2000))):
        took = []  # of the processor, not of the clock on a shared machine
        for _ in range(7):
            start = time.process_time()
            _certify(drawn, budgets=np.linspace(0, 1, 100), method=method, thresholds=thresholds)
            took.append(time.process_time() - start)
        assert min(took) < 0.05, method


def test_the_bounds_hold_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    broken = dict.fromkeys(METHODS, 0)
    for _ in range(300):
        drawn = rng.binomial(10, 0.7, size=60)
        for method in METHODS:
            found = certify(
                drawn, sigma=1.0, budgets=[0.0], lower=-1.0,
                thresholds=np.arange(11), alpha=0.2, method=method,
            )  # fmt: skip
            true = -1.0 + np.sum([1 - _binomial_cdf(v - 1) for v in range(11)])
            broken[method] += found.certified[0] > true
    assert all(count / 300 <= 0.2 for count in broken.values())


@cache
def _binomial_cdf(value: int) -> float:
    from scipy.stats import binom

    return float(binom.cdf(value, 10, 0.7))


@pytest.mark.parametrize("budget", [0.5, 1.0, 2.0])
def test_half_spaces_are_where_the_bound_is_tight(budget: float) -> None:
    """T steps of noise, an event that is a half-space of them, and the attack along its normal."""
    rng = np.random.default_rng(0)
    normal = rng.normal(size=8)
    normal /= np.linalg.norm(normal)
    noise = rng.normal(size=(400_000, 8))
    clean = float(np.mean(noise @ normal <= 1.2))
    attacked = float(np.mean((noise + budget * normal) @ normal <= 1.2))
    assert attacked == pytest.approx(ndtr(ndtri(clean) - budget), abs=0.004)
    spread = rng.normal(size=8)
    elsewhere = (noise + budget * spread / np.linalg.norm(spread)) @ normal <= 1.2
    assert np.mean(elsewhere) >= ndtr(ndtri(clean) - budget) - 0.004


SIGMA, HORIZON = 0.1, 200
WEIGHTS = np.array([0.02, 0.2, 1.0, 0.5])


class Balancer:
    """Pushes to where the pole falls."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (4,), np.float32)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Any]:
        return (observation @ WEIGHTS > 0).astype(np.int64), None


def _play(episodes: int, *, budget: float = 0.0, attack: str = "none", seed: int = 0) -> np.ndarray:
    """Returns of the smoothed policy on gymnasium's CartPole, one episode per lane."""
    env = gym.make_vec(
        "CartPole-v1", num_envs=episodes, vectorization_mode="vector_entry_point",
        max_episode_steps=HORIZON,
    )  # fmt: skip
    policy = SmoothedPolicy(Balancer(), SIGMA, seed=seed)
    obs, _ = env.reset(seed=seed)
    left = np.full(episodes, budget**2)
    total, alive = np.zeros(episodes), np.ones(episodes, dtype=bool)
    direction = WEIGHTS / np.linalg.norm(WEIGHTS)
    for _ in range(HORIZON):
        # the shift of each lane depends on its state and on what it has spent: an adaptive attack
        want = _shift(attack, obs, budget)
        size = np.minimum(np.abs(want), np.sqrt(left))
        left = np.maximum(left - size**2, 0.0)
        shift = (np.sign(want) * size)[:, None] * direction
        action, _ = policy.predict((obs + shift).astype(np.float32))
        obs, reward, terminated, truncated, _ = env.step(action)
        total += reward * alive
        alive &= ~(terminated | truncated)
    env.close()
    return total


def _shift(attack: str, obs: np.ndarray, budget: float) -> np.ndarray:
    against = -np.sign(obs @ WEIGHTS)
    if attack == "none":
        return np.zeros(len(obs))
    if attack == "evenly":
        return against * budget / np.sqrt(HORIZON)
    if attack == "one side":
        return np.full(len(obs), budget / np.sqrt(HORIZON))
    if attack == "early":
        return against * budget / 2
    # all on the moments in which the pole already falls outwards
    falling = (obs[:, 2] * obs[:, 3] > 0) & (np.abs(obs[:, 2]) > 0.05)
    return np.where(falling, against * budget / 4, 0.0)


@pytest.fixture(scope="module")
def cart_pole() -> ev.Certificate:
    return certify(_play(4000), sigma=SIGMA, budgets=[0.1, 0.2, 0.3], lower=0.0, thresholds=GRID)


@pytest.mark.parametrize("attack", ["evenly", "one side", "early", "falling"])
def test_no_attack_within_the_budget_beats_the_bound(
    cart_pole: ev.Certificate, attack: str
) -> None:
    for budget, bound in zip(cart_pole.budgets, cart_pole.certified, strict=True):
        played = _play(2000, budget=budget, attack=attack, seed=1)
        error = 3 * played.std() / np.sqrt(played.size)
        assert played.mean() + error >= bound


def test_the_attacks_do_harm_and_the_certificate_is_worth_something(
    cart_pole: ev.Certificate,
) -> None:
    assert cart_pole.certified[0] > 100
    harmed = _play(2000, budget=1.0, attack="falling", seed=1)
    assert harmed.mean() < cart_pole.mean - 10
    bound = cart_pole.at(1.0)[0]
    assert harmed.mean() >= bound


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"thresholds": None},
            "must be fixed before any episode is played for clopper-pearson, got none",
        ),
        ({"sigma": 0.0}, "sigma must be above 0, got 0"),
        ({"sigma": float("nan")}, "sigma must be above 0, got nan"),
        ({"lower": 60.0}, "lower must be a bound that no return is below, got 60 and a return of"),
        ({"lower": -np.inf}, "lower must be a finite number"),
        ({"thresholds": [3, 2, 1]}, "thresholds must rise"),
        ({"thresholds": [1, 1, 2]}, "thresholds must rise"),
        ({"thresholds": [0.0, 1.0]}, "thresholds must rise, and from above lower"),
        ({"thresholds": []}, "at least one finite number"),
        ({"thresholds": [1.0, np.nan]}, "at least one finite number"),
        ({"budgets": [-0.1]}, "budgets must be finite numbers >= 0"),
        ({"budgets": [np.nan]}, "budgets must be finite numbers >= 0"),
        ({"alpha": 0.0}, "alpha must lie in \\(0, 1/2\\]"),
        ({"alpha": 0.9, "method": "dkw"}, "alpha must lie in \\(0, 1/2\\]"),
        ({"method": "hoeffding"}, "method must be one of"),
    ],
)
def test_claims_that_cannot_be_made_are_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CertificateError, match=sentence):
        _certify(_drawn(), **changes)


@pytest.mark.parametrize(
    ("played", "sentence"),
    [
        ([], "returns must be one number for each of at least one episode"),
        ([[1.0]], "got shape \\(1, 1\\)"),
        ([1.0, np.nan], "returns must be finite, got nan"),
        ([200.0] * 11, "returns must hold at least 12 episodes for alpha 0.05 shared by 200"),
    ],
)
def test_episodes_that_support_nothing_are_refused(played: Any, sentence: str) -> None:
    with pytest.raises(CertificateError, match=sentence):
        _certify(played)


def test_twelve_perfect_episodes_certify_half_and_eleven_would_not() -> None:
    assert _certify([200.0] * 12, budgets=[0]).certified[0] >= 100
    with pytest.raises(CertificateError, match="at least 6 episodes"):
        _certify([200.0] * 5, method="dkw", thresholds=None)


@pytest.mark.parametrize("how", ["all", "some", "quantiles", "grid", "one"])
def test_thresholds_that_were_chosen_from_the_returns_are_refused(how: str) -> None:
    drawn = np.abs(np.random.default_rng(0).normal(100, 20, 500))
    levels = {
        "all": np.unique(drawn),
        "some": np.sort(drawn)[::50],
        "quantiles": np.quantile(drawn, np.linspace(0, 1, 20)),
        "grid": np.linspace(drawn.min(), drawn.max(), 30),
        "one": [float(np.median(drawn[:-1]))],
    }[how]
    with pytest.raises(CertificateError, match="got some computed from the returns"):
        _certify(drawn, thresholds=levels)
    assert _certify(drawn, thresholds=levels, method="dkw").certified[0] > 0


@pytest.mark.parametrize("levels", [GRID, [50, 100, 150], [100], np.linspace(0.5, 200, 400)])
def test_grids_that_were_written_down_are_not_taken_for_chosen(levels: Any) -> None:
    assert _certify(_drawn(10_000), thresholds=levels).certified[0] > 0


def test_the_span_of_whole_returns_is_seen_too() -> None:
    drawn = _drawn() + 30
    span = np.arange(drawn.min(), drawn.max() + 1)
    with pytest.raises(CertificateError, match="got some computed from the returns"):
        _certify(drawn, thresholds=span)
