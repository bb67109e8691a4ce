"""What a comparison is given and cannot count: each a named error or a stated row, never a number."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rewardwrap.cli import main
from rewardwrap.compare import campaign, document
from rewardwrap.compare.plan import PlanError, plan_from, read_plan
from rewardwrap.compare.report import render
from rewardwrap.compare.results import Comparison, ResultsError
from rewardwrap.compare.spec import run_id
from rewardwrap.compare.store import Store, finish, write_json
from rewardwrap.compare.verdict import judge

Lake = Callable[..., Comparison]
PLAN = {
    "env": "FrozenLake-8x8",
    "algo": "ppo",
    "steps": 512,
    "seeds": 2,
    "strategies": {"env": "env", "potential": "potential"},
    "evaluation": {"every": 256, "episodes": 1},
}


def _fill(store: Store, spec: dict[str, Any], *, true: float = 1.0) -> None:
    name = run_id(spec)
    with store.writing(name) as folder:
        write_json(folder / "spec.json", spec)
        text = json.dumps(
            {
                "steps": [0, 512], "true_return": [0.0, true], "shaped_return": [0.0, 1.0],
                "length": [9.0, 9.0], "terms": {}, "cpu_seconds": 1.0, "wall_seconds": 1.0,
                "env_steps": 512, "continued": [], "same_curve": True,
            }
        )  # fmt: skip
        (folder / "summary.json").write_text(text)


def _command(folder: Path) -> list[str]:
    words = ["compare", "FrozenLake-8x8", "-n", "512", "--seeds", "2", "--eval-freq", "256"]
    return [*words, "--eval-episodes", "1", "--out", str(folder / "out")]


def test_a_store_of_another_format_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_from(PLAN)
    store = Store(tmp_path / "out" / "runs")
    _fill(store, plan.specs()[0])
    done = store.path(run_id(plan.specs()[0])) / "done.json"
    done.write_text(json.dumps({"run_id": done.parent.name, "finished": 1.0}))
    assert main(_command(tmp_path)) == 2
    said = capsys.readouterr().err
    assert "format must be 2, got none. Give another --out" in said
    assert "Traceback" not in said


@pytest.mark.usefixtures("undrawn")
def test_a_half_written_run_is_stated_and_trained_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, store = plan_from(PLAN), Store(tmp_path / "out" / "runs")
    for spec in plan.specs():
        _fill(store, spec)
    broken = store.path(run_id(plan.specs()[0]))
    (broken / "summary.json").write_text('{"steps": [0')
    assert main(_command(tmp_path)) == 0
    said = capsys.readouterr().out
    assert "3 of 4 runs are finished" in said
    assert f"Not whole, so trained again: {broken.name}." in said.replace("\n", " ")
    assert store.is_finished(broken.name)
    assert len(document.read(tmp_path / "out").runs) == 4


def test_two_strategies_of_one_name_are_refused_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "plan.yml").write_text(
        "env: CartPole-v1\nalgo: ppo\nstrategies:\n  a: env\n  a: {constant: 1}\n"
    )
    with pytest.raises(Exception, match=r"plan.yml:5: .*a.*(twice|line 4)"):
        read_plan(tmp_path / "plan.yml")
    assert main(["compare", "CartPole-v1", "--reward", "env", "--reward", "env"]) == 2


def test_no_seed_is_refused_and_one_seed_settles_nothing(lake: Lake) -> None:
    for seeds in (0, [], [-1], [1, 1], 1.5):
        with pytest.raises(PlanError, match="seeds must be how many"):
            plan_from({**PLAN, "seeds": seeds})
    assert "nothing is settled" in judge(lake(seeds=1)).headline


def test_unequal_seeds_are_stated(lake: Lake) -> None:
    failed = frozenset({("env", 0), ("env", 3)})
    judgement = judge(lake(seeds=5, failed=failed))
    notes = " ".join(judgement.notes)
    assert "unequal numbers of finished seeds (env 3, potential 5" in notes
    verdict = judgement.of("potential")
    assert verdict is not None
    assert verdict.seeds == (5, 3)
    assert "3 and 5 seeds" in judge(lake(seeds=5, failed=failed)).of("refined").phrase  # type: ignore[union-attr]


def test_a_strategy_whose_every_run_failed_has_a_row_and_no_number(lake: Lake) -> None:
    failed = frozenset(("process", seed) for seed in range(3))
    page = render(lake(seeds=3, failed=failed), {})
    assert "no finished run" in page
    assert "ValueError: nan" in page
    entry = document.to_json_dict(lake(seeds=3, failed=failed))["strategies"][2]
    assert (entry["mean"], entry["iqm"], entry["ci95"]) == (None, None, [None, None])


@pytest.mark.parametrize("bad", ["NaN", "Infinity"])
def test_a_score_that_is_no_number_is_a_failed_run_and_never_an_average(
    tmp_path: Path, bad: str
) -> None:
    plan, store = plan_from(PLAN), Store(tmp_path)
    specs = plan.specs()
    for spec in specs:
        _fill(store, spec)
    folder = store.path(run_id(specs[0]))
    text = (folder / "summary.json").read_text()
    (folder / "summary.json").write_text(text.replace("[0.0, 1.0]", f"[0.0, {bad}]", 1))
    finish(folder, folder.name)
    found = campaign.collect(plan, specs, store, failures=[], command="")
    assert [(f.strategy, f.seed) for f in found.failures] == [("env", 0)]
    assert "true_return must be finite" in found.failures[0].message
    assert np.isfinite(found.final("env")).all()
    assert "1 of 4 runs failed" in " ".join(judge(found).notes)


def test_a_summary_that_lacks_a_number_is_a_failed_run(tmp_path: Path) -> None:
    plan, store = plan_from(PLAN), Store(tmp_path)
    specs = plan.specs()
    _fill(store, specs[0])
    folder = store.path(run_id(specs[0]))
    (folder / "summary.json").write_text('{"steps": [0, 512]}')
    finish(folder, folder.name)
    found = campaign.collect(plan, specs, store, failures=[], command="")
    assert "summary.json must be complete" in found.failures[0].message


def test_a_comparison_of_another_format_is_refused(lake: Lake, tmp_path: Path) -> None:
    written = document.to_json_dict(lake(seeds=1))
    (tmp_path / "comparison.json").write_text(json.dumps({**written, "format": 99}))
    with pytest.raises(ResultsError, match="format must be 1, got 99"):
        document.read(tmp_path)
