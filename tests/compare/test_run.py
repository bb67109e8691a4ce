from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from rewardwrap.compare import campaign
from rewardwrap.compare.executors import LocalExecutor, Outcome
from rewardwrap.compare.plan import plan_from
from rewardwrap.compare.run import execute, run_one
from rewardwrap.compare.spec import Spec, run_id
from rewardwrap.compare.store import Store, StoreError


def _specs(**changes: Any) -> list[Spec]:
    data = {
        "env": "FrozenLake-8x8",
        "algo": "ppo",
        "steps": 1024,
        "seeds": 1,
        "strategies": {"env": "env", "potential": "potential"},
        "evaluation": {"every": 512, "episodes": 2},
    }
    return plan_from({**data, **changes}).specs()


def test_run_ids_are_the_same_in_every_process_and_version_of_the_file() -> None:
    spec = {"strategy": "a b", "env": "ALE/Pong-v5", "seed": 3, "catalog": [], "steps": 10}
    assert run_id(spec) == "a_b-ALE_Pong_v5-3-8e8238b114b7"
    assert run_id(spec) == run_id(dict(reversed(spec.items())))
    assert run_id(_specs()[0]) == run_id(_specs()[0])


def test_a_run_id_changes_with_what_is_trained_and_with_nothing_else() -> None:
    spec = _specs()[0]
    name = run_id(spec)
    for key, value in (
        ("seed", 1), ("steps", 2048), ("reward", {"constant": 1}), ("algo", "a2c"),
        ("hyperparameters", {}), ("evaluation", {}), ("versions", {}), ("code", {}),
        ("env_kwargs", {"a": 1}),
    ):  # fmt: skip
        assert run_id({**spec, key: value})[-12:] != name[-12:]
    assert run_id({**spec, "catalog": ["/somewhere/else"]}) == name
    assert run_id({**spec, "strategy": "other"})[-12:] == name[-12:]


def test_a_run_is_a_pure_function_of_its_spec(tmp_path: Path) -> None:
    spec = _specs()[1]
    one, other = run_one(spec, folder=tmp_path), run_one(spec)
    for costs in ("cpu_seconds", "wall_seconds"):
        assert one.pop(costs) > 0 and other.pop(costs) > 0  # noqa: PT018
    assert one == other
    assert one["steps"] == [0, 512, 1024]
    assert list(one["terms"]) == ["potential"]
    for true, shaped, term in zip(
        one["true_return"], one["shaped_return"], one["terms"]["potential"], strict=True
    ):
        assert shaped == pytest.approx(true + term)
    assert (tmp_path / "bundle" / "bundle.json").is_file()


def _conduct(
    specs: list[Spec], store: Store, executor: LocalExecutor
) -> tuple[list[str], list[Any]]:
    ended: list[str] = []

    def note(outcome: Outcome) -> None:
        ended.append(outcome.spec["strategy"])

    return ended, campaign.conduct(specs, store, executor, on_end=note)


def test_one_run_fails_the_rest_goes_on_and_nothing_is_trained_twice(tmp_path: Path) -> None:
    broken = {"function": "tests_no_such_module:f"}
    specs = _specs()
    specs[0] = {**specs[0], "reward": broken, "strategy": "broken"}
    store = Store(tmp_path)
    ended, failures = _conduct(specs, store, LocalExecutor(store, 2))
    assert sorted(ended) == ["broken", "potential"]
    assert [(f.strategy, f.seed) for f in failures] == [("broken", 0)]
    assert "importable" in failures[0].message

    before = (tmp_path / run_id(specs[1]) / "done.json").stat().st_mtime_ns
    ended, failures = _conduct(specs, store, LocalExecutor(store, 2))
    assert ended == ["broken"]
    assert (tmp_path / run_id(specs[1]) / "done.json").stat().st_mtime_ns == before


def test_a_killed_worker_is_started_once_more(tmp_path: Path) -> None:
    once, twice = _specs(steps=4096)
    times = {run_id(once): 1, run_id(twice): 2}
    killed: list[int] = []

    def kill(name: str, step: int) -> None:
        pid = executor._running[0].process.pid
        if times[name] and pid not in killed:
            times[name] -= 1
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

    store = Store(tmp_path)
    executor = LocalExecutor(store, 1, on_step=kill)
    _, failures = _conduct([once, twice], store, executor)
    assert len(killed) == 3
    assert [(f.strategy, f.message) for f in failures] == [
        (twice["strategy"], "its process was killed 2 times (signal 9)")
    ]
    assert [path.name for path in store.root.iterdir()] == [run_id(once)]


def test_an_interrupt_ends_the_workers_and_keeps_what_is_finished(tmp_path: Path) -> None:
    specs = _specs(steps=1024) + _specs(steps=400_000)
    store = Store(tmp_path)
    execute(specs[0], store)
    executor = LocalExecutor(store, 1)
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        while not executor._running:
            time.sleep(0.05)
        time.sleep(0.2)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        campaign.conduct([specs[0], specs[2]], store, executor)
    thread.join()
    assert [path.name for path in tmp_path.iterdir()] == [run_id(specs[0])]


def test_a_full_disk_stops_the_comparison_with_a_sentence(tmp_path: Path) -> None:
    class Full(LocalExecutor):
        def as_done(self) -> Any:
            yield Outcome(specs[0], "no space left", disk_full=True)

    specs, store = _specs(), Store(tmp_path)
    with pytest.raises(StoreError, match="no space left"):
        campaign.conduct(specs, store, Full(store, 1))


def test_finished_runs_become_a_comparison(tmp_path: Path) -> None:
    plan = plan_from(
        {
            "env": "FrozenLake-8x8",
            "algo": "ppo",
            "steps": 512,
            "seeds": 1,
            "strategies": {"env": "env", "potential": "potential"},
            "evaluation": {"every": 512, "episodes": 1},
        }
    )
    specs, store = plan.specs(), Store(tmp_path)
    execute(specs[0], store)
    found = campaign.collect(plan, specs, store, failures=[], command="rewardwrap compare")
    assert [run.label for run in found.runs] == ['run "env" seed 0']
    assert found.threshold == 1.0
    assert found.grid().tolist() == [0, 512]
