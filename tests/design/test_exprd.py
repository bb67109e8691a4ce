from __future__ import annotations

import json
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.design.exprd import best_of, design
from rewardwrap.design.program import DesignError, Goal, Program, greedy
from rewardwrap.evaluate import policy_regret

GAMMA = 0.9
LAKE: dict[str, Any] = {"is_slippery": False}


def chain(cells: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Left and right; 1 for going right in the last cell, which stays there."""
    moves, paid = np.zeros((cells, 2, cells)), np.zeros((cells, 2))
    for s in range(cells):
        moves[s, 0, max(s - 1, 0)] = moves[s, 1, min(s + 1, cells - 1)] = 1.0
    paid[-1, 1] = 1.0
    return moves, paid


def program(horizons: tuple[int, ...] = (1, 4), limit: float = 10.0) -> Program:
    moves, paid = chain()
    best, gap = best_of(paid, moves, GAMMA)
    return Program(Goal(moves, best, gap, GAMMA, horizons), limit)


def test_the_gaps_of_the_chain_are_those_worked_by_hand() -> None:
    moves, paid = chain()
    best, gap = best_of(paid, moves, GAMMA)
    assert best.tolist() == [[False, True]] * 4
    np.testing.assert_allclose(gap, [0.729, 1.539, 1.71, 1.9], atol=1e-9)


@pytest.mark.parametrize(
    ("states", "loss"),
    [([3], 0.49725), ([3, 2], 0.2835), ([3, 1], 0.304875), ([3, 0], 0.406125), ([0, 1, 2, 3], 0.0)],
)
def test_the_losses_of_the_chain_are_those_worked_by_hand(states: list[int], loss: float) -> None:
    found, missing, _ = program().solve(states)
    assert found == pytest.approx(loss, abs=1e-7)
    assert missing == pytest.approx(0.0, abs=1e-9)


def test_the_greedy_choice_begins_at_the_goal_and_takes_state_two_second() -> None:
    found = greedy(program(), 4)
    assert found.states[:2] == (3, 2)
    assert list(found.losses) == sorted(found.losses, reverse=True)
    assert found.losses[-1] == pytest.approx(0.0, abs=1e-9)
    assert greedy(program(), 2, first=[3]).states == (3, 2)


def test_the_paid_table_keeps_every_gap_and_its_bound() -> None:
    moves, paid = chain()
    _, gap = best_of(paid, moves, GAMMA)
    for states in (1, 2, 3):
        table = greedy(program(), states).table
        best, own = best_of(table, moves, GAMMA)
        assert best.tolist() == [[False, True]] * 4
        assert (own >= gap / (1 + 2e-5) - 1e-7).all()
        assert np.abs(table).max() <= 10.0


def test_the_potential_of_the_optimal_value_is_feasible_where_all_states_pay() -> None:
    """So the loss of all states is 0 for it, and no design is less informative than it."""
    moves, paid = chain()
    value = np.array([7.29, 8.1, 9.0, 10.0])
    shaped = paid + GAMMA * moves @ value - value[:, None]
    asked, got = best_of(paid, moves, GAMMA)[1], best_of(shaped, moves, GAMMA)[1]
    np.testing.assert_allclose(got, asked, atol=1e-9)


def test_a_gap_that_cannot_be_kept_is_missing_and_named() -> None:
    tight = program(limit=0.3)
    found = greedy(tight, 4)
    assert found.missing > 0.1
    assert tight.worst(found.table) == 3


@pytest.mark.parametrize("states", [2, 4])
def test_the_certificate_is_a_regret_of_zero(states: int) -> None:
    found = design("FrozenLake-v1", states=states, env_kwargs=LAKE)
    assert float(found.regret) == 0.0
    assert float(policy_regret(found.reward, "FrozenLake-v1", gamma=0.95, env_kwargs=LAKE)) == 0.0
    assert len(found.reward.values) <= states
    assert found.states[:2] == (14, 9)


def test_a_slippery_lake_is_kept_too() -> None:
    reward = rw.design.explicable("FrozenLake-v1", states=6, horizons=(1, 4))
    assert float(policy_regret(reward, "FrozenLake-v1", gamma=0.95)) == 0.0


def test_too_few_states_are_refused_and_the_state_is_named() -> None:
    with pytest.raises(DesignError, match=r"got a gap of [\d.]+ in state \d+ that cannot be kept"):
        design("FrozenLake-v1", states=2, limit=0.05, env_kwargs=LAKE)


class Indifferent(gym.Env[Any, Any]):
    """Two actions that do the same."""

    observation_space = gym.spaces.Discrete(2)
    action_space = gym.spaces.Discrete(2)
    initial_state_distrib = np.array([1.0, 0.0])
    P = {s: {a: [(1.0, 1, 1.0, True)] for a in (0, 1)} for s in (0, 1)}  # noqa: RUF012


@pytest.mark.parametrize(
    ("env", "options", "rule"),
    [
        ("CartPole-v1", {}, "needs dynamics"),
        (Indifferent(), {}, "some action somewhere, got one where all are best"),
        ("FrozenLake-v1", {"states": 0}, "states must be a whole number"),
        ("FrozenLake-v1", {"limit": 0.0}, "limit must be a positive number"),
        ("FrozenLake-v1", {"horizons": (0,)}, "horizons must be"),
    ],
)
def test_what_cannot_be_designed_is_refused(env: Any, options: Any, rule: str) -> None:
    with pytest.raises(DesignError, match=rule):
        design(env, **options)


def test_the_command_prints_the_certificate_and_writes_the_reward(
    tmp_path: Any, capsys: Any
) -> None:
    out = tmp_path / "designed.yml"
    words = ["FrozenLake-v1", "--env-kwargs", "is_slippery:False", "--states", "2"]
    assert main(["design", *words, "--out", str(out)]) == 0
    assert "Certificate: policy regret 0" in capsys.readouterr().out
    reward = rw.read_reward(out)
    assert float(policy_regret(reward, "FrozenLake-v1", gamma=0.95, env_kwargs=LAKE)) == 0.0
    assert main(["design", *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["regret"] == 0.0
    assert main(["design", "CartPole-v1"]) == 2
    assert "needs dynamics" in capsys.readouterr().err


def test_a_learner_is_paid_by_the_table_on_every_host() -> None:
    reward = rw.design.explicable("FrozenLake-v1", states=2, env_kwargs=LAKE)
    single = rw.wrap(gym.make("FrozenLake-v1", is_slippery=False), reward)
    venv = rw.make("FrozenLake-v1", reward, env_kwargs=LAKE)
    single.reset(seed=0)
    venv.reset()
    for action in (1, 1, 2, 1, 2, 2):
        paid = single.step(action)[1]
        assert venv.step(np.array([action]))[1][0] == np.float32(paid)
    assert paid == reward.values[14][2] == pytest.approx(10.0)


def test_names_that_load_on_first_use_are_shown() -> None:
    assert {"explicable", "Adaptive", "Design"} <= set(dir(rw.design))
