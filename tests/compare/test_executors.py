from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from rewardwrap.compare import campaign
from rewardwrap.compare.executors import LocalExecutor, Outcome, SlurmExecutor, executor_named
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


def test_one_worker_computes_several_runs_each_as_if_it_were_alone(tmp_path: Path) -> None:
    specs = _specs(seeds=2)
    store, here = Store(tmp_path / "there"), Store(tmp_path / "here")
    executor = LocalExecutor(store, 1)
    pids: set[int] = set()
    ended = []
    for outcome in _each(executor, specs):
        ended.append(outcome)
        pids.update(worker.process.pid for worker in (*executor._idle, *executor._running))
    assert [outcome.error for outcome in ended] == [None] * 4
    assert len(pids) == 1
    execute(specs[3], here)
    one, two = (s.summary(run_id(specs[3])) for s in (store, here))
    assert one["episodes"] == two["episodes"]


def _each(executor: LocalExecutor, specs: list[Spec]) -> Any:
    for spec in specs:
        executor.submit(spec)
    return executor.as_done()


def test_a_worker_starts_no_thread_before_it_forks() -> None:
    code = (
        "from rewardwrap.compare.executors import worker; worker.import_needed()\n"
        "import os; print(len(os.listdir('/proc/self/task')))"
    )
    if not os.path.isdir("/proc/self/task"):
        pytest.skip("no /proc here")
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True
    )
    assert ended.stdout.split() == ["1"]


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
    executor = executor_named("slurm", store, jobs=2, address="local")
    failures = campaign.conduct(specs, store, executor, on_end=ended.append)
    assert sorted(outcome.spec["strategy"] for outcome in ended) == ["broken", "potential"]
    assert [failure.strategy for failure in failures] == ["broken"]
    assert "importable" in failures[0].message
    assert store.is_finished(run_id(specs[1]))
    assert not list(store.root.glob(".tmp-*"))


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
