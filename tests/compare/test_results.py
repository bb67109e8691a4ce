from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rewardwrap.compare import document, report
from rewardwrap.compare.results import Comparison, ResultsError, Run

Lake = Callable[..., Comparison]


def run(true: list[float], *, strategy: str = "env", seed: int = 0, steps: object = None) -> Run:
    points = np.arange(len(true)) * 100 if steps is None else steps
    zeros = np.zeros(len(true))
    return Run(strategy, seed, points, np.array(true), zeros, zeros)  # type: ignore[arg-type]


def compare(*runs: Run, threshold: float | None = 1.0) -> Comparison:
    names = tuple(dict.fromkeys(r.strategy for r in runs)) or ("env",)
    return Comparison("E", "ppo", 200, threshold, names, runs)


def test_the_first_point_at_the_threshold_counts_as_reached() -> None:
    assert run([0.0, 0.9, 1.0, 0.0]).reached(1.0) == 200


def test_a_seed_that_never_reaches_the_threshold_is_censored() -> None:
    comparison = compare(run([0, 0, 0]), run([0, 1, 1], seed=1))
    assert comparison.steps_to_threshold("env") == [None, 100]
    survival = comparison.survival("env")
    assert survival is not None
    assert (survival.reached, survival.runs, survival.median) == (1, 2, 100)


def test_a_threshold_reached_at_step_zero_is_not_censored() -> None:
    assert compare(run([1, 1])).steps_to_threshold("env") == [0]


def test_the_area_has_the_unit_of_a_return() -> None:
    assert compare(run([3.0, 3.0, 3.0])).auc("env").tolist() == [3.0]
    assert compare(run([0.0, 1.0])).auc("env").tolist() == [0.5]


def test_runs_on_other_grids_are_compared_where_they_overlap() -> None:
    first = run([0.0, 2.0], steps=[0, 200])
    second = run([5.0, 5.0, 5.0], seed=1, steps=[50, 100, 150])
    comparison = compare(first, second)
    assert comparison.grid().tolist() == [50, 100, 150]
    assert comparison.curves("env")[0].tolist() == [0.5, 1.0, 1.5]
    assert comparison.auc("env").tolist() == [1.0, 5.0]


def test_runs_that_share_no_step_are_refused() -> None:
    apart = compare(run([0.0], steps=[0]), run([0.0], seed=1, steps=[10]))
    with pytest.raises(ResultsError, match="must overlap"):
        apart.grid()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_return_that_is_not_finite_is_refused_with_its_step(bad: float) -> None:
    with pytest.raises(ResultsError, match=r'"env" seed 0: true_return must be finite.*step 100'):
        run([0.0, bad])


def test_a_curve_of_another_length_is_refused() -> None:
    with pytest.raises(ResultsError, match="one entry for each of the 2"):
        Run("env", 0, np.array([0, 1]), np.zeros(3), np.zeros(2), np.zeros(2))  # type: ignore[arg-type]


def test_steps_that_fall_are_refused() -> None:
    with pytest.raises(ResultsError, match="strictly increasing"):
        run([0.0, 0.0], steps=[10, 10])


def test_two_strategies_of_one_name_are_refused() -> None:
    with pytest.raises(ResultsError, match="all of another name"):
        Comparison("E", "ppo", 1, None, ("env", "env"), ())


def test_a_seed_trained_twice_is_refused() -> None:
    with pytest.raises(ResultsError, match="seed 0 twice"):
        compare(run([0]), run([0]))


def test_a_run_of_an_unknown_strategy_is_refused() -> None:
    with pytest.raises(ResultsError, match="must belong to"):
        Comparison("E", "ppo", 1, None, ("env",), (run([0], strategy="other"),))


def test_outcomes_are_two_values_seen_often_enough(lake: Lake) -> None:
    assert lake().outcomes() == (0.0, 1.0)
    assert compare(run([0, 1])).outcomes() is None
    assert compare(run([0, 0.5, 1] * 9)).outcomes() is None


def test_writing_and_reading_changes_nothing(lake: Lake, tmp_path: Path) -> None:
    comparison = lake(seeds=2, failed=frozenset({("process", 1)}))
    page = report.write(comparison, tmp_path)
    assert page == tmp_path / "report.html"
    for found in (document.read(tmp_path), document.read(tmp_path / "comparison.json")):
        assert document.to_json_dict(found) == document.to_json_dict(comparison)
    assert not list(tmp_path.rglob(".*")), "nothing half-written stays behind"
    assert {p.suffix for p in (tmp_path / "figures").iterdir()} == {".svg", ".png"}


def test_comparison_json_holds_what_outside_checks_read(lake: Lake) -> None:
    found = document.to_json_dict(lake(seeds=4))
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found
    assert [found[key] for key in ("env", "algo", "steps")] == ["FrozenLake-8x8", "ppo", 40_000]
    entry = found["strategies"][1]
    assert entry["name"] == "potential"
    assert entry["seeds"] == [0, 1, 2, 3]
    assert entry["final_true_return"] == [1.0] * 4
    assert entry["steps_to_threshold"] == [4_000, 8_000, 12_000, 4_000]
    assert len(entry["auc"]) == len(entry["final_shaped_return"]) == 4
    assert entry["iqm"] == entry["mean"] == 1.0
    low, high = entry["ci95"]
    assert 0 < low < high == 1.0
    assert entry["ci95_of"] == "mean of final_true_return"


def test_a_strategy_whose_every_run_failed_has_nulls_not_numbers(lake: Lake) -> None:
    failed = frozenset({("env", 0), ("env", 1)})
    entry = document.to_json_dict(lake(seeds=2, strategies=("env", "potential"), failed=failed))[
        "strategies"
    ][0]
    assert (entry["seeds"], entry["iqm"], entry["ci95"]) == ([], None, [None, None])
    assert sorted(entry["failed_seeds"]) == [0, 1]


@pytest.mark.usefixtures("undrawn")
def test_runs_csv_has_a_row_for_each_evaluation_point(lake: Lake, tmp_path: Path) -> None:
    report.write(lake(seeds=2, strategies=("env", "potential")), tmp_path)
    with (tmp_path / "runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 11
    assert rows[0]["term:extra"] == "", "env has no such term"
    assert float(rows[-1]["true_return"]) == 1.0


def test_a_comparison_of_another_format_is_refused(lake: Lake, tmp_path: Path) -> None:
    written = document.to_json_dict(lake(seeds=1)) | {"format": 99}
    (tmp_path / "comparison.json").write_text(json.dumps(written))
    with pytest.raises(ResultsError, match="format must be 1, got 99"):
        document.read(tmp_path)


@pytest.mark.parametrize("text", ['{"format": 1', '{"format": 1, "env": "E"}', "[1]", "null"])
def test_a_half_written_comparison_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "comparison.json").write_text(text)
    with pytest.raises(ResultsError):
        document.read(tmp_path)


def test_a_missing_comparison_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="must exist"):
        document.read(tmp_path)
