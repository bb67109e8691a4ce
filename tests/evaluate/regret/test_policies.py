from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.evaluate.dynamics import outcomes
from rewardwrap.evaluate.mdp import MdpError
from rewardwrap.evaluate.regret.policies import policy_regret
from rewardwrap.evaluate.regret.product import LIMIT, RegretError

CLOSE = {"row": 1 / 14, "column": 1 / 14}
ONE_SIDED = rw.EnvReward() + rw.Potential(CLOSE, gamma=1.0).clip(low=0.0)
LAKES = ["FrozenLake-8x8", "FrozenLake8x8-v1"]


def test_the_optimum_of_the_lake_is_the_shortest_way() -> None:
    found = policy_regret(rw.EnvReward(), "FrozenLake-8x8", gamma=0.99)
    assert found.best == found.achieved == pytest.approx(0.99**13)
    assert found.worst == 0.0
    assert not found.changed
    assert found.cycle == ()
    assert found.ends
    assert len(found.route) == 14


@pytest.mark.parametrize("env", LAKES)
def test_a_potential_changes_nothing(env: str) -> None:
    for scale in (0.1, 10.0):
        found = policy_regret(rw.EnvReward() + scale * rw.Potential(CLOSE), env)
        assert found.value < 1e-9
        assert not found.changed


@pytest.mark.parametrize("env", LAKES)
def test_a_bonus_for_progress_alone_is_farmed_by_stepping_back_and_forth(env: str) -> None:
    found = policy_regret(ONE_SIDED, env)
    assert found.value > 0.99
    assert found.changed
    forth, back = found.cycle
    assert forth.next_state == back.state
    assert back.next_state == forth.state
    assert forth.paid == pytest.approx(1 / 14)
    assert (back.paid, forth.true, back.true) == (0.0, 0.0, 0.0)


def test_a_record_of_progress_is_not_farmed_and_solved_exactly_with_its_memory() -> None:
    record = rw.EnvReward() + rw.Progress(rw.Field(CLOSE))
    found = policy_regret(record, "FrozenLake-8x8")
    plain = policy_regret(rw.EnvReward(), "FrozenLake-8x8")
    assert not found.changed
    assert found.best == pytest.approx(plain.best)
    assert found.nodes > plain.nodes


def test_a_raw_score_is_loitered_on() -> None:
    found = policy_regret(rw.EnvReward() + rw.Field(CLOSE), "FrozenLake-8x8")
    assert found.value == 1.0
    assert len(found.cycle) == 1  # against the wall beside the goal
    assert not found.ends
    assert found.name_of(found.cycle[0].state) == "row 7, column 6"


@pytest.mark.parametrize(("env", "best"), [("CliffWalking-v1", -13), ("Taxi-v4", None)])
def test_a_bonus_for_living_makes_a_cost_per_step_worth_paying(env: str, best: Any) -> None:
    honest = policy_regret(rw.EnvReward(), env)
    assert not honest.changed
    if best is not None:
        assert honest.best == pytest.approx(-(1 - 0.99**13) / 0.01)
    found = policy_regret(rw.EnvReward() + rw.Constant(2.0), env)
    assert found.changed
    assert not found.ends
    assert sum(step.paid - step.true for step in found.cycle) > 0


def test_a_scale_changes_nothing_and_a_sign_everything() -> None:
    assert not policy_regret(0.001 * rw.EnvReward(), "CliffWalking-v1").changed
    worst = policy_regret(-1 * rw.EnvReward(), "CliffWalking-v1")
    assert worst.value == pytest.approx(1.0)
    assert worst.achieved == pytest.approx(worst.worst)


def test_a_reward_that_asks_for_nothing_leaves_all_to_lose_and_says_so() -> None:
    found = policy_regret(rw.Constant(0.0), "FrozenLake-8x8")
    assert (found.value, found.kindest) == (1.0, 0.0)


def test_a_delta_of_a_score_is_a_potential_one_step_late() -> None:
    delta = rw.EnvReward() + rw.Delta(rw.Field(CLOSE), gamma=0.99)
    assert not policy_regret(delta, "FrozenLake-8x8").changed


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_shaping_and_redistribution_have_no_regret_on_random_arrays(seed: int) -> None:
    rng = np.random.default_rng(seed)
    states, gamma = int(rng.integers(2, 6)), float(rng.uniform(0, 0.97))
    T = rng.dirichlet(np.ones(states), (states, 3))
    true, phi, moved = rng.normal(size=T.shape), rng.normal(size=states), rng.normal(size=T.shape)
    moved -= (moved * T).sum(axis=2, keepdims=True)
    same = 2 * (true + gamma * phi - phi[:, None, None] + moved)
    assert policy_regret(same, T=T, true=true, gamma=gamma).value < 1e-9
    assert policy_regret(-true, T=T, true=true, gamma=gamma).value == pytest.approx(1.0)
    other = policy_regret(rng.normal(size=T.shape), T=T, true=true, gamma=gamma)
    assert 0.0 <= other.kindest <= other.value + 1e-12 <= 1.0 + 1e-9


def test_the_regret_is_what_all_policies_tried_one_by_one_say() -> None:
    rng = np.random.default_rng(2)
    T, gamma = rng.dirichlet(np.ones(3), (3, 2)), 0.8
    true, paid = rng.normal(size=(2, 3, 2, 3))
    start = np.array([0.2, 0.5, 0.3])

    def worth(reward: Any, policy: Any) -> float:
        rows = np.arange(3)
        moves = T[rows, policy]
        mean = (moves * reward[rows, policy]).sum(axis=1)
        return float(start @ np.linalg.solve(np.eye(3) - gamma * moves, mean))

    policies = [np.array(p) for p in np.ndindex(2, 2, 2)]
    values = [worth(true, p) for p in policies]
    best = max(range(8), key=lambda i: worth(paid, policies[i]))
    found = policy_regret(paid, T=T, true=true, start=start, gamma=gamma)
    assert found.best == pytest.approx(max(values))
    assert found.worst == pytest.approx(min(values))
    assert found.achieved == pytest.approx(values[best])


def test_ended_states_stand_beside_those_that_are_passed_through() -> None:
    env = gym.make("Taxi-v4")
    table = outcomes(env)
    T, own = table.arrays()
    env.close()
    assert table.states == 500
    assert len(T) == 504
    np.testing.assert_allclose(T.sum(axis=2), 1.0)
    assert (own[500:] == 0.0).all()
    assert own[T > 0].max() == 20.0


@pytest.mark.parametrize(
    ("reward", "sentence"),
    [
        ((rw.EnvReward() - 0.1).normalize(), f"finitely many things, got more than {LIMIT}"),
        (
            rw.from_config({"gaussian": {"base": "env", "sigma": 0.1}}),
            "must be certain for an exact optimum",
        ),
        (rw.Delta(rw.EnvReward(), align="next"), "must not need later steps"),
        (rw.function(lambda obs: np.full(len(obs), np.inf)), "reward must be finite, got inf"),
    ],
)
def test_rewards_without_an_exact_optimum_are_refused(reward: Any, sentence: str) -> None:
    with pytest.raises(RegretError, match=sentence):
        policy_regret(reward, "FrozenLake-8x8")


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"env": "Pendulum-v1"}, MdpError, "env must be tabular"),
        ({"env": "FrozenLake-8x8", "gamma": 1.0}, MdpError, r"gamma must lie in \[0, 1\)"),
        ({}, rw.ConfigError, "must have env or T"),
        ({"T": np.ones((1, 1, 1))}, rw.ConfigError, "T must come with true"),
        ({"env": "FrozenLak-v1"}, rw.UnknownName, "Did you mean"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(
    options: dict[str, Any], error: Any, sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        policy_regret(rw.Constant(1.0), **options)


def test_arrays_that_do_not_fit_are_refused() -> None:
    T = np.ones((1, 1, 1))
    with pytest.raises(MdpError, match="true must have the shape of T"):
        policy_regret(T, T=T, true=np.ones((2, 1, 2)))
    with pytest.raises(MdpError, match="start must sum to 1"):
        policy_regret(T, T=T, true=T, start=[0.4])
