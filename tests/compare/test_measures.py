"""The primary measure: what it tests, how it is corrected, and how often it is wrong."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rewardwrap.compare import declaration, document
from rewardwrap.compare.plan import Plan, PlanError, plan_from
from rewardwrap.compare.report import render
from rewardwrap.compare.results import Comparison, ResultsError, Run
from rewardwrap.compare.spec import run_id
from rewardwrap.compare.store import Store, write_json
from rewardwrap.compare.verdict import judge, verdicts

Lake = Callable[..., Comparison]
STEPS = np.arange(0, 21) * 2_000


def comparison(reached: dict[str, list[int | None]], **fields: Any) -> Comparison:
    """Runs that do the task from a point on, or never."""
    runs = []
    for name, points in reached.items():
        for seed, point in enumerate(points):
            curve = np.zeros(STEPS.size)
            curve[STEPS.size if point is None else point :] = 1.0
            runs.append(Run(name, seed, STEPS, curve, curve, np.ones(STEPS.size)))
    given: dict[str, Any] = {"primary": "done", "threshold": 1.0, **fields}
    return Comparison("E", "ppo", 40_000, strategies=tuple(reached), runs=tuple(runs), **given)


LATE = [12, 13, 14, 15, 16, 12, 13, 14, 15, 16]
EARLY: list[int | None] = [2, 2, 2, 2, *[None] * 6]


def test_ten_of_ten_against_four_of_ten_is_decided_where_the_area_is_not() -> None:
    data = {"env": EARLY, "other": LATE}
    by_area = judge(comparison(data, primary="area")).of("other")  # type: ignore[arg-type]
    assert by_area is not None
    assert by_area.word == "inconclusive"
    judgement = judge(comparison(data))  # type: ignore[arg-type]
    verdict = judgement.of("other")
    assert verdict is not None
    assert verdict.word == "better"
    assert "10/10 against 4/10 seeds, p = 0.007" in verdict.phrase
    assert judgement.headline.startswith("other is best: it does the task in more seeds")


def test_strategies_that_all_do_the_task_are_told_apart_by_when() -> None:
    judgement = judge(comparison({"env": LATE, "other": [1, 2, 3, 1, 2, 3, 1, 2, 3, 1]}))  # type: ignore[arg-type,dict-item]
    verdict = judgement.of("other")
    assert verdict is not None
    assert verdict.word == "better"
    assert "10/10 against 10/10 seeds, p = 1; sooner, p < 0.001" in verdict.phrase
    back = verdicts(comparison({"env": LATE, "other": [1] * 10}), "done", [("env", "other")])[0]  # type: ignore[arg-type,dict-item]
    assert back.word == "worse"


def test_more_seeds_but_later_is_no_verdict() -> None:
    few: list[int | None] = [1] * 32 + [None] * 8
    many: list[int | None] = [19] * 40
    verdict = verdicts(comparison({"a": many, "b": few}), "done", [("a", "b")])[0]
    assert {test.lead > 0 for test in verdict.tests} == {True, False}
    assert all(test.corrected < 0.05 for test in verdict.tests)
    assert verdict.word == "inconclusive"
    assert "contradict" in verdict.phrase


@pytest.fixture(scope="module")
def pages(lake: Lake) -> dict[str, tuple[Comparison, str]]:
    made = {primary: lake(seeds=5, primary=primary) for primary in ("done", "area")}
    return {primary: (found, render(found, {})) for primary, found in made.items()}


@pytest.mark.parametrize(("primary", "family"), [("done", 12), ("area", 6)])
def test_headline_method_and_card_say_the_same_number_of_tests(
    pages: dict[str, tuple[Comparison, str]], primary: str, family: int
) -> None:
    made, page = pages[primary]
    judgement = judge(made)
    assert judgement.family == family
    assert f"m = {family} tests" in judgement.headline
    assert f"Holm's correction over m = {family} tests" in judgement.method
    assert {v.family for v in judgement.against_best} == {family}
    assert page.count(f"Holm, m = {family}") == 3, "a card for each strategy but the baseline"
    said = {v.other: [t.corrected for t in v.tests] for v in judgement.against_best}
    of = judgement.of("potential")
    assert of is not None
    assert said["env"] == [t.corrected for t in of.tests], "one pair has one p value"


def test_the_page_names_the_tests_and_what_was_declared(
    pages: dict[str, tuple[Comparison, str]],
) -> None:
    page, graded = pages["done"][1], pages["area"][1]
    assert "declared before the first run: whether a seed does the task" in page
    assert "Boschloo&#39;s exact test" in page
    assert "the exact log-rank test" in page
    assert "declared before the first run: the area under the true-return curve" in graded
    assert "Boschloo" not in graded


def test_comparison_json_says_what_was_declared_and_found(lake: Lake, tmp_path: Path) -> None:
    made = lake(primary="done", bounds=(0.0, None))
    found = document.to_json_dict(made)
    assert (found["primary"], found["bounds"]) == ("done", [0.0, None])
    told = found["judgement"]
    assert told["comparisons"] == 12
    first = told["verdicts"][0]
    assert (first["strategy"], first["other"], first["word"]) == ("potential", "env", "better")
    assert [test["asked"] for test in first["tests"]] == ["success", "steps"]
    assert document.to_json_dict(document.from_json_dict(json.loads(json.dumps(found)))) == found


def test_a_file_from_before_is_decided_by_area_as_it_was(lake: Lake) -> None:
    found = document.to_json_dict(lake(primary="done"))
    older = {k: v for k, v in found.items() if k not in ("primary", "bounds", "judgement")}
    assert document.from_json_dict(older).primary == "area"


def test_doing_the_task_needs_a_threshold(lake: Lake) -> None:
    with pytest.raises(ResultsError, match='primary must be "area", or "done" with a threshold'):
        lake(primary="done", threshold=None)


def test_the_interval_of_a_return_stays_within_what_a_return_can_be() -> None:
    runs = tuple(
        Run("env", s, [0, 10], [9.0, r], [9.0, r], [9.0, 9.0])  # type: ignore[arg-type]
        for s, r in enumerate((10.0, 37.8))
    )
    made = Comparison("CartPole-v1", "ppo", 10, None, ("env",), runs, bounds=(0.0, 500.0))
    low, high = made.interval("env")
    assert low == 0.0
    assert high == pytest.approx(200.5, abs=0.1)


# what decides is chosen from the task, before the first run


def _plan(env: str, **more: Any) -> Plan:
    data = {"env": env, "algo": "ppo", "steps": 100, "seeds": 2, "strategies": {"env": "env"}}
    return plan_from({**data, **more}, rows=False)


@pytest.mark.parametrize(
    ("env", "more", "primary"),
    [
        ("FrozenLake-8x8", {}, "done"),
        ("MountainCar-v0", {}, "done"),
        ("rewardwrap/NoisyTV-v0", {}, "done"),
        ("CartPole-v1", {}, "area"),
        ("Pendulum-v1", {}, "area"),
        ("CartPole-v1", {"primary": "done"}, "done"),
        ("FrozenLake-8x8", {"primary": "area"}, "area"),
        ("Blackjack-v1", {"threshold": 1.0}, "done"),
        ("Blackjack-v1", {}, "area"),
    ],
)
def test_what_decides_follows_from_the_task(env: str, more: dict[str, Any], primary: str) -> None:
    assert _plan(env, **more).primary == primary


def test_what_a_return_can_be_comes_from_the_recipe() -> None:
    assert _plan("CartPole-v1").bounds == (0.0, 500.0)
    assert _plan("FrozenLake-8x8").bounds == (0.0, 1.0)
    assert _plan("MountainCar-v0").bounds[0] == -200.0
    assert _plan("MountainCar-v0", env_kwargs={"max_episode_steps": 50}).bounds[0] == -50.0
    assert _plan("Reacher-v5").bounds == (None, None)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"primary": "auc"}, 'must be "done" or "area"'),
        ({"primary": "done"}, "go with a threshold"),
    ],
)
def test_what_cannot_decide_is_refused(more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PlanError, match=sentence):
        _plan("Blackjack-v1", **more)


def _finish_one(plan: Plan, store: Store) -> None:
    spec = plan.specs()[0]
    with store.writing(run_id(spec)) as folder:
        write_json(folder / "summary.json", {})


def test_what_decides_cannot_be_chosen_after_the_first_run(tmp_path: Path) -> None:
    store, plan = Store(tmp_path / "runs"), _plan("FrozenLake-8x8")
    for primary in ("area", "done"):  # nothing was seen yet
        declaration.declare([_plan("FrozenLake-8x8", primary=primary)], store, tmp_path)
    assert json.loads((tmp_path / "declared.json").read_text()) == {
        "FrozenLake-8x8": {"primary": "done", "threshold": 1.0}
    }
    _finish_one(plan, store)
    assert declaration.hold([plan], store, tmp_path) == (plan,)
    for other in ({"primary": "area"}, {"threshold": 0.5}):
        with pytest.raises(PlanError, match="declared before the first run, done at 1, got"):
            declaration.hold([_plan("FrozenLake-8x8", **other)], store, tmp_path)


def test_a_store_from_before_is_decided_by_area_and_says_so(tmp_path: Path) -> None:
    store, plan = Store(tmp_path / "runs"), _plan("FrozenLake-8x8")
    _finish_one(plan, store)
    (held,) = declaration.hold([plan], store, tmp_path)
    declaration.declare([held], store, tmp_path)
    assert held.primary == "area"
    assert "before a measure was declared" in held.remarks[0]
    assert not (tmp_path / "declared.json").exists()


# how often it is wrong: tests/compare/error_rates.py, whose whole table is in docs/results/compare.md


def _rates() -> Any:
    file = Path(__file__).with_name("error_rates.py")
    spec = importlib.util.spec_from_file_location("error_rates", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["error_rates"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("strategies", "seeds"), [(2, 5), (4, 5)])
def test_false_claims_stay_under_five_percent(strategies: int, seeds: int) -> None:
    rates = _rates()
    law = rates.Law(0.9, 6)
    wrong = rates.claims([law] * strategies, seeds, runs=100, start=7).any(axis=1)
    assert wrong.sum() <= 9, "5 % of 100 is 5; more than 9 has a chance of 3 % there"


def test_a_clear_difference_is_found() -> None:
    rates = _rates()
    found = rates.claims([rates.Law(1.0, 8), rates.Law(0.4, 2)], 10, runs=40, start=8)
    assert found.mean() >= 0.5
