from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from rewardwrap.compare import campaign, tuning
from rewardwrap.compare.plan import DEFAULT, Plan, plan_from, read_plan
from rewardwrap.compare.spec import Spec, run_id
from rewardwrap.compare.store import Store, write_json
from rewardwrap.compare.tuning import Trial
from rewardwrap.core.errors import MissingExtra


def _plan(**changes: Any) -> Plan:
    lean = ["env", {"field": {"of": {"row": 0.1}}, "weight": -0.5, "name": "lean"}]
    data = {
        "env": "FrozenLake-8x8",
        "algo": "ppo",
        "steps": 512,
        "seeds": 2,
        "strategies": {"env": "env", "potential": "potential", "lean": lean},
        "evaluation": {"every": 512, "episodes": 1},
    }
    return plan_from({**data, **changes})


def _finish(store: Store, spec: Spec, score: float) -> None:
    with store.writing(run_id(spec)) as folder:
        write_json(folder / "summary.json", {"steps": [0, 10], "true_return": [score, score]})


def _scale(spec: Spec) -> float:
    found: float = spec["reward"]["sum"]["terms"][1]["named"]["base"]["affine"]["scale"]
    return found


def test_the_numbers_of_the_default_plan_are_its_weights() -> None:
    found = {n: tuning.numbers_of(r.to_config()) for n, r in read_plan(DEFAULT).rewards.items()}
    assert {name: {n: v for n, (_, v) in numbers.items()} for name, numbers in found.items()} == {
        "env": {},
        "potential": {"potential.phi": 1.0},
        "process": {"affine.scale": 0.1},  # and not its field's weights, which it multiplies
        "refined": {"field.of": 1.0, "refine.alpha": 1.0},
    }


def test_equal_numbers_of_one_reward_get_different_names() -> None:
    part = {"affine": {"base": {"env": {}}, "scale": 2.0}}
    found = tuning.numbers_of({"sum": {"terms": [part, part, {"constant": {"value": 0.0}}]}})
    assert list(found) == ["affine.scale", "affine.scale#2"]


def test_tuning_seeds_are_those_that_the_final_runs_do_not_use() -> None:
    assert tuning.tuning_seeds(range(10)) == (1000, 1001)
    assert tuning.tuning_seeds([1000, 1002]) == (1001, 1003)


def test_the_best_trial_wins_and_the_earlier_of_two() -> None:
    a, b, c = Trial({"x": 1.0}, None), Trial({"x": 2.0}, 5.0), Trial({"x": 3.0}, 5.0)
    assert tuning.best([a, b, c]) is b
    assert tuning.best([a]) is a


def test_every_strategy_gets_the_same_trials_on_other_seeds_and_nothing_is_trained_twice(
    tmp_path: Path,
) -> None:
    store, plan = Store(tmp_path / "runs"), _plan()
    trained: list[Spec] = []

    def train(specs: list[Spec]) -> None:
        for spec in campaign.missing(specs, store):
            trained.append(spec)
            # the smaller the weight the better; the others are level
            _finish(store, spec, -abs(_scale(spec)) if spec["strategy"] == "lean" else 1.0)

    tuned, document = tuning.tune(plan, 6, store, train)
    assert {spec["seed"] for spec in trained} == {1000, 1001}
    assert len({run_id(spec) for spec in trained}) == len(trained)
    assert len([spec for spec in trained if spec["strategy"] == "env"]) == 2
    told = document["strategies"]
    assert [len(each["trials"]) for each in told.values()] == [6, 6, 6]
    assert told["lean"]["trials"][0]["values"] == {"affine.scale": -0.5}
    scales = [trial["values"]["affine.scale"] for trial in told["lean"]["trials"]]
    assert all(-5.0 <= scale <= -0.05 for scale in scales)
    assert told["lean"]["chosen"] == {"affine.scale": max(scales)}
    assert told["potential"]["chosen"] == {"potential.phi": 1.0}
    assert (
        "no weight or coefficient to tune: its 6 trials are one and the same training"
        in told["env"]["words"]
    )
    assert document["sentence"] == (
        "Every strategy was tuned with 6 trials on seeds 1000, 1001, disjoint from the final seeds."
    )
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    final = {spec["strategy"]: spec for spec in tuned.specs()}
    assert _scale(final["lean"]) == max(scales)
    assert tuned.seeds == (0, 1)
    before = {spec["strategy"]: spec for spec in plan.specs()}
    assert run_id(final["env"]) == run_id(before["env"])
    assert tuning.lines(document)[2].startswith("  lean: affine.scale -0.5 -> -")

    trained.clear()
    again, same = tuning.tune(plan, 6, store, train)
    assert (trained, same) == ([], document)
    assert again.specs() == tuned.specs()


def test_a_trial_whose_runs_fail_counts_and_does_not_win(tmp_path: Path) -> None:
    store, plan = Store(tmp_path), _plan()

    def train(specs: list[Spec]) -> None:
        for spec in campaign.missing(specs, store):
            if spec["strategy"] == "lean" and _scale(spec) == -0.5:
                continue
            _finish(store, spec, 0.0)

    _, document = tuning.tune(plan, 3, store, train)
    scores = [trial["score"] for trial in document["strategies"]["lean"]["trials"]]
    assert scores == [None, 0.0, 0.0]
    assert document["strategies"]["lean"]["chosen"] != {"affine.scale": -0.5}


def test_without_optuna_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtra, match=r'--tune must have optuna.*"rewardwrap\[tune\]"'):
        tuning.tune(_plan(), 1, Store(tmp_path), lambda specs: None)
