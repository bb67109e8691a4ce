"""Rewards that are farmed are refused before anything is trained; rewards of progress are not."""

from __future__ import annotations

import pytest

import rewardwrap as rw
from rewardwrap.llm.candidate import Candidate
from rewardwrap.llm.cycles import going_round, looping
from rewardwrap.llm.incentive import farmed
from rewardwrap.llm.stages import Stages
from rewardwrap.llm.trajectories import Pool, collect
from rewardwrap_envs import recipe
from tests.llm.conftest import scene

CLOSENESS = """
def reward(obs, action, next_obs, info):
    near = (next_obs.row + next_obs.column) / 14.0
    return near, {"near": near}
"""
PROGRESS = """
def reward(obs, action, next_obs, info):
    nearer = 0.99 * (next_obs.row + next_obs.column) - (obs.row + obs.column)
    time = np.full(len(action), -0.05)
    holes = -5.0 * info["terminated"] * (next_obs.row + next_obs.column < 14)
    return nearer + time + holes, {"nearer": nearer, "time": time, "holes": holes}
"""
FAST = rw.Track("velocity", target=0.07, scale=0.07, norm="bound") + 1.0
UPWARDS = rw.Potential("position", gamma=0.99) - 0.1


@pytest.fixture(scope="module")
def pool() -> Pool:
    return collect(recipe("FrozenLake-8x8"), seed=0, episodes=2)


def test_closeness_at_each_step_is_refused_with_the_cycle_it_is_farmed_on(pool: Pool) -> None:
    candidate = Candidate("r1s1", 1, 1, CLOSENESS)
    Stages(scene("FrozenLake-8x8"), pool).judge(candidate)
    assert candidate.stage == "incentive"
    assert "loses 100 % of what the task is worth" in candidate.reason
    assert "goes round for ever at row 7, column 6" in candidate.reason


def test_what_keeps_the_task_passes(pool: Pool) -> None:
    candidate = Candidate("r1s2", 1, 2, PROGRESS)
    Stages(scene("FrozenLake-8x8"), pool).judge(candidate)
    assert (candidate.stage, candidate.reason) == ("incentive", "")
    code = rw.CodeReward(PROGRESS)
    assert code.memoryless
    assert rw.regret("FrozenLake-8x8", code).kindest < 0.1


@pytest.mark.parametrize("env", ["FrozenLake-8x8", "CliffWalking-v1", "Taxi-v4"])
def test_the_task_itself_is_never_refused_and_its_opposite_always(env: str) -> None:
    place = recipe(env)
    assert farmed(rw.EnvReward(), place) == ""
    assert "loses" in farmed(-1.0 * rw.EnvReward() + 0.01, place)


def test_where_no_dynamics_are_written_out_nothing_is_said() -> None:
    assert farmed(rw.Field("pole_cos"), recipe("Pendulum-v1")) == ""


def test_rocking_for_pay_is_refused_where_nobody_wrote_the_dynamics_out() -> None:
    place = recipe("MountainCar-v0")
    stored = list(collect(place, seed=0, episodes=2).episodes)
    for farmable in (FAST, rw.Field("position") + 1.2, rw.Constant(1.0)):
        why = going_round(farmable, place, stored)
        assert "never coming to the end" in why
        assert "Pay for progress" in why
    for fair in (rw.EnvReward(), UPWARDS, 3.0 * rw.EnvReward() + UPWARDS):
        assert going_round(fair, place, stored) == ""


def test_tasks_without_an_end_and_ends_that_nobody_reached_are_not_judged() -> None:
    for env in ("Pendulum-v1", "MountainCar-v0"):
        place = recipe(env)
        stored = [e for e in collect(place, seed=0, episodes=1).episodes if not e["terminated"][-1]]
        assert going_round(rw.EnvReward() + 5.0, place, stored) == ""


def test_loops_come_back_to_where_they_were() -> None:
    found = looping(recipe("Pendulum-v1"), seed=0)
    assert len(found) == 16
    for episode in found[::2]:  # without a lead
        actions = episode["action"][:60, 0]
        assert len(set(actions.tolist())) == 2
        assert actions.min() == pytest.approx(-actions.max())
