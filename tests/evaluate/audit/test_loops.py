"""Loops that pay: worth of going round for ever, against leaving."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.evaluate.audit.loops import Grid, Loops

GAMMA = 0.99


def column(*cells: int) -> np.ndarray:
    return np.array(cells)[:, None]


def test_a_one_sided_bonus_pays_for_going_back_and_forth() -> None:
    states = column(*[0, 1] * 10)
    pay = np.tile([0.1, 0.0], 10)
    loop = Loops(GAMMA, Grid()).loop(states, pay, np.zeros(20), terminated=False)
    assert loop is not None
    assert loop.pay == pytest.approx(0.1 / (1 - GAMMA**2))
    assert loop.returns == 9
    assert not loop.known


def test_a_loop_is_worth_what_repeating_it_for_ever_pays() -> None:
    states, pay = column(0, 1, 2, 0, 1, 2, 0, 1, 2, 0), np.array([1.0, 2, 3] * 3 + [0])
    loop = Loops(0.9, Grid()).loop(states, pay, np.zeros(10), terminated=False)
    assert loop is not None
    round_ = 1 + 0.9 * 2 + 0.81 * 3
    assert loop.pay in [
        pytest.approx(x / (1 - 0.9**3)) for x in (round_, 2 + 2.7 + 0.81, 3 + 0.9 + 1.62)
    ]


@given(
    path=st.lists(st.integers(0, 3), min_size=6, max_size=40),
    phi=st.lists(st.floats(-10, 10), min_size=4, max_size=4),
    gamma=st.floats(0.5, 0.999),
)
def test_a_potential_never_pays_for_a_loop_when_the_task_ends(
    path: list[int], phi: list[float], gamma: float
) -> None:
    """With Phi <= 0 as well: what the loop brings, leaving brings too."""
    values = np.array(phi)[path]
    after = np.append(values[1:], 0.0)
    pay = gamma * after - values
    found = Loops(gamma, Grid()).loop(
        np.array(path)[:, None], pay, np.zeros(len(path)), terminated=True
    )
    assert found is None


def test_a_loop_of_true_reward_is_no_farming() -> None:
    states, pay = column(*[0, 1] * 10), np.tile([0.1, 0.0], 10)
    assert Loops(GAMMA, Grid()).loop(states, pay + 1, np.ones(20), terminated=False) is None


def test_a_better_way_out_that_was_seen_ends_the_alarm() -> None:
    loops = Loops(GAMMA, Grid())
    out = np.array([0.0, 0.0, 50.0])
    assert loops.loop(column(0, 1, 2), out, out, terminated=True) is None
    states, pay = column(*[0, 1] * 10), np.tile([0.1, 0.0], 10)
    assert loops.loop(states, pay, np.zeros(20), terminated=False) is None


def test_waiting_in_a_cell_of_a_continuous_state_is_no_return() -> None:
    states = np.full((30, 1), 0.5) + np.linspace(0, 1e-3, 30)[:, None]
    grid = Grid(np.zeros(1), np.ones(1))
    assert Loops(GAMMA, grid).loop(states, np.ones(30), np.zeros(30), terminated=False) is None


def test_discrete_states_are_told_apart_and_continuous_ones_binned() -> None:
    exact, binned = Grid(), Grid(np.zeros(2), np.ones(2))
    assert len(np.unique(exact.cells(np.arange(64)[:, None]))) == 64
    cells = binned.cells(np.array([[0.5, 0.5], [0.505, 0.505], [0.9, 0.5]]))
    assert cells[0] == cells[1] != cells[2]


def test_staying_pays_when_nothing_changes_in_truth() -> None:
    loops = Loops(GAMMA, Grid())
    found = loops.stay(np.full(40, 1.0), np.full(40, -1.0), terminated=False)
    assert found is not None
    assert found.pay == pytest.approx(100.0)
    assert found.true == pytest.approx(-100.0)


def test_staying_for_true_reward_is_the_task() -> None:
    loops = Loops(GAMMA, Grid())
    assert loops.stay(np.full(40, 2.0), np.full(40, 1.0), terminated=False) is None


def test_staying_is_compared_with_episodes_that_ended() -> None:
    loops = Loops(GAMMA, Grid())
    assert loops.stay(np.full(20, 0.1), np.full(20, 5.0), terminated=True) is None
    assert loops.stay(np.full(40, 1.0), np.full(40, 0.5), terminated=False) is not None
    assert loops.stay(np.full(40, 0.01), np.full(40, 0.5), terminated=False) is None


def test_an_empty_or_blind_episode_has_no_loop() -> None:
    loops = Loops(GAMMA, Grid())
    assert loops.loop(column(1), np.ones(1), np.zeros(1), terminated=True) is None
    assert loops.loop(np.zeros((9, 0)), np.ones(9), np.zeros(9), terminated=True) is None
