from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pytest

from rewardwrap.compare import tracking
from rewardwrap.compare.plan import plan_from
from rewardwrap.compare.run import execute
from rewardwrap.compare.spec import Spec, run_id
from rewardwrap.compare.store import Store
from rewardwrap.core.errors import MissingExtra, UnknownName


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Spec], Store]:
    """Two finished runs of one comparison and one that is not."""
    data = {
        "env": "FrozenLake-8x8",
        "algo": "ppo",
        "steps": 512,
        "seeds": 2,
        "strategies": {"env": "env", "potential": "potential"},
        "evaluation": {"every": 256, "episodes": 2},
    }
    specs, store = plan_from(data).specs(), Store(tmp_path_factory.mktemp("c") / "runs")
    for spec in specs[:2]:
        execute(spec, store)
    return specs, store


def test_every_finished_run_has_its_event_file(finished: tuple[list[Spec], Store]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    specs, store = finished
    folder, summary = store.path(run_id(specs[1])), store.summary(run_id(specs[1]))
    assert len(list(folder.glob("events.out.tfevents.*"))) == 1
    events = EventAccumulator(str(folder))
    events.Reload()
    assert sorted(events.Tags()["scalars"]) == [
        "eval/length", "eval/shaped_return", "eval/true_return", "reward/potential_mean",
    ]  # fmt: skip
    found = events.Scalars("eval/shaped_return")
    assert [event.step for event in found] == [0, 256, 512]
    assert [event.value for event in found] == pytest.approx(summary["shaped_return"])


# of SQLAlchemy, about a query of mlflow's store
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
def test_mlflow_gets_each_finished_run_once(
    finished: tuple[list[Spec], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    specs, store = finished
    assert tracking.track("mlflow", specs, store, group="lake") == 2
    assert tracking.track("mlflow", specs, store, group="lake") == 0
    client = mlflow.MlflowClient(f"sqlite:///{store.root.parent / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("lake")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert sorted(runs) == sorted(run_id(spec) for spec in specs[:2])
    run, summary = runs[run_id(specs[1])], store.summary(run_id(specs[1]))
    assert run.info.status == "FINISHED"
    assert run.data.tags["job_type"] == "potential"
    assert run.data.params["seed"] == "0"
    assert run.data.metrics["final/true_return"] == summary["true_return"][-1]
    curve = client.get_metric_history(run.info.run_id, "eval/shaped_return")
    assert [point.step for point in curve] == [0, 256, 512]
    assert [point.value for point in curve] == pytest.approx(summary["shaped_return"])


def test_wandb_writes_offline(
    finished: tuple[list[Spec], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    specs, store = finished
    assert tracking.track("wandb", specs, store, group="lake") == 2
    assert tracking.track("wandb", specs, store, group="lake") == 0
    names = sorted(run_id(spec) for spec in specs[:2])
    # W&B's own process writes the files, a moment after its `finish` returns
    deadline = time.monotonic() + 120
    while _in_offline_runs(store, names) != names and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _in_offline_runs(store, names) == names


def _in_offline_runs(store: Store, names: list[str]) -> list[str]:
    files = (store.root.parent / "wandb").glob("offline-run-*/run-*.wandb")
    contents = [file.read_bytes() for file in files]
    return sorted(name for name in names for content in contents if name.encode() in content)


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_without_the_tracker_the_sentence_says_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=rf'--track {name} must have .*"rewardwrap\[track\]"'):
        tracking.require(name)


def test_a_tracker_that_nobody_knows_is_refused() -> None:
    check: Callable[[str], None] = tracking.require
    with pytest.raises(UnknownName, match='No tracker "mlfow". Did you mean "mlflow"'):
        check("mlfow")
