"""Suites of small tasks: they can be played as they stand, and their rules have known answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap_envs
from rewardwrap.cli import main
from rewardwrap.core.errors import UnknownName
from rewardwrap.llm.grammar import translated
from rewardwrap.llm.suite import Case, done, read_suite, rewards_of, tail_means
from rewardwrap_policies.planner import CEMPlanner
from tests.llm.conftest import scene


@pytest.mark.parametrize("name", ["l2r", "text2reward"])
def test_seventeen_tasks_ask_for_fields_that_are_there(name: str) -> None:
    cases = read_suite(name).cases
    assert len({case.name for case in cases}) == 17
    for case in cases:
        assert set(case.success) <= set(rewardwrap_envs.recipe(case.env).fields), case.name
        assert all(low < high for low, high in case.success.values())


def test_every_sentence_is_in_the_grammar_and_asks_for_what_is_judged() -> None:
    suite = read_suite("l2r")
    for case in suite.cases:
        table = translated(case.sentence, scene(case.env))
        aims = {term.of: term.target for term in table.values()}
        for field, (low, high) in case.success.items():
            assert low <= aims.get(field, (low + high) / 2) <= high, case.name
        assert translated(suite.skills[case.env][suite.skill(case)], scene(case.env))


def test_a_skill_is_chosen_by_the_words_of_the_sentence() -> None:
    suite = read_suite("l2r")
    chosen = {case.name: suite.skill(case) for case in suite.cases}
    assert chosen["cheetah-runs"] == "forward"
    assert chosen["walker-backs"] == "backward"
    assert chosen["pendulum-stands"] == "upright"
    assert chosen["walker-crouches"] == chosen["ant-goes-left"] == "stand"


def test_what_is_recorded_passes_the_gate_and_differs_between_rounds() -> None:
    told = {}
    for case in read_suite("text2reward").chosen(["reacher-reaches", "cheetah-runs"]):
        told[case.name] = rewards_of(case)
        for reward in told[case.name].values():
            if hasattr(reward, "close"):
                reward.close()
    assert list(told["reacher-reaches"]) == ["round 1", "round 2", "expert"]
    assert list(told["cheetah-runs"]) == ["round 1", "expert"]


def test_a_case_is_done_by_means_of_the_last_third_of_a_whole_episode() -> None:
    case = Case("one", "Pendulum-v1", "", {"x": (1.0, 2.0)})
    means = tail_means({"x": np.array([9.0, 9.0, 9.0, 9.0, 1.0, 2.0])}, ["x"])
    assert means == {"x": 1.5}
    assert done(case, means, whole=True)
    assert not done(case, means, whole=False)
    assert not done(case, {"x": 2.5}, whole=True)
    with pytest.raises(UnknownName, match="pendulum-stand"):
        read_suite("l2r").chosen(["pendulum-stand"])


def test_steps_of_a_plan_behind_its_end_cost_what_falling_costs() -> None:
    env = gym.make("InvertedPendulum-v5")
    obs, _ = env.reset(seed=0)

    def score(obs: Any, action: Any, next_obs: Any, info: Any) -> Any:
        return np.zeros(len(next_obs))

    plans = np.ones((1, 40, 1))
    values = {}
    for fallen in (None, -2.0):
        planner = CEMPlanner(env, score, horizon=40, samples=1, gamma=1.0, fallen=fallen)
        values[fallen] = planner._values(plans, obs, planner._snapshot.take())[0]
        env.reset(seed=0)
    assert values[None] == 0.0
    assert -2.0 * 40 < values[-2.0] < -2.0 * 10
    assert values[-2.0] % 2.0 == 0.0
    env.close()


def test_a_suite_goes_on_where_it_stopped(tmp_path: Path, capsys: Any) -> None:
    words = ["suite", "l2r", "--only", "pendulum-stands", "--out", str(tmp_path), "--steps", "3"]
    assert main([*words, "--seeds", "1", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert [row["by"] for row in first["rows"]] == ["table", "skills"]
    assert main([*words, "--seeds", "1", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == first
    assert "seed 0: done" not in told.err
    words[-1] = "4"
    assert main([*words, "--seeds", "1"]) == 2
    assert "must go on as it began (3 steps), got 4" in capsys.readouterr().err
    assert main(["suite", "metaworld", "--seeds", "1"]) == 2
