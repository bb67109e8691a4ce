from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rewardwrap.compare import campaign
from rewardwrap.compare.executors import LocalExecutor, Outcome, SlurmExecutor, executor_named
from rewardwrap.compare.executors.local import kept_workers
from rewardwrap.compare.executors.steps import Steps, noting
from rewardwrap.compare.plan import plan_from
from rewardwrap.compare.run import execute
from rewardwrap.compare.spec import Spec, run_id
from rewardwrap.compare.store import Store
from rewardwrap.core.errors import ConfigError, MissingExtra, UnknownName


def _specs(**changes: Any) -> list[Spec]:
    data = {
        "env": "FrozenLake-8x8",
        "algo": "ppo",
        "steps": 512,
        "seeds": 1,
        "strategies": {"env": "env", "potential": "potential"},
        "evaluation": {"every": 512, "episodes": 1},
    }
    return plan_from({**data, **changes}).specs()


def _broken(spec: Spec) -> Spec:
    return {**spec, "reward": {"function": "tests_no_such_module:f"}, "strategy": "broken"}


def test_unknown_executors_and_addresses_of_the_local_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match='No executor "slrm". Did you mean "slurm"'):
        executor_named("slrm", Store(tmp_path))
    with pytest.raises(ConfigError, match="--address must go with --executor ray or slurm, got"):
        executor_named("local", Store(tmp_path), address="auto")


def test_without_submitit_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(MissingExtra, match=r'must have submitit.*"rewardwrap\[slurm\]"'):
        executor_named("slurm", Store(tmp_path))


def test_without_slurm_the_sentence_names_the_local_mode(tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    with pytest.raises(ConfigError, match="must find SLURM.*--address local"):
        executor_named("slurm", Store(tmp_path))


@dataclass
class Alone:
    """What one worker did."""

    store: Store
    specs: list[Spec]
    errors: list[str | None]
    workers: set[int]
    threads: list[str]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    """One worker's two runs."""
    store, specs = Store(tmp_path_factory.mktemp("there")), _specs()
    executor = LocalExecutor(store, 1)
    found = Alone(store, specs, [], set(), [])
    for outcome in _each(executor, specs):
        found.errors.append(outcome.error)
        workers = [worker.process.pid for worker in (*executor._idle, *executor._running)]
        found.workers.update(workers)
        if os.path.isdir("/proc/self/task"):
            found.threads = os.listdir(f"/proc/{workers[0]}/task")
    return found


def test_one_worker_computes_several_runs_each_as_if_it_were_alone(
    tmp_path: Path, alone: Alone
) -> None:
    assert alone.errors == [None] * 2
    assert len(alone.workers) == 1
    here = Store(tmp_path)
    execute(alone.specs[1], here)
    one, two = (s.summary(run_id(alone.specs[1])) for s in (alone.store, here))
    assert one["episodes"] == two["episodes"]


def _each(executor: LocalExecutor, specs: list[Spec]) -> Any:
    for spec in specs:
        executor.submit(spec)
    return executor.as_done()


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="no /proc here")
def test_a_worker_starts_no_thread_before_it_forks(alone: Alone) -> None:
    assert alone.threads == [str(worker) for worker in alone.workers]


def test_an_error_nobody_foresaw_is_a_failed_run_with_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rude_module.py").write_text(
        "import os\ndef pay(obs): raise ZeroDivisionError('by zero')\ndef leave(obs): os._exit(7)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    spec = _specs(strategies={"env": "env"})[0]
    specs = [
        {**spec, "strategy": name, "reward": {"function": f"rude_module:{name}"}}
        for name in ("pay", "leave")
    ]
    store = Store(tmp_path / "runs")
    failures = campaign.conduct([*specs, spec], store, LocalExecutor(store, 1))
    assert store.is_finished(run_id(spec))
    messages = {failure.strategy: failure.message for failure in failures}
    assert "by zero" in messages["pay"]
    assert messages["leave"].startswith("its process ended with code 7")


def test_notes_of_steps_are_read_once_and_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rewardwrap.compare.executors.steps.EVERY", 0.0)
    store = Store(tmp_path / "runs")
    steps = Steps(store)
    note = noting(str(steps.folder), "a")
    note(8)
    note(16)
    assert steps.news() == {"a": 16}
    assert steps.news() == {}
    (steps.folder / "b.txt").write_text("")  # half written on some file system
    assert steps.news() == {}
    assert store.sweep() == 0  # ours, and we live
    steps.clear()
    assert not steps.folder.exists()


def test_submitit_computes_what_is_missing_in_its_local_mode(tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    specs = _specs()
    specs.append(_broken(specs[0]))
    store = Store(tmp_path / "runs")
    execute(specs[0], store)
    ended: list[Outcome] = []
    executor = executor_named("slurm", store, jobs=1, address="local")
    failures = campaign.conduct(specs, store, executor, on_end=ended.append)
    assert sorted(outcome.spec["strategy"] for outcome in ended) == ["broken", "potential"]
    assert [failure.strategy for failure in failures] == ["broken"]
    assert "importable" in failures[0].message
    assert store.is_finished(run_id(specs[1]))
    assert not list(store.root.glob(".tmp-*"))
    # short runs share a job, and one that fails leaves the others alone
    assert len(list((tmp_path / "slurm").glob("*_submitted.pkl"))) == 1


@pytest.mark.parametrize(
    ("steps", "jobs", "shared"),
    [
        ([100_000] * 12, None, [5, 5, 2]),
        ([600_000, 100_000, 100_000, 600_000], None, [1, 2, 1]),
        ([1000] * 7, 3, [3, 3, 1]),
        ([1000] * 7, 9, [1] * 7),
    ],
)
def test_short_runs_share_jobs_as_long_as_no_place_stays_empty(
    tmp_path: Path, steps: list[int], jobs: int | None, shared: list[int]
) -> None:
    pytest.importorskip("submitit")
    executor = SlurmExecutor(Store(tmp_path / "runs"), 1, partition="local")
    executor._jobs = jobs
    for count in steps:
        executor.submit({"steps": count})
    assert [len(specs) for specs in executor._shared()] == shared


def test_an_interrupt_ends_submitits_jobs(tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    store = Store(tmp_path / "runs")
    executor = SlurmExecutor(store, 1, partition="local")

    def interrupt() -> None:
        while not store.root.is_dir():
            time.sleep(0.05)
        time.sleep(1.0)
        os.kill(os.getpid(), 2)

    thread = threading.Thread(target=interrupt)
    thread.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        campaign.conduct(_specs(steps=1_000_000)[:1], store, executor)
    thread.join()
    assert time.monotonic() - started < 60
    assert not [path for path in store.root.iterdir() if (path / "done.json").is_file()]


def test_executors_hand_idle_workers_on_only_where_another_would_be_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worker_of_a_run(folder: str) -> int:
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        executor = LocalExecutor(Store(Path("runs")), 1)
        (worker,) = [w.process.pid for _ in _each(executor, _specs()[:1]) for w in executor._idle]
        # where it is told, not where the worker was started
        assert Store(tmp_path / folder / "runs").is_finished(run_id(_specs()[0]))
        return worker

    monkeypatch.setattr("rewardwrap.compare.executors.local._kept", [])
    with kept_workers():
        with kept_workers():
            first, second = worker_of_a_run("a"), worker_of_a_run("b")
        monkeypatch.setenv("REWARDWRAP_TRUST", "another")
        other = LocalExecutor(Store(tmp_path / "c"), 1)
        third = other._hire()
        other._idle.append(third)
        other.cancel()
        assert Path(f"/proc/{first}").exists()
    assert first == second != third.process.pid
    assert not Path(f"/proc/{first}").exists()
